import { afterEach, beforeEach, expect, it } from 'vitest';
import { DAY_MS } from '../../src/baseline/time.ts';
import type { CliIo } from '../../src/cli/io.ts';
import type { Project } from '../../src/cli/project.ts';
import { type Known, readKnown, readNames, readPast } from '../../src/cli/token-history.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { EmbeddedLog } from '../../src/log/embedded.ts';
import type { Log } from '../../src/log/log.ts';
import { GROUPS, TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { keysOf } from '../../src/runtime/reading.ts';
import { detectors, ordinary, START, THEFT_AT } from '../detect/tokens-life.ts';
import { aheadClock, newFolder, open } from '../log/embedded-folder.ts';
import { detecting, live, records } from '../pipeline/mortal-stages.ts';

const io: CliIo = {
  out: () => undefined,
  err: () => undefined,
  isTerminal: false,
  colours: false,
  env: {},
  interrupted: new AbortController().signal,
};
const nameOf = String;

let folder: Awaited<ReturnType<typeof newFolder>>;
let clock: ReturnType<typeof aheadClock>;
let log: EmbeddedLog;
let project: Project;

beforeEach(async () => {
  folder = await newFolder();
  clock = aheadClock();
  log = await open({ folder: folder.path, access: 'own', clock });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 7 }));
  const text = JSON.stringify({ dataFolder: folder.path, clickhouse: { kind: 'off' } });
  const readFile = () => '';
  project = await loadConfig({ path: 'x.yaml', text, env: {}, detectors, readFile, loadMore: async () => detectors });
});

afterEach(async () => {
  await log.close();
  await folder.remove();
});

async function learn(...tokens: readonly string[]): Promise<Known> {
  for (const token of tokens) await log.append(TOPICS.events, records(ordinary(token)));
  const { hashSeed } = keysOf(project.config);
  const start = (given: Log) => detecting(given, undefined, hashSeed);
  await live(log, log, start, [GROUPS.detect, TOPICS.events]);
  return readKnown(log, project, tokens.at(-1) ?? '');
}

it('reads the names and the past of one token among others', async () => {
  const known = await learn('other', 'svc');
  const names = await readNames(io, known, 'log');
  expect(JSON.stringify(known.reader.engine.facts('svc', names.nameOf))).toContain('orders');
  const past = await readPast(io, known, 'log', THEFT_AT);
  expect(past.engine.facts('svc', nameOf)).toEqual(known.reader.engine.facts('svc', nameOf));
  const half = await readPast(io, known, 'log', START + 6 * DAY_MS);
  expect(half.engine.summary('svc')?.eventCount).toBe(216);
});

it('refuses where the first events are gone, and does nothing', async () => {
  await learn('svc');
  clock.ahead(8 * DAY_MS);
  const later = ordinary('svc').map((event) => ({ ...event, id: `${event.id}+`, at: event.at + 20 * DAY_MS }));
  await log.append(TOPICS.events, records(later));
  const all = await learn('young');
  await log.cleanUp('due');
  const end = (await log.offsets(TOPICS.events))[0];
  expect(end).toMatchObject({ earliest: 432 });
  const known = await readKnown(log, project, 'svc');
  await expect(readPast(io, known, 'log', START + 25 * DAY_MS)).rejects.toThrow(
    /"svc" was first seen at 2026-09-07T08:00:00.000Z, and the events log keeps its events from 2026-09-27T08:00:00.000Z on: .* --from clickhouse\. Nothing was changed\./,
  );
  // Names are what is left of them, and are said not to be found where nothing is.
  const names = await readNames(io, known, 'log');
  expect(names.nameOf(1)).toContain('not found');
  // Whose past is all there is not concerned.
  await expect(readPast(io, all, 'log', THEFT_AT)).resolves.toBeDefined();
  clock.ahead(8 * DAY_MS);
  await log.cleanUp('due');
  await expect(readPast(io, known, 'log', THEFT_AT)).rejects.toThrow('keeps none of its events');
});

it('refuses a time before the token, a token that is not known, and the archive where there is none', async () => {
  const known = await learn('svc');
  await expect(readPast(io, known, 'log', START)).rejects.toThrow('nothing was known of it');
  await expect(readKnown(log, project, 'nobody')).rejects.toThrow('no events of a token named "nobody"');
  await expect(readPast(io, known, 'clickhouse', THEFT_AT)).rejects.toThrow('the configuration has no archive');
  const put = { ...known, summary: { ...known.summary, rolledBack: { at: THEFT_AT + 5, to: START + DAY_MS } } };
  await expect(readPast(io, put, 'clickhouse', THEFT_AT)).rejects.toThrow(
    '"svc" was put back to what was known at 2026-09-08T00:00:00.000Z, and the archive does not keep what that took back',
  );
});

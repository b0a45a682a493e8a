import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createEnrich } from '../../src/enrich/enrich.ts';
import { readLines } from '../../src/ingest/lines.ts';
import { unpack } from '../../src/ingest/unpack.ts';
import { REPLAY_KEYS } from '../../src/runtime/keys.ts';
import { formatOf } from '../../src/runtime/reading.ts';
import { openClickHouse } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import { RETENTION } from '../store/suite-migrations.ts';
import { runTokenwarden } from '../support/run-tokenwarden.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'pgaudit');
const RECORDING = join(FIXTURES, 'two-weeks.jsonl.gz');

let folder: string;
let labels: string;
let events: readonly AuditEvent[];

/** The recording's events as collect would have written them. */
async function collected(): Promise<readonly AuditEvent[]> {
  const enrich = createEnrich({
    namespace: null,
    fingerprintTokens: 'when-secret',
    fingerprint: REPLAY_KEYS.fingerprint,
    factsOfAddress: () => null,
    factsOfToken: () => null,
    ageMsMax: null,
  });
  const normaliser = formatOf('pgaudit').open();
  const outcomes = [];
  for await (const { offset, value } of readLines(unpack(createReadStream(RECORDING))))
    outcomes.push(...normaliser.push({ id: `shop/0/${offset}`, value }));
  outcomes.push(...normaliser.flush());
  return outcomes.flatMap((outcome) => (outcome.kind === 'event' ? [enrich(outcome.event, null)] : []));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-archived-'));
  const { theft } = JSON.parse(await readFile(join(FIXTURES, 'two-weeks.labels.json'), 'utf8'));
  labels = join(folder, 'labels.jsonl');
  const until = new Date(Date.parse(theft.at) + 3_600_000).toISOString();
  await writeFile(labels, JSON.stringify({ scenario: 'export', token: theft.role, from: theft.at, until }));
  events = await collected();
  const store = await openClickHouse({ folder: join(folder, 'data', 'clickhouse') });
  await migrate(store, RETENTION);
  const writer = createStoreWriter(store);
  // Taken by the log today: what is old by its own time is not yet to be deleted.
  const logged = events.map((event, offset) => ({ event, partition: 0, offset, loggedAt: Date.now() }));
  await writer.insertEvents(logged, 'all');
  const again = logged.slice(500, 900).map((one, i) => ({ ...one, offset: events.length + i }));
  await writer.insertEvents(again, 'a collector died before it remembered');
  await store.close();
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function run(...args: readonly string[]) {
  return runTokenwarden(args, { cwd: folder });
}

describe('history from the archive', () => {
  it('gives the report that the file gives', async () => {
    const [pageOfFile, pageOfArchive] = [join(folder, 'file.html'), join(folder, 'archive.html')];
    const ofFile = await run(
      'backtest',
      RECORDING,
      '--format',
      'pgaudit',
      '--labels',
      labels,
      '--json',
      '--html',
      pageOfFile,
    );
    const ofArchive = await run(
      'backtest',
      '--from',
      'clickhouse',
      '--labels',
      labels,
      '--json',
      '--html',
      pageOfArchive,
    );
    expect(ofArchive.err).toBe('');
    expect(JSON.parse(ofArchive.out)).toEqual(JSON.parse(ofFile.out));
    expect(JSON.parse(ofArchive.out)).toMatchObject({ eventCount: events.length, thefts: { caught: 1 } });
    const figures = async (page: string) =>
      [...(await readFile(page, 'utf8')).matchAll(/<data [^>]*>[^<]*/g)].map(String);
    expect(await figures(pageOfArchive)).toEqual(await figures(pageOfFile));
  });

  it('is replayed as well, all of it or a span', async () => {
    const all = await run('replay', '--from', 'clickhouse', '--json');
    expect(JSON.parse(all.out)).toMatchObject({ events: events.length, deadLetters: 0, alerts: 1, wouldRevoke: 1 });
    const since = events[1000]?.at ?? 0;
    const until = events[2000]?.at ?? 0;
    const span = ['--since', new Date(since).toISOString(), '--until', new Date(until).toISOString()];
    const some = await run('replay', '--from', 'clickhouse', '--json', ...span);
    const within = events.filter(({ at }) => at >= since && at < until).length;
    expect(JSON.parse(some.out)).toMatchObject({ events: within });
  });

  it('says that nothing is kept of a time', async () => {
    const { code, err } = await run('replay', '--from', 'clickhouse', '--until', '2001-01-01');
    expect(code).toBe(2);
    expect(err).toContain(`the archive at ${join(folder, 'data', 'clickhouse')} keeps no event of that time`);
  });

  it('says that there is no archive, makes none, and what to do', async () => {
    const config = join(folder, 'elsewhere.yaml');
    await writeFile(config, `dataFolder: ${join(folder, 'elsewhere')}\n`);
    const { code, err } = await run('replay', '--from', 'clickhouse', '--config', config);
    expect(code).toBe(2);
    expect(err).toContain(`there is no archive in ${join(folder, 'elsewhere', 'clickhouse')}: say with --config`);
    expect((await run('replay', '--from', 'clickhouse', '--config', config)).err).toBe(err);
  });

  it('says what to do when the configuration has none, or its server does not answer', async () => {
    const [off, away] = [join(folder, 'off.yaml'), join(folder, 'away.yaml')];
    await writeFile(off, 'clickhouse:\n  kind: off\n');
    await writeFile(away, 'clickhouse:\n  kind: server\n  url: http://127.0.0.1:1\n');
    expect(await run('backtest', '--from', 'clickhouse', '--labels', labels, '--config', off)).toMatchObject({
      code: 2,
      err: 'tokenwarden: the configuration has no archive (clickhouse: {kind: off}): name one in the configuration (--config), or name a file\n',
    });
    const { code, err } = await run('backtest', '--from', 'clickhouse', '--labels', labels, '--config', away);
    expect(code).toBe(2);
    expect(err).toMatch(/^tokenwarden: ClickHouse at http:\/\/127\.0\.0\.1:1\/tokenwarden could not .*ECONNREFUSED/);
    expect(err).toContain('See that it runs, and clickhouse in the configuration (--config).');
  });

  it('says that nothing was archived yet', async () => {
    const store = await openClickHouse({ folder: join(folder, 'empty', 'clickhouse') });
    await store.close();
    const config = join(folder, 'empty.yaml');
    await writeFile(config, `dataFolder: ${join(folder, 'empty')}\n`);
    const { code, err } = await run('replay', '--from', 'clickhouse', '--config', config);
    expect(code).toBe(2);
    expect(err).toContain('Nothing was archived there yet');
  });
});

import { expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { Engine } from '../../src/detect/engine.ts';
import { keyCheckOf, type Rollback } from '../../src/detect/rollback.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createRandom } from '../../src/domain/random.ts';
import type { Log, NewRecord } from '../../src/log/log.ts';
import { decodeStoredEvent, encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { BaselineReader } from '../../src/pipeline/baselines.ts';
import { rollbackIn, rollbackRecord } from '../../src/pipeline/rollback-record.ts';
import { readBaseline, stepsOfLog, TokenPast } from '../../src/pipeline/token-past.ts';
import { GROUPS, TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { ordinary, stolen, THEFT_AT } from '../detect/tokens-life.ts';
import { newFolder, open } from '../log/embedded-folder.ts';
import { detecting, dying, ENGINE, live, records } from './mortal-stages.ts';

const AT = THEFT_AT + HOUR_MS;
const nobody = () => undefined;
const later = (ms: number) => stolen('svc').map((event) => ({ ...event, id: `${event.id}+${ms}`, at: event.at + ms }));

/** The token's baseline before its theft, found in the events log. */
async function pastOf(log: Log, until = THEFT_AT - 1): Promise<TokenPast> {
  const past = new TokenPast(ENGINE, { token: 'svc', until, layoutOf: nobody });
  for await (const step of stepsOfLog(log, 'svc', () => undefined)) past.take(step);
  return past;
}

function rollbackOf(snapshot: Uint8Array, more: Partial<Rollback> = {}): Rollback {
  const common = { token: 'svc', at: AT, to: THEFT_AT - 1, detectors: null, keyCheck: keyCheckOf(7), by: 'ann' };
  return { ...common, snapshot, ...more };
}

/** What a log's events come to, each taken once and in order. */
async function once(log: Log): Promise<Engine> {
  const engine = new Engine(ENGINE);
  for await (const batch of log.read(TOPICS.events, 0)) {
    for (const { value, offset, appendedAt } of batch) {
      const rollback = rollbackIn(value as Buffer);
      if (rollback) engine.rollBack(rollback, offset, nobody);
      else engine.observe(decodeStoredEvent(value as Buffer, '') as never, offset, appendedAt);
    }
  }
  return engine;
}

const hex = (engine: Engine, token = 'svc') => Buffer.from(engine.snapshot(token) as Uint8Array).toString('hex');

it.each(['1', '2', '3', '4', '5'])(
  'is done once and in order, whoever dies when: seed %s',
  async (seed) => {
    const random = createRandom(seed);
    const folder = await newFolder();
    let log = await open({ folder: folder.path, access: 'own' });
    const part = (count: number) => random.below(count + 1);
    /** Reads all, and dies now and then before. */
    const detect = async () => {
      for (let deaths = 0; ; deaths++) {
        const topics = [TOPICS.baselines, TOPICS.findings];
        const given = deaths < 4 ? dying(log, topics, 1 + random.below(3), part) : log;
        if (await live(log, given, detecting, [GROUPS.detect, TOPICS.events])) return;
        await log.close();
        log = await open({ folder: folder.path, access: 'own' });
      }
    };
    await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
    await log.append(TOPICS.events, records([...ordinary('svc'), ...ordinary('other'), ...stolen('svc')]));
    await detect();
    const snapshot = (await pastOf(log)).engine.snapshot('svc') as Uint8Array;
    const record = rollbackRecord(rollbackOf(snapshot));
    // The producer has sent it twice, and events go on before and behind it.
    await log.append(TOPICS.events, [...records(later(2 * HOUR_MS)), record, ...records(later(DAY_MS)), record]);
    await log.append(TOPICS.events, records(later(2 * DAY_MS)));
    await detect();
    const expected = await once(log);
    expect(expected.summary('svc')?.rolledBack.at).toBe(AT);
    const restored = new Engine(ENGINE);
    await new BaselineReader(0, restored).readOn(log);
    expect(hex(restored)).toBe(hex(expected));
    expect(hex(restored, 'other')).toBe(hex(expected, 'other'));
    await log.close();
    await folder.remove();
  },
  30_000,
);

it('the past is what detect knew then, to the byte, what people said included', async () => {
  const folder = await newFolder();
  const log = await open({ folder: folder.path, access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  const detect = () => live(log, log, detecting, [GROUPS.detect, TOPICS.events]);
  await log.append(TOPICS.events, records([...ordinary('svc'), ...ordinary('other')]));
  await detect();
  const then = hex((await readBaseline(log, ENGINE, 'svc')).engine);
  await log.append(TOPICS.events, records(stolen('svc')));
  await detect();
  const robbed = hex((await readBaseline(log, ENGINE, 'svc')).engine);
  expect(hex((await pastOf(log)).engine)).toBe(then);
  expect(hex((await pastOf(log, AT - 1)).engine)).toBe(robbed);
  const snapshot = (await pastOf(log)).engine.snapshot('svc') as Uint8Array;
  await log.append(TOPICS.events, [rollbackRecord(rollbackOf(snapshot)), ...records(later(DAY_MS))]);
  await detect();
  const now = hex((await readBaseline(log, ENGINE, 'svc')).engine);
  // Before it was put back, and after: so a rollback can be taken back as well.
  expect(hex((await pastOf(log, AT - 1)).engine)).toBe(robbed);
  expect(hex((await pastOf(log, Number.POSITIVE_INFINITY)).engine)).toBe(now);
  await log.close();
  await folder.remove();
}, 30_000);

it('says in the log why it is refused, goes on, and makes no dead letter of it', async () => {
  const folder = await newFolder();
  const log = await open({ folder: folder.path, access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  await log.append(TOPICS.events, records(ordinary('svc')));
  const snapshot = (await pastOf(log)).engine.snapshot('svc') as Uint8Array;
  const other = Buffer.from(snapshot);
  other.write('0123456789abcdef', 8, 'latin1');
  const wrong = [
    rollbackOf(snapshot, { token: 'nobody' }),
    rollbackOf(other),
    rollbackOf(snapshot, { keyCheck: 1 }),
    rollbackOf(Buffer.from('no snapshot')),
  ];
  const record = wrong.map((rollback) => ({ ...rollbackRecord(rollback), partition: 0 }));
  await log.append(TOPICS.events, [...record, ...records(later(0))]);
  const warnings: string[] = [];
  const start = (given: Log) => detecting(given, (message) => warnings.push(message));
  expect(await live(log, log, start, [GROUPS.detect, TOPICS.events])).toBe(true);
  expect(warnings).toEqual([
    expect.stringContaining('its token is not known'),
    expect.stringContaining('other detectors'),
    expect.stringContaining('another fingerprintKey'),
    expect.stringContaining('damaged'),
  ]);
  expect((await log.offsets(TOPICS.deadLetters))[0]?.end).toBe(0);
  expect((await readBaseline(log, ENGINE, 'svc')).engine.summary('svc')?.rolledBack.at).toBe(0);
  await log.close();
  await folder.remove();
}, 30_000);

const RECORD = rollbackRecord(rollbackOf(Buffer.from('snapshot'), { token: 't' }));

it('no event that we store looks like one, and a release that knows none takes it for a dead letter', () => {
  const forged = { ...(ordinary('{"rollback":{}}')[0] as AuditEvent), id: '{"rollback":' };
  expect(rollbackIn(Buffer.from(encodeStoredEvent(forged, null)))).toBeUndefined();
  expect(rollbackIn(Buffer.from('{"rollback":'))).toBeUndefined();
  expect(rollbackIn(Buffer.from('{"rollback":7}'))).toBeUndefined();
  expect(rollbackIn(RECORD.value as Buffer)).toEqual(rollbackOf(Buffer.from('snapshot'), { token: 't' }));
  expect(decodeStoredEvent(RECORD.value as Buffer, 'x')).toMatchObject({ code: 'no-token' });
});

it('the archive leaves it out under its own name', async () => {
  const [sink] = createSinks({ insertEvents: async (events: Iterable<unknown>) => void [...events] } as never);
  const given = [{ ...(RECORD as NewRecord), partition: 0, appendedAt: 5, offset: 0 } as never];
  expect(await sink?.insert(given, 'x')).toEqual({ archivedCount: 0, leftOut: new Map([['rollback', 1]]) });
});

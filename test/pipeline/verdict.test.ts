import { expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import type { AlertEntry } from '../../src/decide/responder.ts';
import type { VerdictRequest } from '../../src/decide/verdicts.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import { Engine, type EngineOptions } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createRandom } from '../../src/domain/random.ts';
import { VERDICT_KINDS, type VerdictKind } from '../../src/domain/verdict.ts';
import type { Log, NewRecord } from '../../src/log/log.ts';
import { decodeStoredEvent, encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn, asideRecord } from '../../src/pipeline/aside-record.ts';
import { BaselineReader } from '../../src/pipeline/baselines.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { encodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { decodeLedgerEntry } from '../../src/pipeline/ledger.ts';
import { startRespond } from '../../src/pipeline/respond.ts';
import { GROUPS, TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { samplePolicy } from '../decide/policy.ts';
import { detectors, ordinary, stolen, THEFT_AT } from '../detect/tokens-life.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

const ENGINE: EngineOptions = {
  installed: detectors.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
  thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1000 }),
  hashSeed: 7,
  tokensMax: 100,
  onFailure: (id, cause) => {
    throw new Error(id, { cause });
  },
};

const records = (events: readonly AuditEvent[]): readonly NewRecord[] =>
  events.map((event) => ({ key: event.token, value: Buffer.from(encodeStoredEvent(event, null)) }));
const later = (ms: number) => stolen('svc').map((event) => ({ ...event, id: `${event.id}+${ms}`, at: event.at + ms }));

/** Dies at some append to a topic: before it, after it, or with a part of it written. */
function dying(log: Log, topics: readonly string[], left: number, part: (count: number) => number): Log {
  return new Proxy(log, {
    get: (target, name) => {
      if (name !== 'append') return Reflect.get(target, name).bind(target);
      return async (topic: string, records: readonly NewRecord[]) => {
        if (!topics.includes(topic) || --left > 0) return target.append(topic, records);
        const written = records.slice(0, part(records.length));
        if (written.length > 0) await target.append(topic, written);
        throw new Error('died');
      };
    },
  });
}

/** Runs a stage until its group has read a topic to its end. @returns whether it lived so long */
async function live(
  log: Log,
  given: Log,
  start: (log: Log) => Promise<{ done: Promise<void>; stop(): Promise<void> }>,
  [group, topic]: readonly [string, string],
): Promise<boolean> {
  let isOver = false;
  try {
    const stage = await start(given);
    const caughtUp = (async () => {
      const end = (await log.offsets(topic))[0]?.end;
      while (!isOver && (await log.committed(group, topic)).get(0)?.offset !== end) await systemClock.sleep(3);
    })();
    await Promise.race([caughtUp, stage.done]).finally(() => {
      isOver = true;
    });
    await stage.stop();
    return true;
  } catch (cause) {
    expect(String(cause)).toContain('died');
    return false;
  }
}

const detecting = (log: Log) =>
  startDetect({
    log,
    clock: systemClock,
    engine: ENGINE,
    checkpointIntervalMs: 10,
    checkpointTokensMax: 1,
    standbyIntervalMs: null,
    onWarning: () => undefined,
  });

const responding = (log: Log) =>
  startRespond({
    log,
    clock: systemClock,
    policy: samplePolicy({}, { protectedTokens: ['*'] }),
    identity: String(Math.random()),
    followIntervalMs: 10,
    openDispatcher: () => ({ submit: () => undefined, withdraw: () => undefined, stop: async () => undefined }),
    onWarning: () => undefined,
  });

async function alertOf(log: Log): Promise<AlertEntry> {
  let found: AlertEntry | undefined;
  for await (const batch of log.read(TOPICS.ledger, 0)) {
    for (const record of batch) {
      const entry = decodeLedgerEntry(record);
      if (
        entry?.kind === 'alert' &&
        entry.entry.alert.openedAt === (found?.alert.openedAt ?? entry.entry.alert.openedAt)
      )
        found = entry.entry;
    }
  }
  return found as AlertEntry;
}

async function ask(log: Log, verdict: VerdictKind): Promise<void> {
  const { alert } = await alertOf(log);
  const at = THEFT_AT + HOUR_MS;
  const until = verdict === 'true-positive' ? null : at + DAY_MS;
  const request: VerdictRequest = { kind: 'verdict', about: alert.id, verdict, by: 'ann', why: '', at, until };
  const value = encodeFindingsRecord({ kind: 'request', request });
  await log.append(TOPICS.findings, [{ key: alert.token, partition: 0, value }]);
}

it.each(VERDICT_KINDS.flatMap((kind) => ['1', '2', '3'].map((seed) => [kind, seed] as const)))(
  '%s is applied once, whoever dies when: seed %s',
  async (kind, seed) => {
    const random = createRandom(seed);
    const folder = await newFolder();
    let log = await open({ folder: folder.path, access: 'own' });
    const part = (count: number) => random.below(count + 1);
    /** Lives on until all is read, and dies now and then before. */
    const insist = async (
      start: typeof detecting | typeof responding,
      place: readonly [string, string],
      topics: readonly string[],
    ) => {
      for (let deaths = 0; ; deaths++) {
        const given = deaths < 4 ? dying(log, topics, 1 + random.below(3), part) : log;
        const lived = await live(log, given, start, place);
        if (lived) return;
        // Whoever comes after finds nobody in office.
        await log.close();
        log = await open({ folder: folder.path, access: 'own' });
      }
    };
    const detect = () => insist(detecting, [GROUPS.detect, TOPICS.events], [TOPICS.baselines, TOPICS.findings]);
    const respond = () => insist(responding, [GROUPS.respond, TOPICS.findings], [TOPICS.events, TOPICS.ledger]);
    await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
    await log.append(TOPICS.events, records([...ordinary('svc'), ...stolen('svc')]));
    await detect();
    await respond();
    await ask(log, kind);
    await respond();
    // Whoever had the office before passes it on late.
    const verdict = (await alertOf(log)).verdicts?.[0];
    expect(verdict?.kind).toBe(kind);
    await log.append(TOPICS.events, [...records(later(2 * HOUR_MS)), asideRecord({ verdict: verdict as never })]);
    await log.append(TOPICS.events, records(later(DAY_MS / 2)));
    await detect();

    const once = new Engine(ENGINE);
    let copies = 0;
    for await (const batch of log.read(TOPICS.events, 0)) {
      for (const { value, offset, appendedAt } of batch) {
        const found = asideIn(value as Buffer);
        if (!found) once.observe(decodeStoredEvent(value as Buffer, '') as never, offset, appendedAt);
        else if (copies++ === 0) once.takeAside(found, offset);
      }
    }
    expect(copies).toBeGreaterThan(1);
    const restored = new Engine(ENGINE);
    await new BaselineReader(0, restored).readOn(log);
    expect(Buffer.compare(restored.snapshot('svc') as Buffer, once.snapshot('svc') as Buffer)).toBe(0);
    await log.close();
    await folder.remove();
  },
  30_000,
);

const VERDICT = asideRecord({
  verdict: { kind: 'noise', token: 't', episode: 'e', openedAt: 1, at: 2, until: 3 },
});

it('no event that we store looks like a verdict, and a release that knows none takes it for a dead letter', () => {
  const forged = { ...(ordinary('{"verdict":{}}')[0] as AuditEvent), id: '{"verdict":' };
  expect(asideIn(Buffer.from(encodeStoredEvent(forged, null)))).toBeUndefined();
  expect(asideIn(Buffer.from('{"verdict":'))).toBeUndefined();
  expect(asideIn(VERDICT.value as Buffer)).toMatchObject({ verdict: { kind: 'noise', token: 't' } });
  expect(decodeStoredEvent(VERDICT.value as Buffer, 'x')).toMatchObject({ code: 'no-token' });
});

it('the archive leaves it out under its own name', async () => {
  const inserted: unknown[] = [];
  const writer = { insertEvents: async (events: Iterable<unknown>) => void inserted.push(...events) };
  const [sink] = createSinks(writer as never);
  const place = { partition: 0, appendedAt: 5 };
  const [event] = records(ordinary('t').slice(0, 1)) as [NewRecord];
  const unreadable = { key: 't', value: Buffer.from('{}') };
  const given = [event, VERDICT, unreadable].map((record, offset) => ({ ...record, ...place, offset }) as never);
  expect(await sink?.insert(given, 'x')).toEqual({
    archivedCount: 1,
    leftOut: new Map([
      ['verdict', 1],
      ['dead letter', 1],
    ]),
  });
  expect(inserted.length).toBe(1);
});

import { expect } from 'vitest';
import { thresholdsOf } from '../../src/detect/budget.ts';
import { Engine, type EngineOptions } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createRandom } from '../../src/domain/random.ts';
import type { Log, NewRecord } from '../../src/log/log.ts';
import { decodeStoredEvent, encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn } from '../../src/pipeline/aside-record.ts';
import { BaselineReader } from '../../src/pipeline/baselines.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { startRespond } from '../../src/pipeline/respond.ts';
import { GROUPS, TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { samplePolicy } from '../decide/policy.ts';
import { detectors } from '../detect/tokens-life.ts';
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

export const records = (events: readonly AuditEvent[]): readonly NewRecord[] =>
  events.map((event) => ({ key: event.token, value: Buffer.from(encodeStoredEvent(event, null)) }));

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

/** An installation whose stages die now and then, before an append, after it, or with a part of it written, and live on until all is read. */
export async function openInstallation(seed: string) {
  const random = createRandom(seed);
  const folder = await newFolder();
  let log = await open({ folder: folder.path, access: 'own' });
  const part = (count: number) => random.below(count + 1);
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
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  return {
    /** The one in use: another after each death. */
    log: () => log,
    detect: () => insist(detecting, [GROUPS.detect, TOPICS.events], [TOPICS.baselines, TOPICS.findings]),
    respond: () => insist(responding, [GROUPS.respond, TOPICS.findings], [TOPICS.events, TOPICS.ledger]),
    close: async () => {
      await log.close();
      await folder.remove();
    },
  };
}

/**
 * Compares a token's baseline with what an engine that nothing happens to makes of the log, where of each verdict and notice the first copy counts.
 *
 * @returns copies that there are of them
 */
export async function copiesApplied(log: Log, token: string): Promise<number> {
  const once = new Engine(ENGINE);
  const seen = new Set<string>();
  let copies = 0;
  for await (const batch of log.read(TOPICS.events, 0)) {
    for (const { value, offset, appendedAt } of batch) {
      const bytes = value as Buffer;
      const aside = asideIn(bytes);
      if (!aside) once.observe(decodeStoredEvent(bytes, '') as AuditEvent, offset, appendedAt);
      else if (!seen.has(bytes.toString())) once.takeAside(aside, offset);
      if (aside) copies += 1;
      seen.add(bytes.toString());
    }
  }
  const restored = new Engine(ENGINE);
  await new BaselineReader(0, restored).readOn(log);
  expect(Buffer.compare(restored.snapshot(token) as Buffer, once.snapshot(token) as Buffer)).toBe(0);
  return copies;
}

import { expect } from 'vitest';
import { thresholdsOf } from '../../src/detect/budget.ts';
import type { EngineOptions } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { Log, NewRecord } from '../../src/log/log.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { detectors } from '../detect/tokens-life.ts';

/** Stages that die at an append, and are started again. */

export const ENGINE: EngineOptions = {
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
export function dying(log: Log, topics: readonly string[], left: number, part: (count: number) => number): Log {
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
export async function live(
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

export const detecting = (
  log: Log,
  onWarning: (message: string) => void = () => undefined,
  hashSeed = ENGINE.hashSeed,
) =>
  startDetect({
    log,
    clock: systemClock,
    engine: { ...ENGINE, hashSeed },
    checkpointIntervalMs: 10,
    checkpointTokensMax: 1,
    standbyIntervalMs: null,
    onWarning,
  });

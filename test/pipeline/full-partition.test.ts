import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../src/baseline/time.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import { Engine, type EngineOptions } from '../../src/detect/engine.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { createRandom, type Random } from '../../src/domain/random.ts';
import type { Log, NewRecord } from '../../src/log/log.ts';
import { decodeStoredEvent, encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn, asideRecord } from '../../src/pipeline/aside-record.ts';
import { BaselineReader } from '../../src/pipeline/baselines.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { GROUPS, TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

const START = Date.UTC(2026, 8, 7);
const TOKENS_MAX = 60;
const EVENT_COUNT = 3000;
/** One record in so many is a report that a token has leaked which nobody has used yet. */
const REPORT_EVERY = 600;
const detectors = await loadDetectors();
const engineOptions: EngineOptions = {
  installed: detectors.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
  thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1 }),
  hashSeed: 7,
  tokensMax: TOKENS_MAX,
  onFailure: (id, cause) => {
    throw new Error(id, { cause });
  },
};

/** Some tokens that live, some that are used now and then, and many that are invented and come back now and then. */
function events(random: Random): NewRecord[] {
  return Array.from({ length: EVENT_COUNT }, (_, i) => {
    if (i % REPORT_EVERY === REPORT_EVERY / 2)
      return {
        ...asideRecord({ notice: { kind: 'leaked', token: `reported ${i}`, at: START, stands: true } }),
        partition: 0,
      };
    const dice = random.next();
    const token =
      dice < 0.3
        ? `living ${random.below(20)}`
        : dice < 0.4
          ? `rare ${random.below(25)}`
          : `invented ${Math.floor(i / 40) * 40 + random.below(60)}`;
    const event = { ...blankEvent(`s/l/${i}`, token, START + i * 0.05 * HOUR_MS), rows: random.below(50) };
    return { key: token, value: Buffer.from(encodeStoredEvent(event, Math.max(0, i - 5))), partition: 0 };
  });
}

/** Dies at some append to the baselines: before it, after it, or with a part of it written. */
function dying(log: Log, random: Random): Log {
  let left = 1 + random.below(12);
  return new Proxy(log, {
    get: (target, name) => {
      if (name !== 'append') return Reflect.get(target, name).bind(target);
      return async (topic: string, records: readonly NewRecord[]) => {
        if (topic !== TOPICS.baselines || --left > 0) return target.append(topic, records);
        const part = records.slice(0, random.below(records.length + 1));
        if (part.length > 0) await target.append(topic, part);
        throw new Error('died');
      };
    },
  });
}

async function live(log: Log): Promise<Awaited<ReturnType<typeof startDetect>>['counts']> {
  const stage = await startDetect({
    log,
    clock: systemClock,
    engine: engineOptions,
    checkpointIntervalMs: 15,
    checkpointTokensMax: 15,
    standbyIntervalMs: null,
    onWarning: () => undefined,
  });
  const caughtUp = (async () => {
    while ((await log.committed(GROUPS.detect, TOPICS.events)).get(0)?.offset !== EVENT_COUNT) {
      await systemClock.sleep(5);
    }
  })();
  await Promise.race([caughtUp, stage.done]);
  await stage.stop();
  return stage.counts;
}

describe('a partition whose engine is full', () => {
  it.each(['1', '2', '3', '4', '5', '6'])(
    'forgets the same tokens, and none that was reported, however often its owner dies: seed %s',
    async (seed) => {
      const random = createRandom(seed);
      const folder = await newFolder();
      const path = join(folder.path, 'log');
      let deaths = 0;
      let counts: Awaited<ReturnType<typeof live>> | undefined;
      {
        await using log = await openLog(path);
        await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
        await log.append(TOPICS.events, events(random));
      }
      while (counts === undefined) {
        await using log = await openLog(path);
        counts = await live(deaths < 25 ? dying(log, random) : log).catch((cause: unknown) => {
          expect(String(cause)).toContain('died');
          deaths += 1;
          return undefined;
        });
      }
      expect(deaths).toBeGreaterThan(10);
      await using log = await openLog(path);
      const undisturbed = new Engine(engineOptions);
      let forgotten = 0;
      for await (const batch of log.read(TOPICS.events, 0)) {
        for (const { value, offset, appendedAt } of batch) {
          const before = undisturbed.tokenCount;
          const aside = asideIn(value as Buffer);
          if (aside) undisturbed.takeAside(aside, offset);
          else undisturbed.observe(decodeStoredEvent(value as Buffer, '') as never, offset, appendedAt);
          forgotten += Math.max(0, before - undisturbed.tokenCount);
        }
      }
      expect(forgotten).toBeGreaterThan(500);
      const restored = new Engine(engineOptions);
      await new BaselineReader(0, restored).readOn(log);
      const states = statesOf(restored);
      expect(states).toEqual(statesOf(undisturbed));
      // Somebody relies on these, and they are kept in the flood.
      expect(Object.keys(states).filter((token) => token.startsWith('reported')).length).toBe(
        EVENT_COUNT / REPORT_EVERY,
      );
      await folder.remove();
    },
  );
});

function statesOf(engine: Engine): Readonly<Record<string, string>> {
  const tokens = [
    ...Array.from({ length: 20 }, (_, i) => `living ${i}`),
    ...Array.from({ length: 25 }, (_, i) => `rare ${i}`),
    ...Array.from({ length: EVENT_COUNT + 60 }, (_, i) => `invented ${i}`),
    ...Array.from({ length: EVENT_COUNT }, (_, i) => `reported ${i}`),
  ];
  return Object.fromEntries(
    tokens.flatMap((token) => {
      const snapshot = engine.snapshot(token);
      return snapshot ? [[token, Buffer.from(snapshot).toString('hex')]] : [];
    }),
  );
}

async function openLog(path: string): Promise<Log & AsyncDisposable> {
  const log = await open({ folder: path, access: 'own' });
  return Object.assign(log, { [Symbol.asyncDispose]: () => log.close() });
}

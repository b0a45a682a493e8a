import { join } from 'node:path';
import { expect, it } from 'vitest';
import { thresholdsOf } from '../../src/detect/budget.ts';
import type { AnyDetector } from '../../src/detect/detector.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

const EVENT_COUNT = 300;
const BURNED_MS = 5;
const START = Date.UTC(2026, 8, 7);

/** Takes its time over every event, and knows for certain that the first one is no owner's. */
function burn(_fields: unknown, { at }: AuditEvent): number | undefined {
  const until = performance.now() + BURNED_MS;
  while (performance.now() < until);
  return at === START ? 10 : undefined;
}

/** Detects in one batch of events whose detector is slow. */
async function startSlow() {
  const folder = await newFolder();
  const log = await open({ folder: join(folder.path, 'log'), access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  const events = Array.from({ length: EVENT_COUNT }, (_, i) => ({
    key: 'a',
    partition: 0,
    value: Buffer.from(encodeStoredEvent(blankEvent(`s/l/${i}`, 'a', START + i * 1000), i)),
  }));
  await log.append(TOPICS.events, events);
  const slow: AnyDetector = {
    ...((await loadDetectors())[0] as AnyDetector),
    id: 'slow',
    isCertain: true,
    score: burn,
    evidence: () => [],
    explain: () => 'came first',
  };
  const stage = await startDetect({
    log,
    clock: systemClock,
    engine: {
      installed: [{ detector: slow, config: slow.config.parse({}), weight: 1 }],
      thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1 }),
      hashSeed: 7,
      tokensMax: 10,
      onFailure: (id, cause) => {
        throw new Error(id, { cause });
      },
    },
    checkpointIntervalMs: 100,
    checkpointTokensMax: 100,
    standbyIntervalMs: null,
    onWarning: () => undefined,
  });
  return {
    log,
    stage,
    async [Symbol.asyncDispose]() {
      await stage.stop();
      await log.close();
      await folder.remove();
    },
  };
}

it('lets others have their turn during a batch whose detectors are slow', async () => {
  await using slow = await startSlow();
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 10);
  while (slow.stage.counts.events < EVENT_COUNT) await systemClock.sleep(10);
  clearInterval(timer);
  // One turn at least in each second of a busy machine; a batch that is gone through at one go leaves none.
  expect(turns).toBeGreaterThan(10);
});

it('tells of what it finds before the batch is over', async () => {
  await using slow = await startSlow();
  const { log, stage } = slow;
  const isTold = async () => (await log.offsets(TOPICS.findings)).some(({ end }) => end > 0);
  while (!(await isTold())) await systemClock.sleep(5);
  expect(stage.counts.events).toBe(0);
});

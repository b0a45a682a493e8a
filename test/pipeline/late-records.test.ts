import { expect, it } from 'vitest';
import { DAY_MS } from '../../src/baseline/time.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import { Engine, type EngineOptions } from '../../src/detect/engine.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { Log, NewRecord } from '../../src/log/log.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { BaselineReader, changesToWrite, factsToWrite } from '../../src/pipeline/baselines.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

const ENGINE: EngineOptions = {
  installed: [],
  thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1 }),
  hashSeed: 7,
  tokensMax: 10,
  onFailure: () => undefined,
};
const LIMIT_MS = 5000;

/** An owner that restores, takes events up to an offset, and makes a checkpoint. @returns what it wrote */
async function own(log: Log, from: number, to: number): Promise<readonly NewRecord[]> {
  const engine = new Engine(ENGINE);
  const restored = new BaselineReader(0, engine);
  await restored.readOn(log);
  await log.append(TOPICS.baselines, factsToWrite(engine, restored, await log.incarnation(TOPICS.events), 0));
  for (let i = from; i < to; i++) {
    restored.marks.repeats({ lane: 'source/lane', laneOffset: i, settledTo: i });
    engine.observe(blankEvent(`source/lane/${i}`, 'token', DAY_MS + i), i, 0);
  }
  const changes = changesToWrite(engine, restored.marks, to, 0);
  await log.append(TOPICS.baselines, changes);
  return changes;
}

/** What is restored once compaction has left only the last record of each key. */
async function afterCompaction(
  log: Log,
): Promise<{ readonly eventCount: number | undefined; readonly isMarked: boolean }> {
  const kept = new Map<string | null, NewRecord>();
  for await (const batch of log.read(TOPICS.baselines, 0)) {
    for (const { key, value } of batch) kept.set(key, { key, value: value && Buffer.from(value), partition: 0 });
  }
  const folder = await newFolder();
  const compacted = await openLog(folder.path);
  await compacted.append(TOPICS.baselines, [...kept.values()]);
  const engine = new Engine(ENGINE);
  const reader = new BaselineReader(0, engine);
  await reader.readOn(compacted);
  await compacted.close();
  await folder.remove();
  return {
    eventCount: engine.summary('token')?.eventCount,
    isMarked: reader.marks.repeats({ lane: 'source/lane', laneOffset: 19, settledTo: 19 }),
  };
}

async function openLog(path: string): Promise<Log> {
  const log = await open({ folder: path, access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  return log;
}

/** @param checkpointIntervalMs an owner that dies before its first checkpoint has a long one */
function startStage(log: Log, checkpointIntervalMs: number, onWarning: (message: string) => void = () => undefined) {
  return startDetect({
    log,
    clock: systemClock,
    engine: ENGINE,
    checkpointIntervalMs,
    checkpointTokensMax: 1000,
    standbyIntervalMs: null,
    onWarning,
  });
}

/** Waits until compaction would leave what the second owner wrote. */
async function expectAllKept(log: Log): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  const isKept = ({ eventCount, isMarked }: Awaited<ReturnType<typeof afterCompaction>>) =>
    eventCount === 20 && isMarked;
  while (!isKept(await afterCompaction(log)) && Date.now() < deadline) await systemClock.sleep(20);
  expect(await afterCompaction(log)).toEqual({ eventCount: 20, isMarked: true });
}

it.each([
  ['before anything else, so that compaction cannot keep it', 'before', DAY_MS],
  ['when it arrives while the partition is owned', 'after', 50],
] as const)('writes over what a lost owner wrote late %s', async (_name, arrives, checkpointIntervalMs) => {
  const folder = await newFolder();
  const log = await openLog(folder.path);
  const late = await own(log, 0, 10);
  await own(log, 10, 20);
  if (arrives === 'before') {
    await log.append(TOPICS.baselines, late);
    expect(await afterCompaction(log)).toEqual({ eventCount: 10, isMarked: false });
  }
  const stage = await startStage(log, checkpointIntervalMs);
  if (arrives === 'after') {
    while (stage.counts.partitions.size === 0) await systemClock.sleep(5);
    await log.append(TOPICS.baselines, late);
  }
  await expectAllKept(log);
  await stage.stop();
  await log.close();
  await folder.remove();
});

it('does not take its own checkpoints for what somebody else wrote', async () => {
  const folder = await newFolder();
  const log = await openLog(folder.path);
  const warnings: string[] = [];
  const stage = await startStage(log, 20, (message) => warnings.push(message));
  for (let i = 0; i < 60; i++) {
    const event = blankEvent(`source/lane/${i}`, `token ${i % 3}`, DAY_MS + i);
    await log.append(TOPICS.events, [{ key: event.token, value: Buffer.from(encodeStoredEvent(event, i)) }]);
    await systemClock.sleep(10);
  }
  const checkpoints = (await log.offsets(TOPICS.baselines))[0]?.end ?? 0;
  await stage.stop();
  await log.close();
  await folder.remove();
  expect(checkpoints).toBeGreaterThan(10);
  expect(warnings).toEqual([]);
});

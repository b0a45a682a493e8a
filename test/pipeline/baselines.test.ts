import { expect, it } from 'vitest';
import { DAY_MS } from '../../src/baseline/time.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import { Engine } from '../../src/detect/engine.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { BaselineReader, changesToWrite, factsToWrite } from '../../src/pipeline/baselines.ts';
import { LaneMarks } from '../../src/pipeline/lane-marks.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

function newEngine(): Engine {
  return new Engine({
    installed: [],
    thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1 }),
    hashSeed: 7,
    tokensMax: 10,
    onFailure: () => undefined,
  });
}

it('goes on from what was learned in the present life of the events log, whatever the stamps of an earlier one', async () => {
  const folder = await newFolder();
  const log = await open({ folder: folder.path, access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 1 }));
  // Each life is an owner that restores, takes ten events from the given offset on, and makes a checkpoint.
  const live = async (origin: string, from: number) => {
    const engine = newEngine();
    const restored = new BaselineReader(0, engine);
    await restored.readOn(log);
    if (restored.origin !== undefined && restored.origin !== origin) engine.resetStamps();
    await log.append(TOPICS.baselines, factsToWrite(engine, restored, origin, 0));
    for (let i = from; i < from + 10; i++) {
      restored.marks.repeats({ lane: `${origin}/lane`, laneOffset: i, settledTo: i });
      engine.observe(blankEvent(`${origin}/lane/${i}`, 'token', DAY_MS + i), i, 0);
    }
    await log.append(TOPICS.baselines, changesToWrite(engine, restored.marks, from + 10, 0));
  };
  await live('first', 1000);
  await live('second', 0);
  const engine = newEngine();
  const restored = new BaselineReader(0, engine);
  await restored.readOn(log);
  expect(engine.summary('token')?.eventCount).toBe(20);
  engine.observe(blankEvent('second/lane/10', 'token', DAY_MS), 10, 0);
  expect(engine.takeReplayedCount()).toBe(0);
  expect(restored.marks).toBeInstanceOf(LaneMarks);
  expect(restored.marks.repeats({ lane: 'second/lane', laneOffset: 9, settledTo: 9 })).toBe(true);
  await log.close();
  await folder.remove();
});

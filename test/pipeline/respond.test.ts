import { expect, it } from 'vitest';
import { LogError } from '../../src/log/log.ts';
import { encodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { startRespond } from '../../src/pipeline/respond.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { samplePolicy } from '../decide/policy.ts';
import { sampleAssessment } from '../deliver/sample.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

it('acts no more when its log has failed', async () => {
  const folder = await newFolder();
  const log = await open({ folder: folder.path, access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  let [isBroken, isStopped] = [false, false];
  const frail: typeof log = Object.assign(Object.create(log), {
    append: async (...given: Parameters<typeof log.append>) => {
      if (isBroken) throw new LogError('storage', 'the disk is read-only');
      await log.append(...given);
    },
    join: log.join.bind(log),
    read: log.read.bind(log),
  });
  const stage = await startRespond({
    log: frail,
    clock: systemClock,
    policy: samplePolicy(),
    identity: 'one',
    followIntervalMs: 10,
    openDispatcher: () => ({
      submit: () => undefined,
      withdraw: () => undefined,
      stop: async () => {
        isStopped = true;
      },
    }),
    onWarning: () => undefined,
  });
  await expect.poll(() => stage.counts.open()).toEqual([]);
  isBroken = true;
  const assessment = sampleAssessment();
  const value = Buffer.from(encodeFindingsRecord({ kind: 'assessment', assessment }));
  await log.append(TOPICS.findings, [{ key: assessment.token, partition: 0, value }]);
  await expect(stage.done).rejects.toThrow('the disk is read-only');
  await expect.poll(() => isStopped).toBe(true);
  expect(stage.counts.open()).toBeNull();
  await log.close();
  await folder.remove();
});

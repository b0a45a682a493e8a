import { expect, it, onTestFinished } from 'vitest';
import canonical from '../../src/normalise/formats/canonical.ts';
import { createDeadLetter, encodeDeadLetter } from '../../src/pipeline/dead-letter.ts';
import { countDeadLetters, readDeadLetters } from '../../src/pipeline/read-dead-letters.ts';
import { type Reading, redrive } from '../../src/pipeline/redrive.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

const READABLE = '{"time":"2026-09-07T09:00:00Z","token":"svc-billing"}';
const READINGS = new Map<string, Reading>([['audit', { format: canonical, enrich: (event) => event }]]);

it('leaves of the letters those that cannot be read yet, and no others are counted', async () => {
  const folder = await newFolder();
  const log = await open({ folder: folder.path, access: 'own' });
  onTestFinished(async () => {
    await log.close();
    await folder.remove();
  });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
  const letters = [READABLE, 'no JSON', READABLE].map((raw, i) =>
    createDeadLetter(
      { id: `audit/0/${i}`, source: 'audit', code: 'not-json', reason: 'it was read wrongly', receivedAt: null },
      Buffer.from(raw),
      false,
    ),
  );
  await log.append(
    TOPICS.deadLetters,
    letters.map((letter) => ({ key: letter.id, value: encodeDeadLetter(letter) })),
  );
  expect(await countDeadLetters(log)).toBe(3);
  expect(await redrive(log, await readDeadLetters(log), READINGS)).toMatchObject({
    eventCount: 2,
    stillDead: [{ id: 'audit/0/1' }],
  });
  expect((await readDeadLetters(log)).map(({ id }) => id)).toEqual(['audit/0/1']);
  expect(await countDeadLetters(log)).toBe(1);
  // The letters are still there, and two records that say that they count no more.
  expect(await log.offsets(TOPICS.deadLetters)).toEqual([{ partition: 0, earliest: 0, end: 5 }]);
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedLog } from '../../src/log/embedded.ts';
import { describeLog, type OpenedLog } from '../conformance/log.ts';
import { joinRecorder } from '../conformance/log-recorder.ts';
import { textRecords, texts } from '../conformance/log-suite.ts';
import { aheadClock, HOUR_MS, newFolder, open, readTexts } from './embedded-folder.ts';

async function openForSuite(): Promise<OpenedLog> {
  const folder = await newFolder();
  const clock = aheadClock();
  const openOwn = () => open({ folder: folder.path, access: 'own', clock });
  let log = await openOwn();
  return {
    get log() {
      return log;
    },
    async reopen() {
      await log.close();
      log = await openOwn();
      return log;
    },
    async dispose() {
      await log.close();
      await folder.remove();
    },
    async expire(topic) {
      const partitionCount = (await log.offsets(topic)).length;
      await log.ensureTopics([{ topic, partitionCount, cleanup: 'delete', retentionMs: HOUR_MS }]);
      clock.ahead(2 * HOUR_MS);
      await log.cleanUp('all');
      clock.ahead(-2 * HOUR_MS);
    },
    compact: () => log.cleanUp('all'),
    async deleteTopic() {
      await log.close();
      await folder.remove();
      log = await openOwn();
      return log;
    },
  };
}

describeLog('the embedded log', openForSuite, ['expire', 'compact', 'deleteTopic']);

describe('the embedded log', () => {
  let folder: Awaited<ReturnType<typeof newFolder>>;
  let log: EmbeddedLog;
  beforeEach(async () => {
    folder = await newFolder();
    log = await open({ folder: folder.path, access: 'own' });
    await log.ensureTopics([{ topic: 't', partitionCount: 1, cleanup: 'delete' }]);
  });
  afterEach(async () => {
    await log.close();
    await folder.remove();
  });

  it('writes the appends of one turn of the event loop in one transaction', async () => {
    const before = await transactionCount(folder.path);
    await Promise.all(Array.from({ length: 100 }, (_, i) => log.append('t', textRecords('k', i * 5, i * 5 + 5))));
    expect(await transactionCount(folder.path)).toBe(before + 1);
    expect(await readTexts(log, 't')).toEqual(texts('k', 0, 500));
  });

  it('splits what is too much for one transaction, and keeps its order', async () => {
    const before = await transactionCount(folder.path);
    await Promise.all([log.append('t', textRecords('k', 0, 2_500)), log.append('t', textRecords('k', 2_500, 2_600))]);
    expect(await transactionCount(folder.path)).toBe(before + 3);
    expect(await readTexts(log, 't')).toEqual(texts('k', 0, 2_600));
  });

  it('hands out batches of at most 2,000 records', async () => {
    await log.append('t', textRecords('k', 0, 4_500));
    const sizes: number[] = [];
    for await (const batch of log.read('t', 0)) sizes.push(batch.length);
    expect(sizes).toEqual([2_000, 2_000, 500]);
  });

  it('ends a batch with the record that brings it to 4 MiB', async () => {
    const sizesKiB = [3_000, 1_500, 1, 1, 5_000, 1];
    await log.append(
      't',
      sizesKiB.map((size) => ({ key: 'k', value: Buffer.alloc(size << 10) })),
    );
    for (let round = 0; round < 2; round++) {
      const sizes: number[][] = [];
      for await (const batch of log.read('t', 0)) sizes.push(batch.map(({ value }) => (value?.length ?? 0) >> 10));
      expect(sizes).toEqual([[3_000, 1_500], [1, 1, 5_000], [1]]);
    }
  });

  it('takes no new member while it closes', async () => {
    const closing = log.close();
    await expect(joinRecorder(log, { topics: ['t'] })).rejects.toMatchObject({ name: 'LogError', code: 'closed' });
    await closing;
  });

  it('takes large appends of many callers at once', async () => {
    const records = Array.from({ length: 4 }, () => ({ key: 'k', value: Buffer.alloc(8_000_000) }));
    await Promise.all(Array.from({ length: 4 }, () => log.append('t', records)));
    expect(await log.offsets('t')).toEqual([{ partition: 0, earliest: 0, end: 16 }]);
  });

  it('refuses appends of a caller that never waits, and goes on with the rest', async () => {
    const calls = Array.from({ length: 10_012 }, () => log.append('t', [{ key: 'k', value: null }]));
    const outcomes = await Promise.allSettled(calls);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(12);
    for (const { reason } of refused) expect(reason).toMatchObject({ name: 'LogError', code: 'unavailable' });
    expect(await log.offsets('t')).toEqual([{ partition: 0, earliest: 0, end: 10_000 }]);
  });
});

it('the embedded log carries tens of thousands of records through a member', async () => {
  const folder = await newFolder();
  const log = await open({ folder: folder.path, access: 'own' });
  await log.ensureTopics([{ topic: 'many', partitionCount: 8, cleanup: 'delete' }]);
  const calls = Array.from({ length: 80 }, (_, i) => log.append('many', manyKeys(i * 500, i * 500 + 500)));
  await Promise.all(calls);
  const { received, stop } = await joinRecorder(log, { topics: ['many'] });
  await expect.poll(() => received.length, { timeout: 10_000 }).toBe(40_000);
  expect(new Set(received.map(({ text }) => text)).size).toBe(40_000);
  await stop();
  await log.close();
  await folder.remove();
});

function manyKeys(from: number, to: number): { key: string; value: Buffer }[] {
  return Array.from({ length: to - from }, (_, i) => ({
    key: `token-${(from + i) % 997}`,
    value: Buffer.from(`${from + i}`),
  }));
}

/** Transactions in the write-ahead log: frames that say how large the database is after them. */
async function transactionCount(folder: string): Promise<number> {
  const wal = await readFile(join(folder, 'log.sqlite-wal'));
  const frameBytes = 24 + wal.readUInt32BE(8);
  const salt = wal.subarray(16, 24);
  let count = 0;
  for (let at = 32; at + frameBytes <= wal.length; at += frameBytes) {
    // Frames with another salt are left over from before the last checkpoint.
    if (!wal.subarray(at + 8, at + 16).equals(salt)) break;
    if (wal.readUInt32BE(at + 4) > 0) count++;
  }
  return count;
}

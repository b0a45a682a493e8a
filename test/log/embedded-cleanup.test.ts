import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EmbeddedLog } from '../../src/log/embedded.ts';
import type { NewRecord } from '../../src/log/log.ts';
import { joinRecorder } from '../conformance/log-recorder.ts';
import { textRecords, texts } from '../conformance/log-suite.ts';
import { aheadClock, HOUR_MS, newFolder, open, readTexts } from './embedded-folder.ts';

const COMPACTED = { topic: 'c', partitionCount: 1, cleanup: 'compact' } as const;

let folder: Awaited<ReturnType<typeof newFolder>>;
let clock: ReturnType<typeof aheadClock>;
let log: EmbeddedLog;

beforeEach(async () => {
  folder = await newFolder();
  clock = aheadClock();
  log = await open({ folder: folder.path, access: 'own', clock });
});

afterEach(async () => {
  await log.close();
  await folder.remove();
});

async function reopen(): Promise<void> {
  await log.close();
  log = await open({ folder: folder.path, access: 'own', clock });
}

/** `count` records over `keyCount` keys, in turn. */
function turns(count: number, keyCount: number, from = 0): NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `k${(from + i) % keyCount}`,
    value: Buffer.from(`${from + i}`),
  }));
}

describe('retention of the embedded log', () => {
  const topic = { topic: 't', partitionCount: 1, cleanup: 'delete', retentionMs: 2 * HOUR_MS } as const;

  it('drops what is too old, in more than one slice, and keeps what is young', async () => {
    await log.ensureTopics([topic]);
    await log.append('t', textRecords('k', 0, 1_700));
    clock.ahead(HOUR_MS);
    await log.append('t', textRecords('k', 1_700, 1_710));
    clock.ahead(HOUR_MS + 60_000);
    await log.cleanUp('due');
    expect(await readTexts(log, 't')).toEqual(texts('k', 1_700, 1_710));
    expect(await log.offsets('t')).toEqual([{ partition: 0, earliest: 1_700, end: 1_710 }]);
  });

  it('leaves offsets where they were when nothing is left, also after opening again', async () => {
    await log.ensureTopics([topic]);
    await log.append('t', textRecords('k', 0, 10));
    clock.ahead(3 * HOUR_MS);
    await log.cleanUp('due');
    await reopen();
    expect(await log.offsets('t')).toEqual([{ partition: 0, earliest: 10, end: 10 }]);
    await log.append('t', textRecords('k', 10, 11));
    expect(await log.offsets('t')).toEqual([{ partition: 0, earliest: 10, end: 11 }]);
  });

  it('keeps for ever where that is asked for', async () => {
    await log.ensureTopics([{ ...topic, retentionMs: -1 }]);
    await log.append('t', textRecords('k', 0, 10));
    clock.ahead(10_000 * HOUR_MS);
    await log.cleanUp('all');
    expect(await readTexts(log, 't')).toEqual(texts('k', 0, 10));
  });

  it('takes over the clean-up that is asked for last', async () => {
    await log.ensureTopics([{ ...topic, retentionMs: -1 }]);
    await log.append('t', textRecords('k', 0, 5));
    clock.ahead(3 * HOUR_MS);
    await log.cleanUp('all');
    expect(await log.offsets('t')).toEqual([{ partition: 0, earliest: 0, end: 5 }]);
    await log.ensureTopics([topic]);
    await log.cleanUp('all');
    expect(await log.offsets('t')).toEqual([{ partition: 0, earliest: 5, end: 5 }]);
  });

  it('tells a member that lags of what it lost while it had a batch in hand', async () => {
    await log.ensureTopics([topic]);
    await log.append('t', textRecords('k', 0, 5));
    const gaps: number[][] = [];
    const { received, stop } = await joinRecorder(log, {
      topics: ['t'],
      async batch(_, [first]) {
        if (first?.offset !== 0) return;
        await log.append('t', textRecords('k', 5, 10));
        clock.ahead(3 * HOUR_MS);
        await log.cleanUp('due');
        await log.append('t', textRecords('k', 10, 12));
      },
      gap: (_, from, to) => void gaps.push([from, to]),
    });
    await expect.poll(() => received.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 10, 11]);
    expect(gaps).toEqual([[5, 10]]);
    await stop();
  });
});

describe('compaction of the embedded log', () => {
  beforeEach(() => log.ensureTopics([COMPACTED]));

  it('leaves exactly the last record of each key', async () => {
    await log.append('c', turns(3_000, 7));
    await log.cleanUp('all');
    expect(await readTexts(log, 'c')).toEqual(['2993', '2994', '2995', '2996', '2997', '2998', '2999']);
    await reopen();
    await log.append('c', turns(4, 7, 3_000));
    await log.cleanUp('all');
    // Record 3000 has the key of 2993.
    expect(await readTexts(log, 'c')).toEqual(['2997', '2998', '2999', '3000', '3001', '3002', '3003']);
    expect(await log.offsets('c')).toEqual([{ partition: 0, earliest: 0, end: 3_004 }]);
  });

  it('waits until the new records outnumber what was kept', async () => {
    await log.append('c', turns(999, 1));
    await log.cleanUp('due');
    expect(await readTexts(log, 'c')).toHaveLength(999);
    await log.append('c', turns(1_001, 1_500, 0));
    await log.cleanUp('due');
    expect(await readTexts(log, 'c')).toHaveLength(1_001);
    await log.append('c', turns(1_000, 1));
    await log.cleanUp('due');
    expect(await readTexts(log, 'c')).toHaveLength(2_001);
    await log.append('c', turns(1, 1));
    await log.cleanUp('due');
    expect(await readTexts(log, 'c')).toHaveLength(1_001);
  });

  it('keeps a tombstone for a day, for those who lag, and then forgets the key', async () => {
    await log.append('c', [...textRecords('a', 0, 1), ...textRecords('b', 0, 1), { key: 'a', value: null }]);
    await log.cleanUp('all');
    expect(await readTexts(log, 'c')).toEqual(['b:0', null]);
    clock.ahead(25 * HOUR_MS);
    await log.append('c', textRecords('b', 1, 2));
    await log.cleanUp('all');
    expect(await readTexts(log, 'c')).toEqual(['b:1']);
  });
});

describe('compaction beside readers and writers', () => {
  beforeEach(() => log.ensureTopics([COMPACTED]));

  it('is no gap, and ends no reader: what is absent is absent', async () => {
    await log.append('c', turns(3_000, 3));
    const seen: number[] = [];
    for await (const batch of log.read('c', 0)) {
      seen.push(...batch.map(({ offset }) => offset));
      await log.cleanUp('all');
    }
    expect(seen.slice(0, 2_000)).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    expect(seen.slice(2_000)).toEqual([2_997, 2_998, 2_999]);
    const { received, stop } = await joinRecorder(log, { topics: ['c'], assigned: async () => 17 });
    await log.append('c', textRecords('k0', 0, 1));
    await expect.poll(() => received.map(({ offset }) => offset)).toEqual([2_997, 2_998, 2_999, 3_000]);
    await stop();
  });

  it('goes on while records arrive', async () => {
    await log.append('c', turns(5_000, 10));
    const cleaned = log.cleanUp('all');
    for (let i = 0; i < 20; i++) await log.append('c', turns(100, 10, 5_000 + i * 100));
    await cleaned;
    await log.cleanUp('all');
    expect(await readTexts(log, 'c')).toEqual(Array.from({ length: 10 }, (_, i) => `${6_990 + i}`));
  });
});

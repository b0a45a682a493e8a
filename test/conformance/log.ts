import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { partitionOf } from '../../src/domain/partition.ts';
import type { Log, ReadRange } from '../../src/log/log.ts';
import { describeGroups } from './log-groups.ts';
import { describeHandover } from './log-handover.ts';
import { type LogSuite, type LogSuiteOptions, type OpenedLog, textRecords, texts } from './log-suite.ts';

export type { LogSuiteOptions, OpenedLog } from './log-suite.ts';

/**
 * The contract of `Log`: every adapter passes it.
 *
 * @param hooks the optional members of `OpenedLog` that `open` provides; the tests that need another one are shown as skipped.
 */
export function describeLog(
  name: string,
  open: () => Promise<OpenedLog>,
  hooks: readonly ('expire' | 'compact' | 'deleteTopic')[],
  options: LogSuiteOptions = { deadlineMs: 5_000, quietMs: 150 },
): void {
  let opened: OpenedLog | undefined;
  const suite: LogSuite = {
    within: { timeout: options.deadlineMs, interval: 10 },
    quietMs: options.quietMs,
    hooks: new Set(hooks),
    opened() {
      if (opened === undefined) throw new Error('no log is open outside a test');
      return opened;
    },
    async createTopic(partitionCount, cleanup = 'delete') {
      const topic = `topic-${randomUUID()}`;
      await suite.opened().log.ensureTopics([{ topic, partitionCount, cleanup }]);
      return topic;
    },
  };
  describe(`${name} keeps the contract of Log:`, { timeout: 6 * options.deadlineMs }, () => {
    beforeEach(async () => {
      opened = await open();
    }, 6 * options.deadlineMs);
    afterEach(async () => {
      await opened?.dispose();
    }, 6 * options.deadlineMs);
    describe('topics', () => describeTopics(suite));
    describe('appending', () => describeAppending(suite));
    describe('records', () => describeRecords(suite));
    describe('reading', () => describeReading(suite));
    describe('clean-up', () => describeCleanup(suite));
    describe('closing', () => describeClosing(suite));
    describe('groups', () => describeGroups(suite));
    describe('handing over', () => describeHandover(suite));
  });
}

/** A record as a test keeps it: its value copied, since the log may use the memory again. */
interface Kept {
  readonly offset: number;
  readonly key: string | null;
  readonly text: string | null;
  readonly appendedAt: number;
}

async function readAll(log: Log, topic: string, partition: number, range?: ReadRange): Promise<Kept[]> {
  const kept: Kept[] = [];
  for await (const batch of log.read(topic, partition, range)) {
    expect(batch.length).toBeGreaterThan(0);
    for (const record of batch) {
      expect(record.partition).toBe(partition);
      const { offset, key, value, appendedAt } = record;
      kept.push({ offset, key, text: value?.toString('latin1') ?? null, appendedAt });
    }
  }
  return kept;
}

function describeTopics({ opened, createTopic }: LogSuite): void {
  it('a new topic is empty', async () => {
    const topic = await createTopic(3);
    expect(await opened().log.offsets(topic)).toEqual([
      { partition: 0, earliest: 0, end: 0 },
      { partition: 1, earliest: 0, end: 0 },
      { partition: 2, earliest: 0, end: 0 },
    ]);
    expect(await readAll(opened().log, topic, 0)).toEqual([]);
  });

  it('ensuring a topic again changes nothing', async () => {
    const { log } = opened();
    const topic = await createTopic(2);
    await log.append(topic, [{ key: null, partition: 1, value: Buffer.from('x') }]);
    const incarnation = await log.incarnation(topic);
    await log.ensureTopics([{ topic, partitionCount: 2, cleanup: 'delete' }]);
    expect((await log.offsets(topic)).map(({ end }) => end)).toEqual([0, 1]);
    expect(await log.incarnation(topic)).toBe(incarnation);
  });

  it.each([1, 3])('a topic with two partitions is refused with %i', async (partitionCount) => {
    const { log } = opened();
    const topic = await createTopic(2);
    const asked = log.ensureTopics([{ topic, partitionCount, cleanup: 'delete' }]);
    await expect(asked).rejects.toMatchObject({ name: 'LogError', code: 'partition-count' });
    expect(await log.offsets(topic)).toHaveLength(2);
  });

  it('an unknown topic is refused by every call that names one', async () => {
    const { log } = opened();
    const topic = `absent-${randomUUID()}`;
    const unknown = { name: 'LogError', code: 'unknown-topic' };
    await expect(log.append(topic, textRecords('k', 0, 1))).rejects.toMatchObject(unknown);
    await expect(log.offsets(topic)).rejects.toMatchObject(unknown);
    await expect(log.incarnation(topic)).rejects.toMatchObject(unknown);
    await expect(log.committed('group', topic)).rejects.toMatchObject(unknown);
    await expect(readAll(log, topic, 0)).rejects.toMatchObject(unknown);
    await expect(log.join({ group: 'group', topics: [topic], batch: async () => {} })).rejects.toMatchObject(unknown);
  });

  it('an incarnation names one topic, and stays', async () => {
    const [first, second] = [await createTopic(1), await createTopic(1)];
    const incarnation = await opened().log.incarnation(first);
    expect(incarnation).not.toBe('');
    expect(await opened().log.incarnation(second)).not.toBe(incarnation);
    expect(await (await opened().reopen()).incarnation(first)).toBe(incarnation);
  });
}

function describeAppending({ opened, createTopic }: LogSuite): void {
  it('records of one call keep their order within a partition', async () => {
    const topic = await createTopic(2);
    await opened().log.append(topic, textRecords('k', 0, 500));
    const kept = await readAll(opened().log, topic, partitionOf('k', 2));
    expect(kept.map(({ text }) => text)).toEqual(texts('k', 0, 500));
    expect(kept.map(({ offset }) => offset)).toEqual(kept.map((_, i) => i));
  });

  it('calls keep their order, also when none waits for the one before', async () => {
    const topic = await createTopic(1);
    const calls = Array.from({ length: 50 }, (_, i) => opened().log.append(topic, textRecords('k', i * 7, i * 7 + 7)));
    await Promise.all(calls);
    const kept = await readAll(opened().log, topic, 0);
    expect(kept.map(({ text }) => text)).toEqual(texts('k', 0, 350));
  });

  it('a key goes to the partition that `partitionOf` names', async () => {
    const topic = await createTopic(5);
    const keys = Array.from({ length: 200 }, (_, i) => `token-${i}-ü`);
    await opened().log.append(
      topic,
      keys.map((key) => ({ key, value: Buffer.from('x') })),
    );
    for (let partition = 0; partition < 5; partition++) {
      const kept = await readAll(opened().log, topic, partition);
      expect(kept.map(({ key }) => key)).toEqual(keys.filter((key) => partitionOf(key, 5) === partition));
    }
  });

  it('a partition that is given outranks the key', async () => {
    const topic = await createTopic(3);
    const partition = (partitionOf('k', 3) + 1) % 3;
    await opened().log.append(topic, [{ key: 'k', value: Buffer.from('x'), partition }]);
    expect((await readAll(opened().log, topic, partition)).map(({ key }) => key)).toEqual(['k']);
  });

  it('a record without key and partition, or for a partition that does not exist, is refused', async () => {
    const { log } = opened();
    const topic = await createTopic(2);
    const refused = { name: 'LogError', code: 'out-of-range' };
    const value = Buffer.from('x');
    await expect(log.append(topic, [{ key: null, value }])).rejects.toMatchObject(refused);
    await expect(log.append(topic, [{ key: 'k', value, partition: 2 }])).rejects.toMatchObject(refused);
    await expect(log.append(topic, [{ key: 'k', value, partition: -1 }])).rejects.toMatchObject(refused);
  });

  it('a record of 900 kB passes, one above 8 MiB is too large', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, [{ key: 'k', value: Buffer.alloc(900_000, 'x') }]);
    const call = opened().log.append(topic, [{ key: 'k', value: Buffer.alloc((8 << 20) + 1) }]);
    await expect(call).rejects.toMatchObject({ name: 'LogError', code: 'too-large' });
    expect((await readAll(opened().log, topic, 0)).map(({ text }) => text?.length)).toEqual([900_000]);
  });

  it('appending nothing is fine', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, []);
    expect(await opened().log.offsets(topic)).toEqual([{ partition: 0, earliest: 0, end: 0 }]);
  });

  it('what was acknowledged is there after opening again', async () => {
    const topic = await createTopic(2);
    await opened().log.append(topic, textRecords('k', 0, 100));
    const log = await opened().reopen();
    expect((await readAll(log, topic, partitionOf('k', 2))).map(({ text }) => text)).toEqual(texts('k', 0, 100));
    await log.append(topic, textRecords('k', 100, 110));
    expect((await readAll(log, topic, partitionOf('k', 2))).at(-1)).toMatchObject({ offset: 109, text: 'k:109' });
  });
}

function describeRecords({ opened, createTopic }: LogSuite): void {
  it('values are bytes: all 256 of them, none, and the tombstone', async () => {
    const topic = await createTopic(1);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    // A view into a larger buffer, as a parser hands out.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset + 250, 6);
    await opened().log.append(
      topic,
      [bytes, view, Buffer.alloc(0), null].map((value) => ({ key: 'k', value })),
    );
    const kept = await readAll(opened().log, topic, 0);
    expect(kept.map(({ text }) => text)).toEqual([bytes.toString('latin1'), '\xfa\xfb\xfc\xfd\xfe\xff', '', null]);
  });

  it('keys are text: empty, none, with a zero byte, beyond ASCII', async () => {
    const topic = await createTopic(1);
    const keys = ['', null, 'a\0b', '\0', 'ключ 🔑', "'; DROP TABLE topics; --", '__proto__'];
    await opened().log.append(
      topic,
      keys.map((key) => ({ key, value: Buffer.from('x'), partition: 0 })),
    );
    expect((await readAll(opened().log, topic, 0)).map(({ key }) => key)).toEqual(keys);
  });

  it('the log stamps the time it took a record', async () => {
    const topic = await createTopic(1);
    const before = Date.now();
    await opened().log.append(topic, textRecords('k', 0, 1));
    const after = Date.now();
    const [kept] = await readAll(opened().log, topic, 0);
    // A server has a clock of its own.
    expect(kept?.appendedAt).toBeGreaterThanOrEqual(before - 60_000);
    expect(kept?.appendedAt).toBeLessThanOrEqual(after + 60_000);
  });
}

function describeReading({ opened, createTopic, hooks }: LogSuite): void {
  const offsetsOf = async (topic: string, range?: ReadRange) =>
    (await readAll(opened().log, topic, 0, range)).map(({ offset }) => offset);

  it('a range is read from its first offset up to, not including, its last', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, textRecords('k', 0, 20));
    expect(await offsetsOf(topic, { from: 17 })).toEqual([17, 18, 19]);
    expect(await offsetsOf(topic, { to: 3 })).toEqual([0, 1, 2]);
    expect(await offsetsOf(topic, { from: 7, to: 9 })).toEqual([7, 8]);
    expect(await offsetsOf(topic, { from: 18, to: 99 })).toEqual([18, 19]);
  });

  it('an empty range yields nothing', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, textRecords('k', 0, 20));
    expect(await offsetsOf(topic, { from: 7, to: 7 })).toEqual([]);
    expect(await offsetsOf(topic, { from: 9, to: 7 })).toEqual([]);
    expect(await offsetsOf(topic, { from: 20 })).toEqual([]);
    expect(await offsetsOf(topic, { from: 25 })).toEqual([]);
  });

  it('reading ends at the end of the time of the call', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, textRecords('k', 0, 20));
    const seen: number[] = [];
    for await (const batch of opened().log.read(topic, 0)) {
      if (seen.length === 0) await opened().log.append(topic, textRecords('k', 20, 40));
      seen.push(...batch.map(({ offset }) => offset));
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('a long partition comes whole and in order', async () => {
    const topic = await createTopic(1);
    for (let i = 0; i < 10_000; i += 1_000) await opened().log.append(topic, textRecords('k', i, i + 1_000));
    const kept = await readAll(opened().log, topic, 0);
    expect(kept.map(({ text }) => text)).toEqual(texts('k', 0, 10_000));
    expect(kept.every(({ offset }, i) => offset === i)).toBe(true);
  });

  it('a partition that does not exist is refused', async () => {
    const topic = await createTopic(1);
    await expect(readAll(opened().log, topic, 1)).rejects.toMatchObject({ name: 'LogError', code: 'out-of-range' });
  });

  it.skipIf(!hooks.has('expire'))('a range from before the earliest kept record starts at that', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, textRecords('k', 0, 20));
    await opened().expire?.(topic);
    await opened().log.append(topic, textRecords('k', 20, 25));
    expect(await opened().log.offsets(topic)).toEqual([{ partition: 0, earliest: 20, end: 25 }]);
    expect(await offsetsOf(topic)).toEqual([20, 21, 22, 23, 24]);
    expect(await offsetsOf(topic, { from: 3, to: 22 })).toEqual([20, 21]);
    expect(await offsetsOf(topic, { from: 3, to: 7 })).toEqual([]);
  });
}

function describeCleanup({ opened, createTopic, hooks }: LogSuite): void {
  it.skipIf(!hooks.has('compact'))('compaction keeps the last record of each key, where it was', async () => {
    const topic = await createTopic(1, 'compact');
    const { log } = opened();
    for (let round = 0; round < 5; round++) {
      const records = ['a', 'b', 'c'].flatMap((key) => textRecords(key, round * 100, round * 100 + 100));
      await log.append(topic, records);
    }
    await log.append(topic, [{ key: 'b', value: null }]);
    await opened().compact?.(topic);
    await log.append(topic, textRecords('d', 0, 1));
    const kept = await readAll(log, topic, 0);
    expect(kept.length).toBeLessThan(1_500);
    const last = new Map(kept.map((record) => [record.key, record]));
    expect(last.get('a')).toMatchObject({ offset: 1_299, text: 'a:499' });
    expect(last.get('b')?.text ?? null).toBeNull();
    expect(last.get('c')).toMatchObject({ offset: 1_499, text: 'c:499' });
    expect(last.get('d')).toMatchObject({ offset: 1_501, text: 'd:0' });
    const offsets = kept.map(({ offset }) => offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(await log.offsets(topic)).toEqual([{ partition: 0, earliest: 0, end: 1_502 }]);
  });

  it.skipIf(!hooks.has('deleteTopic'))('a topic made anew has another incarnation, and starts at 0', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, textRecords('k', 0, 5));
    const before = await opened().log.incarnation(topic);
    const log = (await opened().deleteTopic?.(topic)) as Log;
    await log.ensureTopics([{ topic, partitionCount: 1, cleanup: 'delete' }]);
    expect(await log.incarnation(topic)).not.toBe(before);
    expect(await log.offsets(topic)).toEqual([{ partition: 0, earliest: 0, end: 0 }]);
  });
}

function describeClosing({ opened, createTopic }: LogSuite): void {
  it('a closed log refuses every call but another close', async () => {
    const topic = await createTopic(1);
    const { log } = opened();
    await log.close();
    await log.close();
    const closed = { name: 'LogError', code: 'closed' };
    await expect(log.ensureTopics([{ topic, partitionCount: 1, cleanup: 'delete' }])).rejects.toMatchObject(closed);
    await expect(log.append(topic, textRecords('k', 0, 1))).rejects.toMatchObject(closed);
    await expect(log.offsets(topic)).rejects.toMatchObject(closed);
    await expect(log.incarnation(topic)).rejects.toMatchObject(closed);
    await expect(log.committed('group', topic)).rejects.toMatchObject(closed);
    await expect(readAll(log, topic, 0)).rejects.toMatchObject(closed);
    await expect(log.join({ group: 'group', topics: [topic], batch: async () => {} })).rejects.toMatchObject(closed);
  });

  it('closing waits for appends in hand and stops the members that still run', async () => {
    const topic = await createTopic(1);
    const { log } = opened();
    const member = await log.join({ group: `group-${randomUUID()}`, topics: [topic], batch: async () => {} });
    const appended = log.append(topic, textRecords('k', 0, 100));
    await log.close();
    await appended;
    await member.done;
    const reopened = await opened().reopen();
    expect(await reopened.offsets(topic)).toEqual([{ partition: 0, earliest: 0, end: 100 }]);
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Lease, LogRecord, TopicPartition } from '../../src/log/log.ts';
import { closedGate, joinRecorder, newGroup, type Received } from './log-recorder.ts';
import { type LogSuite, textRecords, texts } from './log-suite.ts';

/** One member and its partitions. */
export function describeGroups(suite: LogSuite): void {
  describe('batches', () => {
    describeBatches(suite);
    describeBatchLimits(suite);
  });
  describe('positions', () => describePositions(suite));
  describe('starting', () => describeStarting(suite));
  describe('stopping', () => describeStopping(suite));
  describe('failing', () => {
    describeFailing(suite);
    describeFailingBesideBatches(suite);
  });
  describe('gaps', () => describeGaps(suite));
}

function offsets(received: readonly Received[], partition = 0): number[] {
  return received.filter((record) => record.partition === partition).map(({ offset }) => offset);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function describeBatches({ opened, createTopic, within, quietMs }: LogSuite): void {
  it('come in order, without holes or repeats, one at a time for each partition, also while records arrive', async () => {
    const topic = await createTopic(3);
    const append = (i: number) =>
      opened().log.append(
        topic,
        [0, 1, 2].flatMap((partition) =>
          textRecords('k', i * 20, i * 20 + 20).map((record) => ({ ...record, partition })),
        ),
      );
    await append(0);
    const inHand = new Map<number, number>();
    let most = 0;
    const { received, stop } = await joinRecorder(opened().log, {
      topics: [topic],
      async batch({ partition }, records) {
        expect(records.length).toBeGreaterThan(0);
        inHand.set(partition, (inHand.get(partition) ?? 0) + 1);
        most = Math.max(most, ...inHand.values());
        await sleep(1);
        inHand.set(partition, (inHand.get(partition) ?? 0) - 1);
      },
    });
    for (let i = 1; i < 50; i++) await append(i);
    await expect.poll(() => received.length, within).toBe(3_000);
    await stop();
    expect(most).toBe(1);
    for (const partition of [0, 1, 2]) {
      expect(offsets(received, partition)).toEqual(range(0, 1_000));
      const own = received.filter((record) => record.partition === partition);
      expect(own.map(({ text }) => text)).toEqual(texts('k', 0, 1_000));
    }
  });

  it('wait while one of their partition is in hand', async () => {
    const topic = await createTopic(1);
    const gate = closedGate();
    await opened().log.append(topic, textRecords('k', 0, 5));
    const { received, stop } = await joinRecorder(opened().log, { topics: [topic], batch: () => gate.passed });
    await expect.poll(() => received.length, within).toBeGreaterThan(0);
    const first = received.length;
    await opened().log.append(topic, textRecords('k', 5, 10));
    await sleep(quietMs);
    expect(received.length).toBe(first);
    gate.open();
    await expect.poll(() => offsets(received), within).toEqual(range(0, 10));
    await stop();
  });
}

function describeBatchLimits({ opened, createTopic, within }: LogSuite): void {
  it('are bounded: a long partition comes in several', async () => {
    const topic = await createTopic(1);
    for (let i = 0; i < 20; i++) {
      const records = Array.from({ length: 10 }, () => ({ key: 'k', value: Buffer.alloc(100_000, 'x') }));
      await opened().log.append(topic, records);
    }
    const sizes: number[] = [];
    const bytes = (records: readonly LogRecord[]) => records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    const { received, stop } = await joinRecorder(opened().log, {
      topics: [topic],
      batch: async (_, records) => void sizes.push(bytes(records)),
    });
    await expect.poll(() => offsets(received), within).toEqual(range(0, 200));
    await stop();
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16 << 20);
  });

  it('come from every topic of a member, and to every group', async () => {
    const [first, second] = [await createTopic(1), await createTopic(2)];
    const one = await joinRecorder(opened().log, { topics: [first, second] });
    const other = await joinRecorder(opened().log, { topics: [second] });
    await opened().log.append(first, [{ key: null, partition: 0, value: Buffer.from('a') }]);
    await opened().log.append(second, [{ key: null, partition: 1, value: Buffer.from('b') }]);
    const a = { topic: first, partition: 0, offset: 0, text: 'a' };
    const b = { topic: second, partition: 1, offset: 0, text: 'b' };
    await expect.poll(() => one.received.length, within).toBe(2);
    expect(one.received).toEqual(expect.arrayContaining([a, b]));
    await expect.poll(() => other.received, within).toEqual([b]);
    await Promise.all([one.stop(), other.stop()]);
  });
}

function describePositions({ opened, createTopic, within }: LogSuite): void {
  it('nothing is committed unless a member commits', async () => {
    const topic = await createTopic(2);
    const group = newGroup();
    expect(await opened().log.committed(group, topic)).toEqual(new Map());
    await opened().log.append(topic, textRecords('k', 0, 5));
    const { received, stop } = await joinRecorder(opened().log, { group, topics: [topic] });
    await expect.poll(() => received.length, within).toBe(5);
    await stop();
    expect(await opened().log.committed(group, topic)).toEqual(new Map());
  });

  it('a restart goes on at the committed offset, and sees again what was not committed', async () => {
    const topic = await createTopic(1);
    const group = newGroup();
    await opened().log.append(topic, textRecords('k', 0, 10));
    const before = await joinRecorder(opened().log, { group, topics: [topic] });
    await expect.poll(() => before.received.length, within).toBe(10);
    await before.member.commit({ topic, partition: 0 }, { offset: 4, metadata: '' });
    await before.stop();
    const log = await opened().reopen();
    const after = await joinRecorder(log, { group, topics: [topic] });
    await expect.poll(() => offsets(after.received), within).toEqual(range(4, 10));
    await after.stop();
  });

  it('metadata comes back as it was given, to the member and to everybody', async () => {
    const topic = await createTopic(2);
    const group = newGroup();
    const metadata = `{"n":1,"ü":"🔑"}${'x'.repeat(4_000)}`;
    const committed = { offset: 0, metadata };
    const before = await joinRecorder(opened().log, { group, topics: [topic] });
    await expect.poll(() => before.holds(), within).toEqual([0, 1]);
    await before.member.commit({ topic, partition: 1 }, { offset: 0, metadata: 'first' });
    await before.member.commit({ topic, partition: 1 }, committed);
    expect(await opened().log.committed(group, topic)).toEqual(new Map([[1, committed]]));
    await before.stop();
    const log = await opened().reopen();
    expect(await log.committed(group, topic)).toEqual(new Map([[1, committed]]));
    const after = await joinRecorder(log, { group, topics: [topic] });
    await expect.poll(() => after.holds(), within).toEqual([0, 1]);
    expect(after.assigned).toContainEqual({ partition: { topic, partition: 0 }, committed: undefined });
    expect(after.assigned).toContainEqual({ partition: { topic, partition: 1 }, committed });
    await after.stop();
  });

  it('metadata over 4,096 bytes is too large', async () => {
    const topic = await createTopic(1);
    const { member, holds } = await joinRecorder(opened().log, { topics: [topic] });
    await expect.poll(() => holds(), within).toEqual([0]);
    const commit = member.commit({ topic, partition: 0 }, { offset: 0, metadata: 'ü'.repeat(2_049) });
    await expect(commit).rejects.toMatchObject({ name: 'LogError', code: 'too-large' });
    await member.stop();
  });

  it('a partition that the member does not own cannot be committed', async () => {
    const [topic, other] = [await createTopic(1), await createTopic(1)];
    const { member, holds } = await joinRecorder(opened().log, { topics: [topic] });
    await expect.poll(() => holds(), within).toEqual([0]);
    const notOwner = { name: 'LogError', code: 'not-owner' };
    const position = { offset: 0, metadata: '' };
    await expect(member.commit({ topic: other, partition: 0 }, position)).rejects.toMatchObject(notOwner);
    await expect(member.commit({ topic, partition: 1 }, position)).rejects.toMatchObject(notOwner);
    await member.stop();
  });
}

function describeStarting({ opened, createTopic, within, quietMs }: LogSuite): void {
  it('without a position, a member starts at the earliest record', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, textRecords('k', 0, 3));
    const { received, assigned, stop } = await joinRecorder(opened().log, { topics: [topic] });
    await expect.poll(() => offsets(received), within).toEqual([0, 1, 2]);
    expect(assigned).toEqual([{ partition: { topic, partition: 0 }, committed: undefined }]);
    await stop();
  });

  it.each([
    ['before', 2],
    ['after', 8],
    ['at the end, beyond', 10],
  ])('`assigned` may start %s the committed offset', async (_, start) => {
    const topic = await createTopic(1);
    const group = newGroup();
    await opened().log.append(topic, textRecords('k', 0, 10));
    const first = await joinRecorder(opened().log, { group, topics: [topic] });
    await expect.poll(() => first.received.length, within).toBe(10);
    await first.member.commit({ topic, partition: 0 }, { offset: 5, metadata: '' });
    await first.stop();
    const second = await joinRecorder(opened().log, { group, topics: [topic], assigned: async () => start });
    await expect.poll(() => second.holds(), within).toEqual([0]);
    await opened().log.append(topic, textRecords('k', 10, 12));
    await expect.poll(() => offsets(second.received), within).toEqual(range(start, 12));
    await second.stop();
  });

  it('a slow `assigned` holds back the batches of its partition, and loses nothing', async () => {
    const topic = await createTopic(2);
    const order: string[] = [];
    const note = (what: string, { partition }: TopicPartition) => order.push(`${what} ${partition}`);
    for (const partition of [0, 1])
      await opened().log.append(topic, [{ key: null, partition, value: Buffer.from('0') }]);
    const { received, stop, leases } = await joinRecorder(opened().log, {
      topics: [topic],
      async assigned(partition) {
        note('assigned', partition);
        await sleep(partition.partition === 0 ? 4 * quietMs : 0);
        note('ready', partition);
        return undefined;
      },
      batch: async (partition) => void note('batch', partition),
    });
    for (let i = 1; i < 20; i++) {
      for (const partition of [0, 1])
        await opened().log.append(topic, [{ key: null, partition, value: Buffer.from(`${i}`) }]);
      await sleep(quietMs / 5);
    }
    await expect.poll(() => received.length, within).toBe(40);
    for (const partition of [0, 1]) {
      const own = order.filter((entry) => entry.endsWith(`${partition}`));
      expect(own.slice(0, 3)).toEqual([`assigned ${partition}`, `ready ${partition}`, `batch ${partition}`]);
      expect(own.slice(3).every((entry) => entry === `batch ${partition}`)).toBe(true);
      expect(offsets(received, partition)).toEqual(range(0, 20));
      expect(leases.get(partition)?.valid()).toBe(true);
    }
    await stop();
  });

  it('a start beyond the end is fatal: the position belongs to another log', async () => {
    const topic = await createTopic(1);
    await opened().log.append(topic, textRecords('k', 0, 3));
    const { outcome, received } = await joinRecorder(opened().log, { topics: [topic], assigned: async () => 1_000 });
    expect(await outcome).toMatchObject({ name: 'LogError', code: 'out-of-range' });
    expect(received).toEqual([]);
  });
}

function describeStopping({ opened, createTopic, within, quietMs }: LogSuite): void {
  it('waits for the batch in hand, which may still commit', async () => {
    const topic = await createTopic(1);
    const group = newGroup();
    const gate = closedGate();
    await opened().log.append(topic, textRecords('k', 0, 3));
    const recorder = await joinRecorder(opened().log, {
      group,
      topics: [topic],
      async batch(partition, _, lease) {
        await gate.passed;
        expect(lease.valid()).toBe(true);
        await recorder.member.commit(partition, { offset: 3, metadata: 'in hand' });
      },
    });
    await expect.poll(() => recorder.received.length, within).toBe(3);
    let stopped = false;
    const stopping = recorder.member.stop().then(() => {
      stopped = true;
    });
    await sleep(quietMs);
    expect(stopped).toBe(false);
    gate.open();
    await stopping;
    expect(await recorder.outcome).toBeUndefined();
    expect(await opened().log.committed(group, topic)).toEqual(new Map([[0, { offset: 3, metadata: 'in hand' }]]));
  });

  it('revokes each partition with its lease still valid, where commits still work, and not after', async () => {
    const topic = await createTopic(2);
    const group = newGroup();
    const recorder = await joinRecorder(opened().log, {
      group,
      topics: [topic],
      async revoked(partition) {
        await sleep(5);
        await recorder.member.commit(partition, { offset: 0, metadata: `revoked ${partition.partition}` });
      },
    });
    await expect.poll(() => recorder.holds(), within).toEqual([0, 1]);
    await recorder.member.stop();
    await recorder.member.stop();
    expect(await recorder.outcome).toBeUndefined();
    expect(recorder.revoked.toSorted((a, b) => a.partition.partition - b.partition.partition)).toEqual([
      { partition: { topic, partition: 0 }, leaseValid: true },
      { partition: { topic, partition: 1 }, leaseValid: true },
    ]);
    expect(recorder.holds()).toEqual([]);
    expect((await opened().log.committed(group, topic)).get(1)).toEqual({ offset: 0, metadata: 'revoked 1' });
    const late = recorder.member.commit({ topic, partition: 0 }, { offset: 0, metadata: '' });
    await expect(late).rejects.toMatchObject({ name: 'LogError', code: 'not-owner' });
  });

  it('no batch comes after', async () => {
    const topic = await createTopic(1);
    const { stop, received, holds } = await joinRecorder(opened().log, { topics: [topic] });
    await expect.poll(() => holds(), within).toEqual([0]);
    await stop();
    await opened().log.append(topic, textRecords('k', 0, 3));
    await sleep(quietMs);
    expect(received).toEqual([]);
  });
}

function describeFailing({ opened, createTopic, within, quietMs }: LogSuite): void {
  it('a batch that rejects ends the member with that very error, and commits nothing', async () => {
    const topic = await createTopic(1);
    const group = newGroup();
    const fault = new TypeError('undefined is not a function');
    await opened().log.append(topic, textRecords('k', 0, 10));
    const failing = await joinRecorder(opened().log, {
      group,
      topics: [topic],
      async batch() {
        throw fault;
      },
    });
    expect(await failing.outcome).toBe(fault);
    expect(failing.holds()).toEqual([]);
    expect(failing.revoked).toEqual([]);
    const late = failing.member.commit({ topic, partition: 0 }, { offset: 10, metadata: '' });
    await expect(late).rejects.toMatchObject({ name: 'LogError', code: 'not-owner' });
    await failing.member.stop();
    expect(await opened().log.committed(group, topic)).toEqual(new Map());
    const next = await joinRecorder(opened().log, { group, topics: [topic] });
    await expect.poll(() => offsets(next.received), within).toEqual(range(0, 10));
    await next.stop();
  });

  it('a failure of one partition ends the others: their leases at once, their batches, and without `revoked`', async () => {
    const topic = await createTopic(2);
    const [gate, fault] = [closedGate(), new Error('bad record')];
    const inHand: Lease[] = [];
    const failing = await joinRecorder(opened().log, {
      topics: [topic],
      async batch({ partition }, _, lease) {
        if (partition === 0) throw fault;
        inHand.push(lease);
        await gate.passed;
      },
    });
    const append = (partition: number) =>
      opened().log.append(topic, [{ key: null, partition, value: Buffer.from('x') }]);
    await append(1);
    await expect.poll(() => inHand.length, within).toBe(1);
    await append(1);
    await append(0);
    expect(await failing.outcome).toBe(fault);
    expect(inHand[0]?.valid()).toBe(false);
    gate.open();
    await failing.member.stop();
    await sleep(quietMs);
    expect(offsets(failing.received, 1)).toEqual([0]);
    expect(failing.revoked).toEqual([]);
  });
}

function describeFailingBesideBatches({ opened, createTopic, within }: LogSuite): void {
  it('an `assigned` that rejects ends the member too, before any batch', async () => {
    const topic = await createTopic(1);
    const fault = new Error('cannot restore');
    await opened().log.append(topic, textRecords('k', 0, 10));
    const { outcome, received } = await joinRecorder(opened().log, {
      topics: [topic],
      assigned: () => Promise.reject(fault),
    });
    expect(await outcome).toBe(fault);
    expect(received).toEqual([]);
  });

  it('a `revoked` that rejects while the member stops is told by `done`', async () => {
    const topic = await createTopic(1);
    const fault = new Error('cannot checkpoint');
    const { outcome, member, holds } = await joinRecorder(opened().log, {
      topics: [topic],
      revoked: () => Promise.reject(fault),
    });
    await expect.poll(() => holds(), within).toEqual([0]);
    await member.stop();
    expect(await outcome).toBe(fault);
  });
}

function describeGaps({ opened, createTopic, hooks, within }: LogSuite): void {
  /** A group at offset 3 of a topic whose first ten records are gone, and that has five more. */
  async function lagging(): Promise<{ topic: string; group: string }> {
    const topic = await createTopic(1);
    const group = newGroup();
    await opened().log.append(topic, textRecords('k', 0, 10));
    const { member, holds } = await joinRecorder(opened().log, { group, topics: [topic] });
    await expect.poll(() => holds(), within).toEqual([0]);
    await member.commit({ topic, partition: 0 }, { offset: 3, metadata: '' });
    await member.stop();
    await opened().expire?.(topic);
    await opened().log.append(topic, textRecords('k', 10, 15));
    return { topic, group };
  }

  it.skipIf(!hooks.has('expire'))('a position whose records are gone is told, with what was lost', async () => {
    const { topic, group } = await lagging();
    const gaps: unknown[] = [];
    const { received, stop } = await joinRecorder(opened().log, {
      group,
      topics: [topic],
      gap: (...gap) => void gaps.push(gap),
    });
    await expect.poll(() => offsets(received), within).toEqual(range(10, 15));
    expect(gaps).toEqual([[{ topic, partition: 0 }, 3, 10]]);
    await stop();
  });

  it.skipIf(!hooks.has('expire'))('and is fatal where nobody wants to know', async () => {
    const { topic, group } = await lagging();
    const { received, outcome } = await joinRecorder(opened().log, { group, topics: [topic] });
    expect(await outcome).toMatchObject({ name: 'LogError', code: 'out-of-range' });
    expect(received).toEqual([]);
  });

  it.skipIf(!hooks.has('expire'))('a start that `assigned` asks for may lie in a gap too', async () => {
    const { topic, group } = await lagging();
    const gaps: unknown[] = [];
    const { received, stop } = await joinRecorder(opened().log, {
      group,
      topics: [topic],
      assigned: async () => 7,
      gap: (...gap) => void gaps.push(gap),
    });
    await expect.poll(() => offsets(received), within).toEqual(range(10, 15));
    expect(gaps).toEqual([[{ topic, partition: 0 }, 7, 10]]);
    await stop();
  });

  it.skipIf(!hooks.has('expire'))(
    'a member without a position starts at the earliest record, which is no gap',
    async () => {
      const { topic } = await lagging();
      const { received, stop } = await joinRecorder(opened().log, { topics: [topic] });
      await expect.poll(() => offsets(received), within).toEqual(range(10, 15));
      await stop();
    },
  );
}

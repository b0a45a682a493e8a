import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Lease, type Log, LogError, type LogRecord, type TopicPartition } from '../../src/log/log.ts';
import { joinRecorder, newGroup, type Recorder } from './log-recorder.ts';
import { type LogSuite, textRecords } from './log-suite.ts';

const PARTITIONS = [0, 1, 2, 3];

/** Several members of one group. */
export function describeHandover(suite: LogSuite): void {
  it('members share the partitions, and each record is handled once when committed', () => share(suite));
  it('a member that leaves hands over, and the next goes on at what it committed last', () => leave(suite));
  it('a member that hands a partition over is told, may commit for it until it has done so, and not after', () =>
    handOver(suite));
  it('a member that fails leaves its partitions to the others', () => fail(suite));
  it('with members coming and going, no partition has two owners and no record is passed over', () => churn(suite));
}

async function share({ opened, createTopic, within }: LogSuite): Promise<void> {
  const topic = await createTopic(PARTITIONS.length);
  const group = newGroup();
  const handled: string[] = [];
  const members = [
    await joinCommitting(opened().log, group, topic, handled),
    await joinCommitting(opened().log, group, topic, handled),
  ];
  // The second may join before it gets its share.
  const everyoneHolds = () => members.every((member) => member.holds().length > 0);
  await expect.poll(() => [shares(members), everyoneHolds()], within).toEqual([PARTITIONS, true]);
  for (let i = 0; i < 10; i++) await appendEverywhere(opened().log, topic, i * 10, i * 10 + 10);
  await expect.poll(() => handled.length, within).toBe(400);
  expect(new Set(handled).size).toBe(400);
  expect(members.every(({ received }) => received.length > 0)).toBe(true);
  await Promise.all(members.map((member) => member.stop()));
  expect([...(await opened().log.committed(group, topic)).values()].map(({ offset }) => offset)).toEqual([
    100, 100, 100, 100,
  ]);
}

async function leave({ opened, createTopic, within }: LogSuite): Promise<void> {
  const topic = await createTopic(PARTITIONS.length);
  const group = newGroup();
  await appendEverywhere(opened().log, topic, 0, 10);
  const leaving: Recorder = await joinRecorder(opened().log, {
    group,
    topics: [topic],
    async revoked(partition) {
      // Where it has already lost a partition to the other member, it no longer may.
      if (!leaving.leases.get(partition.partition)?.valid()) return;
      await leaving.member.commit(partition, { offset: 7, metadata: 'left' });
    },
  });
  const staying = await joinRecorder(opened().log, { group, topics: [topic] });
  await expect.poll(() => shares([leaving, staying]), within).toEqual(PARTITIONS);
  await expect.poll(() => leaving.holds().length, within).toBe(2);
  const left = leaving.holds();
  const leases = left.map((partition) => leaving.leases.get(partition) as Lease);
  await leaving.member.stop();
  expect(await leaving.outcome).toBeUndefined();
  expect(leases.map((lease) => lease.valid())).toEqual([false, false]);
  await expect.poll(() => staying.holds(), within).toEqual(PARTITIONS);
  for (const partition of left) {
    expect(staying.assigned).toContainEqual({
      partition: { topic, partition },
      committed: { offset: 7, metadata: 'left' },
    });
    await expect.poll(() => offsetsOf(staying, partition), within).toEqual([7, 8, 9]);
  }
  await staying.stop();
}

async function handOver({ opened, createTopic, within }: LogSuite): Promise<void> {
  const topic = await createTopic(PARTITIONS.length);
  const group = newGroup();
  const giving: Recorder = await joinRecorder(opened().log, {
    group,
    topics: [topic],
    async revoked(partition) {
      await giving.member.commit(partition, { offset: 8, metadata: 'handed over' });
    },
  });
  await appendEverywhere(opened().log, topic, 0, 10);
  await expect.poll(() => giving.received.length, within).toBe(40);
  for (const partition of PARTITIONS)
    await giving.member.commit({ topic, partition }, { offset: 4, metadata: 'in time' });
  const before = [...giving.leases];
  const gaining = await joinRecorder(opened().log, { group, topics: [topic] });
  await expect.poll(() => gaining.holds().length, within).toBe(2);
  await expect.poll(() => shares([giving, gaining]), within).toEqual(PARTITIONS);
  const gained = gaining.holds();
  for (const [partition, lease] of before) if (gained.includes(partition)) expect(lease.valid()).toBe(false);
  for (const partition of gained) {
    expect(giving.revoked).toContainEqual({ partition: { topic, partition }, leaseValid: true });
    await expect.poll(() => offsetsOf(gaining, partition), within).toEqual([8, 9]);
    const late = giving.member.commit({ topic, partition }, { offset: 9, metadata: 'too late' });
    await expect(late).rejects.toMatchObject({ name: 'LogError', code: 'not-owner' });
  }
  await gaining.stop();
  await giving.stop();
}

async function fail({ opened, createTopic, within }: LogSuite): Promise<void> {
  const topic = await createTopic(PARTITIONS.length);
  const group = newGroup();
  const fault = new Error('bad record');
  const failing = await joinRecorder(opened().log, { group, topics: [topic], batch: () => Promise.reject(fault) });
  const staying = await joinRecorder(opened().log, { group, topics: [topic] });
  await expect.poll(() => shares([failing, staying]), within).toEqual(PARTITIONS);
  await expect.poll(() => staying.holds().length, within).toBe(2);
  await appendEverywhere(opened().log, topic, 0, 10);
  expect(await failing.outcome).toBe(fault);
  await expect
    .poll(() => PARTITIONS.map((partition) => offsetsOf(staying, partition).length), within)
    .toEqual([10, 10, 10, 10]);
  await staying.stop();
}

/** Members come and go while records arrive; all commit what they handled. */
async function churn({ opened, createTopic, within }: LogSuite): Promise<void> {
  const topic = await createTopic(PARTITIONS.length);
  const group = newGroup();
  const { log } = opened();
  const present = new Set<Recorder>();
  const handled: string[] = [];
  const twice: string[] = [];
  const join = async () => {
    const recorder = await joinCommitting(log, group, topic, handled, ({ partition }, lease) => {
      const owners = [...present].filter((other) => other.leases.get(partition)?.valid());
      if (lease.valid() && owners.length > 1) twice.push(`${partition} has ${owners.length} owners`);
    });
    present.add(recorder);
    return recorder;
  };
  const first = await join();
  let appended = 0;
  for (let round = 0; round < 3; round++) {
    const guest = await join();
    for (let i = 0; i < 10; i++, appended += 5) {
      await appendEverywhere(log, topic, appended, appended + 5);
      await sleep(5);
    }
    await guest.stop();
  }
  const positions = async () => [...(await log.committed(group, topic)).values()].map(({ offset }) => offset);
  await expect.poll(positions, within).toEqual(PARTITIONS.map(() => appended));
  await first.stop();
  expect(twice).toEqual([]);
  const all = PARTITIONS.flatMap((partition) =>
    Array.from({ length: appended }, (_, offset) => `${partition}:${offset}`),
  );
  expect(new Set(handled)).toEqual(new Set(all));
}

/** A member that commits after each batch, and notes as handled what it committed. */
async function joinCommitting(
  log: Log,
  group: string,
  topic: string,
  handled: string[],
  watch?: (partition: TopicPartition, lease: Lease) => void,
): Promise<Recorder> {
  const recorder: Recorder = await joinRecorder(log, {
    group,
    topics: [topic],
    async batch(partition, records, lease) {
      watch?.(partition, lease);
      const names = records.map(({ offset }) => `${partition.partition}:${offset}`);
      try {
        await recorder.member.commit(partition, { offset: (records.at(-1) as LogRecord).offset + 1, metadata: '' });
        handled.push(...names);
      } catch (error) {
        if (!(error instanceof LogError && error.code === 'not-owner')) throw error;
      }
    },
  });
  return recorder;
}

async function appendEverywhere(log: Log, topic: string, from: number, to: number): Promise<void> {
  const records = textRecords('k', from, to);
  await log.append(
    topic,
    PARTITIONS.flatMap((partition) => records.map((record) => ({ ...record, partition }))),
  );
}

/** Partitions held by any of them; one that two hold is there twice. */
function shares(recorders: readonly Recorder[]): number[] {
  return recorders.flatMap((recorder) => recorder.holds()).sort((a, b) => a - b);
}

function offsetsOf({ received }: Recorder, partition: number): number[] {
  return received.filter((record) => record.partition === partition).map(({ offset }) => offset);
}

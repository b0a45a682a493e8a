import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/domain/clock.ts';
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeLog } from '../conformance/log.ts';
import { joinRecorder, newGroup } from '../conformance/log-recorder.ts';
import { textRecords, texts } from '../conformance/log-suite.ts';
import { startKafka } from '../support/kafka-server.ts';
import { openForContract } from '../support/open-kafka-log.ts';

const server = await startKafka();
const brokers = 'skipped' in server ? [] : server.brokers;
const warnings: Error[] = [];
const collect = (warning: Error) => void warnings.push(warning);
process.on('warning', collect);

afterAll(async () => {
  if (!('skipped' in server)) await server.stop();
  process.off('warning', collect);
});

describe.skipIf('skipped' in server)('with a Kafka broker:', () => {
  describeLog('the Kafka log', () => openForContract({ brokers }), ['expire', 'compact', 'deleteTopic'], {
    deadlineMs: 10_000,
    quietMs: 400,
  });
  describe('what other producers wrote', describeForeignRecords);
  describe('compaction', describeHoles);
  describe('leases', describeLeases);
  describe('failures', describeFailures);
  describe('refusals', describeRefusals);
  describe('speed', describeSpeed);
  describe('restarts', describeRestarts);

  it('nothing warns', () => {
    expect(warnings).toEqual([]);
  });
});

/** Opens logs that the tests of one block share, and closes them after it. */
function opening(): (options?: Partial<KafkaLogOptions>) => Promise<Log> {
  const opened: Log[] = [];
  afterAll(async () => {
    await Promise.all(opened.map((log) => log.close()));
  });
  return async (options) => {
    const log = await openKafkaLog({ brokers, clock: systemClock, ...options });
    opened.push(log);
    return log;
  };
}

async function newTopic(log: Log, partitionCount = 1): Promise<string> {
  const topic = `topic-${randomUUID()}`;
  await log.ensureTopics([{ topic, partitionCount, cleanup: 'delete' }]);
  return topic;
}

async function readTexts(log: Log, topic: string): Promise<(string | null)[]> {
  const read: (string | null)[] = [];
  for await (const records of log.read(topic, 0)) read.push(...records.map(({ value }) => value?.toString() ?? null));
  return read;
}

function foreignKafka(): Kafka {
  return new Kafka({ brokers, logLevel: logLevel.NOTHING });
}

function describeForeignRecords(): void {
  const open = opening();

  it.each(['gzip', 'zstd'])('is read when the topic compresses with %s', async (type) => {
    const log = await open({ topicSettings: { 'compression.type': type } });
    const topic = await newTopic(log);
    await log.append(topic, textRecords('k', 0, 2_000));
    expect(await readTexts(log, topic)).toEqual(texts('k', 0, 2_000));
    const { received, stop } = await joinRecorder(log, { topics: [topic] });
    await expect.poll(() => received.map(({ text }) => text)).toEqual(texts('k', 0, 2_000));
    await stop();
  });

  it.each(['snappy', 'lz4'])('ends a member, with the reason, when the topic compresses with %s', async (type) => {
    const log = await open({ topicSettings: { 'compression.type': type } });
    const topic = await newTopic(log);
    await log.append(topic, textRecords('k', 0, 2_000));
    const { outcome } = await joinRecorder(log, { topics: [topic] });
    expect(await outcome).toMatchObject({ code: 'storage', message: expect.stringMatching(`${topic}.*${type}`) });
    await expect(readTexts(log, topic)).rejects.toMatchObject({ code: 'storage' });
  });

  it('of transactions only what was committed counts, and reading ends', async () => {
    const log = await open();
    const topic = await newTopic(log);
    const producer = foreignKafka().producer({
      transactionalId: randomUUID(),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (let i = 0; i < 6; i++) {
      const transaction = await producer.transaction();
      const messages = [{ value: `${i}` }, { value: `${i}` }];
      await transaction.send({ topic, messages, compression: CompressionTypes.GZIP });
      await (i % 2 === 0 ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    expect(await readTexts(log, topic)).toEqual(['0', '0', '2', '2', '4', '4']);
    const { received, stop } = await joinRecorder(log, { topics: [topic] });
    await expect.poll(() => received.map(({ text }) => text)).toEqual(['0', '0', '2', '2', '4', '4']);
    await log.append(topic, [{ key: 'k', value: Buffer.from('after') }]);
    await expect.poll(() => received.at(-1)?.text).toBe('after');
    await stop();
  });
}

function describeHoles(): void {
  it('that empties the whole end of a partition leaves nothing to wait for', async () => {
    const opened = await openForContract({ brokers });
    const topic = `topic-${randomUUID()}`;
    await opened.log.ensureTopics([{ topic, partitionCount: 1, cleanup: 'compact' }]);
    // The last batch of the first producer is emptied, and stays behind as a hole; then so is that of the second.
    for (let i = 0; i < 5; i++) await opened.log.append(topic, textRecords('a', i * 100, i * 100 + 100));
    const log = await opened.reopen();
    for (let i = 0; i < 5; i++) await log.append(topic, textRecords('a', i * 100, i * 100 + 100));
    await opened.compact(topic);
    const { received, stop } = await joinRecorder(log, { topics: [topic] });
    await expect.poll(() => received.at(-1)?.offset, { timeout: 5_000 }).toBe(999);
    await stop();
    await opened.dispose();
  });
}

/** The machine's time, and some more. */
function aheadClock(): Clock & { aheadMs: number } {
  return {
    aheadMs: 0,
    now: () => systemClock.now(),
    elapsed() {
      return systemClock.elapsed() + this.aheadMs;
    },
    sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal),
  };
}

function describeLeases(): void {
  const open = opening();

  it('lapse when the coordinator was not heard of for half a session; then the partition is taken anew', async () => {
    const clock = aheadClock();
    const log = await open({ clock });
    const topic = await newTopic(log);
    await log.append(topic, textRecords('k', 0, 3));
    const { member, assigned, revoked, leases, received, stop } = await joinRecorder(log, { topics: [topic] });
    await expect.poll(() => received.length).toBe(3);
    await member.commit({ topic, partition: 0 }, { offset: 2, metadata: '' });
    const before = leases.get(0);
    clock.aheadMs += 5_000;
    expect(before?.valid()).toBe(false);
    const late = member.commit({ topic, partition: 0 }, { offset: 3, metadata: '' });
    await expect(late).rejects.toMatchObject({ code: 'not-owner' });
    await expect.poll(() => assigned.length, { timeout: 5_000 }).toBe(2);
    expect(revoked).toEqual([{ partition: { topic, partition: 0 }, leaseValid: false }]);
    expect(leases.get(0)?.valid()).toBe(true);
    expect(before?.valid()).toBe(false);
    await expect.poll(() => received.map(({ offset }) => offset)).toEqual([0, 1, 2, 2]);
    await stop();
  });

  it('outlive a batch that takes longer than the session', async () => {
    const log = await open({ sessionMs: 2_000 });
    const topic = await newTopic(log);
    await log.append(topic, textRecords('k', 0, 3));
    const { member, assigned, leases, received, stop } = await joinRecorder(log, {
      topics: [topic],
      batch: () => sleep(4_000),
    });
    await expect.poll(() => received.length).toBe(3);
    await sleep(3_500);
    expect(leases.get(0)?.valid()).toBe(true);
    await member.commit({ topic, partition: 0 }, { offset: 3, metadata: '' });
    expect(assigned).toHaveLength(1);
    await stop();
  });

  it('of a member that hangs end before another gets its partitions', async () => {
    const log = await open({ sessionMs: 2_000 });
    const topic = await newTopic(log, 2);
    const group = newGroup();
    const clock = aheadClock();
    const hanging = await joinRecorder(await open({ sessionMs: 2_000, clock }), { group, topics: [topic] });
    await expect.poll(() => hanging.holds()).toEqual([0, 1]);
    const leases = [...hanging.leases.values()];
    let overlap = 0;
    const other = await joinRecorder(log, {
      group,
      topics: [topic],
      async assigned({ partition }) {
        if (leases[partition]?.valid()) overlap++;
        return undefined;
      },
    });
    await expect.poll(() => other.holds().length, { timeout: 5_000 }).toBe(1);
    expect(overlap).toBe(0);
    await Promise.all([hanging.stop(), other.stop()]);
  });
}

function describeFailures(): void {
  const open = opening();

  it('a batch that never ends is told, and its partition goes to others', async () => {
    const log = await open({ batchLimitMs: 300, stallMs: 400, sessionMs: 2_000 });
    const topic = await newTopic(log);
    const group = newGroup();
    await log.append(topic, textRecords('k', 0, 3));
    const hung = await joinRecorder(log, { group, topics: [topic], batch: () => new Promise(() => {}) });
    expect(await hung.outcome).toMatchObject({ code: 'stalled' });
    const next = await joinRecorder(log, { group, topics: [topic] });
    await expect.poll(() => next.received.length, { timeout: 5_000 }).toBe(3);
    await next.stop();
  });

  it('a topic made anew under a running member ends it', async () => {
    const opened = await openForContract({ brokers });
    const watcher = await open();
    const topic = await newTopic(opened.log);
    await opened.log.append(topic, textRecords('k', 0, 5));
    const { received, outcome } = await joinRecorder(watcher, { topics: [topic] });
    await expect.poll(() => received.length).toBe(5);
    const log = await opened.deleteTopic(topic);
    await log.ensureTopics([{ topic, partitionCount: 1, cleanup: 'delete' }]);
    await log.append(topic, textRecords('k', 5, 15));
    expect(await outcome).toMatchObject({
      name: 'LogError',
      code: expect.stringMatching('unknown-topic|out-of-range'),
    });
    expect(received).toHaveLength(5);
    await opened.dispose();
  });

  it('partitions added to a topic under an open log are refused before a key changes its own', async () => {
    const log = await open();
    const topic = await newTopic(log, 2);
    await log.append(topic, textRecords('k', 0, 3));
    const admin = foreignKafka().admin();
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await admin.disconnect();
    const refusal = { code: 'partition-count', message: expect.stringMatching(`${topic}.*3 partitions.*2 are`) };
    await expect.poll(() => log.incarnation(topic).catch((cause: unknown) => cause)).toMatchObject(refusal);
    await expect(log.append(topic, textRecords('k', 3, 6))).rejects.toMatchObject(refusal);
  });

  it('installations with a prefix of their own do not meet', async () => {
    const [one, other] = [await open({ topicPrefix: 'one.' }), await open({ topicPrefix: 'other.' })];
    const [topic, group] = [`topic-${randomUUID()}`, newGroup()];
    for (const log of [one, other]) await log.ensureTopics([{ topic, partitionCount: 1, cleanup: 'delete' }]);
    await one.append(topic, textRecords('k', 0, 3));
    const [first, second] = [
      await joinRecorder(one, { group, topics: [topic] }),
      await joinRecorder(other, { group, topics: [topic] }),
    ];
    await expect.poll(() => first.received.length).toBe(3);
    await first.member.commit({ topic, partition: 0 }, { offset: 3, metadata: '' });
    await expect.poll(() => second.holds()).toEqual([0]);
    expect(await other.committed(group, topic)).toEqual(new Map());
    await Promise.all([first.stop(), second.stop()]);
    expect(second.received).toEqual([]);
  });
}

function describeRefusals(): void {
  const open = opening();

  it('a group of another program is refused', async () => {
    const log = await open();
    const topic = await newTopic(log);
    const group = newGroup();
    const consumer = foreignKafka().consumer({ groupId: group, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    await consumer.run({ eachMessage: async () => {} });
    await expect.poll(async () => (await consumer.describeGroup()).state, { timeout: 5_000 }).toBe('Stable');
    const joining = log.join({ group, topics: [topic], batch: async () => {} });
    await expect(joining).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('another program'),
    });
    await consumer.disconnect();
  });

  it('more replicas than brokers are refused, and a compacted topic that also deletes', async () => {
    const log = await open({ replicationFactor: 30 });
    const spec = { topic: `topic-${randomUUID()}`, partitionCount: 1, cleanup: 'delete' } as const;
    await expect(log.ensureTopics([spec])).rejects.toMatchObject({ code: 'storage' });
    await (await open()).ensureTopics([spec]);
    const compacted = log.ensureTopics([{ ...spec, cleanup: 'compact' }]);
    await expect(compacted).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('cleanup.policy'),
    });
  });

  it('a compacted topic takes no records without a key', async () => {
    const log = await open();
    const topic = `topic-${randomUUID()}`;
    await log.ensureTopics([{ topic, partitionCount: 1, cleanup: 'compact' }]);
    const keyless = log.append(topic, [{ key: null, partition: 0, value: Buffer.from('x') }]);
    await expect(keyless).rejects.toMatchObject({ code: 'storage' });
    await log.append(topic, textRecords('k', 0, 1));
    expect(await readTexts(log, topic)).toEqual(['k:0']);
  });

  it('an address where nobody listens is told', async () => {
    const opening = openKafkaLog({ brokers: ['127.0.0.1:1'], unavailableMs: 500, clock: systemClock });
    await expect(opening).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });
}

function describeSpeed(): void {
  const open = opening();

  it('records a second, for the record', async () => {
    const log = await open();
    const topic = await newTopic(log, 4);
    const value = Buffer.alloc(330, 'x');
    const count = 200_000;
    const speed = (startedAt: number) => Math.round(count / (performance.now() - startedAt));
    let startedAt = performance.now();
    for (let i = 0; i < count; i += 5_000) {
      await log.append(
        topic,
        Array.from({ length: 5_000 }, (_, j) => ({ key: `token-${i + j}`, value })),
      );
    }
    const appending = speed(startedAt);
    let seen = 0;
    startedAt = performance.now();
    const member = await log.join({
      group: newGroup(),
      topics: [topic],
      async batch(_, { length }) {
        seen += length;
      },
    });
    await expect.poll(() => seen, { timeout: 30_000, interval: 5 }).toBe(count);
    const receiving = speed(startedAt);
    await member.stop();
    console.log(`Kafka log, thousand records of 330 bytes a second: ${appending} appended, ${receiving} received`);
  });
}

function describeRestarts(): void {
  const open = opening();

  it('of the broker interrupt a member and an appender, and lose, double and misplace nothing', async (context) => {
    if ('skipped' in server || server.restart === undefined) return context.skip('this Kafka is not ours to restart');
    const log = await open();
    const impatient = await open({ unavailableMs: 1_000 });
    const topic = await newTopic(log);
    const { received, stop } = await joinRecorder(log, { topics: [topic] });
    const short = await joinRecorder(impatient, { topics: [topic] });
    let appended = 0;
    const appending = new AbortController();
    const appends = (async () => {
      while (!appending.signal.aborted) {
        const calls = Array.from({ length: 5 }, (_, i) =>
          log.append(topic, textRecords('k', appended + i * 10, appended + i * 10 + 10)),
        );
        await Promise.all(calls);
        appended += 50;
        await sleep(2);
      }
    })();
    await expect.poll(() => received.length, { timeout: 10_000 }).toBeGreaterThan(500);
    await server.restart(3_000);
    const restartedAt = received.length;
    await expect.poll(() => received.length, { timeout: 30_000 }).toBeGreaterThan(restartedAt + 500);
    appending.abort();
    await appends;
    // What was in hand when the lease lapsed may come twice: nothing was committed.
    const order = () => [...new Set(received.map(({ offset }) => offset))];
    await expect.poll(() => order().length, { timeout: 30_000 }).toBe(appended);
    expect(await readTexts(log, topic)).toEqual(texts('k', 0, appended));
    expect(order()).toEqual(Array.from({ length: appended }, (_, offset) => offset));
    expect(await short.outcome).toMatchObject({ code: 'unavailable' });
    await stop();
  });
}

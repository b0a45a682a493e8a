import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { openKafkaSource } from '../../src/ingest/kafka.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Collecting, line, nameAt, namesUpTo, startCollecting, until } from '../ingest/collecting.ts';
import { startKafka } from '../support/kafka-server.ts';

const server = await startKafka();
afterAll(async () => {
  if (!('skipped' in server)) await server.stop();
});

describe.skipIf('skipped' in server)('openKafkaSource with a broker', () => {
  const brokers = 'skipped' in server ? [] : server.brokers;

  it('takes every record once through stops, a second member and its leaving', async () => {
    await using collecting = await startCollecting();
    const topic = `audit.raw-${randomUUID()}`;
    const producer = await openKafkaLog({ brokers, clock: systemClock });
    await producer.ensureTopics([{ topic, partitionCount: 3, cleanup: 'delete' }]);
    await produce(producer, topic, 0, 900);
    const first = await start(collecting, brokers, topic);
    await untilNames(collecting, 900);
    await first.stop();
    await produce(producer, topic, 900, 1500);
    const second = await start(collecting, brokers, topic);
    await untilNames(collecting, 1200);
    const third = await start(collecting, brokers, topic);
    await produce(producer, topic, 1500, 2100);
    await untilNames(collecting, 2100);
    await second.stop();
    await produce(producer, topic, 2100, 2400);
    await untilNames(collecting, 2400);
    await third.stop();
    expect(await collecting.names()).toEqual(namesUpTo(2400));
    expect(collecting.counts.taken - collecting.counts.repeated).toBe(2400);
    await producer.close();
  }, 120_000);
});

async function produce(log: Log, topic: string, from: number, to: number): Promise<void> {
  const records = Array.from({ length: to - from }, (_, i) => {
    return { key: null, partition: (from + i) % 3, value: Buffer.from(line(nameAt(from + i))) };
  });
  await log.append(topic, records);
}

/** A collector of its own connection, in the group of the topic's name. */
async function start(
  collecting: Collecting,
  brokers: readonly string[],
  topic: string,
): Promise<{ stop(): Promise<void> }> {
  const log = await openKafkaLog({ brokers, clock: systemClock });
  const stopping = new AbortController();
  const source = openKafkaSource({ name: 'kafka', log, topics: [topic], group: topic, clock: systemClock });
  const done = source.run(collecting.intake('kafka'), stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
      await log.close();
    },
  };
}

async function untilNames(collecting: Collecting, count: number): Promise<void> {
  await until(async () => (await collecting.events()).length >= count, 40_000);
}

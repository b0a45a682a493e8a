import { expect, it } from 'vitest';
import { Appender } from '../../src/log/kafka-append.ts';
import { ByteReader } from '../../src/log/kafka-bytes.ts';
import type { Connections, KafkaAccess, KafkaNode, WireRequest } from '../../src/log/kafka-client.ts';
import type { Topics } from '../../src/log/kafka-topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';

const RECORD_COUNT_AT = 57;

/** How many records each batch of a produce request has, by topic. */
function readRequest(body: Buffer): readonly (readonly [string, number])[] {
  const reader = new ByteReader(body);
  reader.string();
  reader.int16();
  reader.int32();
  return reader
    .list(() => {
      const topic = reader.string() ?? '';
      return reader.list(() => {
        reader.int32();
        return [topic, reader.slice(reader.int32()).readInt32BE(RECORD_COUNT_AT)] as const;
      });
    })
    .flat();
}

/** Two brokers, one topic led by each; looking topic `slow` up takes as long as `held`. */
function cluster(held: () => Promise<void>) {
  const sent: (readonly [string, number])[] = [];
  const node = {
    initProducerId: async () => ({ producerId: '1', producerEpoch: 0 }),
    versions: { 0: { maxVersion: 9 } },
    connectionPool: {
      async send<T>({ request }: WireRequest<T>): Promise<T> {
        const batches = readRequest((await request.encode()).buffer);
        sent.push(...batches);
        return new Map(batches.map(([topic]) => [JSON.stringify([topic, 0]), 0])) as T;
      },
    },
  } as unknown as KafkaNode;
  const topics = {
    async topic(name: string) {
      if (name === 'slow') await held();
      return { name, id: name, leaders: [name === 'slow' ? 1 : 2] };
    },
    recordBytesMax: async () => 1 << 20,
    forget: () => undefined,
  } as unknown as Topics;
  const connections = { node: async () => node, recover: async () => undefined } as unknown as Connections;
  const access = { clock: systemClock, unavailableMs: 1000 } as unknown as KafkaAccess;
  return { sent, appender: new Appender({ access, connections, topics }) };
}

const one = (value: string) => [{ key: 'k', value: Buffer.from(value) }];

it('sends what is for one topic once, however long another one is looked up meanwhile', async () => {
  let isHeld = false;
  let heldCount = 0;
  const looked = Promise.withResolvers<void>();
  const { sent, appender } = cluster(async () => {
    if (!isHeld) return;
    heldCount += 1;
    await looked.promise;
  });
  // So that `slow` is the first to be looked at.
  for (const topic of ['slow', 'fast']) await appender.append(topic, one('before'));
  const calls = [appender.append('slow', one('a')), appender.append('fast', one('b'))];
  // Both have found their topics, and stand in their lanes.
  await new Promise(process.nextTick);
  isHeld = true;
  await expect.poll(() => heldCount).toBe(1);
  await appender.append('fast', one('c'));
  looked.resolve();
  await Promise.all(calls);
  await appender.append('fast', one('d'));
  expect(sent.filter(([, count]) => count === 0)).toEqual([]);
  expect(sent.filter(([topic]) => topic === 'slow')).toHaveLength(2);
  expect(sent.reduce((sum, [, count]) => sum + count, 0)).toBe(6);
});

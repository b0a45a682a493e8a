import { setTimeout as sleep } from 'node:timers/promises';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { OpenedLog } from '../conformance/log.ts';

/** Compaction at once: a segment is closed after a millisecond, and only the last one is left alone. */
const EAGER_COMPACTION = {
  'segment.ms': '1',
  'min.compaction.lag.ms': '0',
  'min.cleanable.dirty.ratio': '0.0001',
  'file.delete.delay.ms': '100',
};

/** What the contract suite needs of a Kafka. Topics and groups have names of their own, so none is removed. */
export async function openForContract(options: Omit<KafkaLogOptions, 'clock'>): Promise<Required<OpenedLog>> {
  const used: KafkaLogOptions = { topicSettings: EAGER_COMPACTION, clock: systemClock, ...options };
  let log = await openKafkaLog(used);
  const reopen = async () => {
    await log.close();
    log = await openKafkaLog(used);
    return log;
  };
  const named = (topic: string) => (options.topicPrefix ?? '') + topic;
  return {
    log,
    reopen,
    dispose: () => log.close(),
    async expire(topic) {
      const ends = await log.offsets(topic);
      const partitions = ends.map(({ partition, end }) => ({ partition, offset: String(end) }));
      await withAdmin(options, async (admin) => {
        await admin.fetchTopicOffsets(named(topic)); // Else kafkajs does not know where the topic is.
        await admin.deleteTopicRecords({ topic: named(topic), partitions });
      });
    },
    async compact(topic) {
      for (let tries = 0; tries < 100; tries++) {
        if ((await countRecords(log, topic)) < 0.5 * ((await log.offsets(topic))[0]?.end ?? 0)) return;
        await sleep(100);
      }
      throw new Error(`Kafka has not compacted ${topic} within 10 s`);
    },
    async deleteTopic(topic) {
      await withAdmin(options, (admin) => admin.deleteTopics({ topics: [named(topic)] }));
      return reopen();
    },
  };
}

async function countRecords(log: Log, topic: string): Promise<number> {
  let count = 0;
  for await (const records of log.read(topic, 0)) count += records.length;
  return count;
}

/** For what operators do with tools. */
export async function withAdmin<T>(
  { brokers }: Pick<KafkaLogOptions, 'brokers'>,
  act: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
}

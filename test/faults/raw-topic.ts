import { openKafkaLog } from '../../src/log/kafka.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { withAdmin } from '../support/open-kafka-log.ts';
import type { Installation } from './installation.ts';

const PARTITION_COUNT = 2;

/** A topic of somebody else's that Tokenwarden reads. */
export interface RawTopic {
  readonly name: string;
  /** Source that reads it. */
  readonly source: object;
  /** Makes it. */
  make(): Promise<void>;
  write(lines: readonly string[]): Promise<void>;
  remove(): Promise<void>;
  /** As retention does with all that is there. @returns how many records there were */
  expire(): Promise<number>;
}

/** A source that reads made-up days, which lie in the past, from a topic. */
export function sourceOf(topic: string, group: string): object {
  return { name: 'input', kind: 'kafka', format: 'canonical', topics: [topic], group, ageDaysMax: 36_500 };
}

export function rawTopicOf({ brokers, topicPrefix }: Installation): RawTopic {
  const name = `${topicPrefix}raw`;
  const withLog = async <T>(act: (log: Awaited<ReturnType<typeof openKafkaLog>>) => Promise<T>) => {
    const log = await openKafkaLog({ brokers, clock: systemClock });
    return act(log).finally(() => log.close());
  };
  return {
    name,
    source: sourceOf(name, `${name}-readers`),
    make: () =>
      withLog((log) => log.ensureTopics([{ topic: name, partitionCount: PARTITION_COUNT, cleanup: 'delete' }])),
    write: (lines) =>
      withLog((log) =>
        log.append(
          name,
          lines.map((line, i) => ({ key: null, partition: i % PARTITION_COUNT, value: Buffer.from(line) })),
        ),
      ),
    remove: () => withAdmin({ brokers }, (admin) => admin.deleteTopics({ topics: [name] })),
    expire: () => expireTopic({ brokers }, name),
  };
}

/** Deletes all records of a topic, as retention does. @returns how many there were */
export async function expireTopic(place: Pick<Installation, 'brokers'>, topic: string): Promise<number> {
  return withAdmin(place, async (admin) => {
    const ends = await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({
      topic,
      partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
    });
    return ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  });
}

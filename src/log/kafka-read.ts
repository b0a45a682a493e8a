import { type Connections, type KafkaAccess, persist } from './kafka-client.ts';
import { BrokerRefusal } from './kafka-errors.ts';
import { type FetchedPartition, fetchRecords } from './kafka-requests.ts';
import { noPartition, type Topics } from './kafka-topics.ts';
import { LogError, type LogRecord, type ReadRange } from './log.ts';

export interface Reading {
  readonly access: KafkaAccess;
  readonly connections: Connections;
  readonly topics: Topics;
  readonly bytesMax: number;
  /** A fetch below the end may come back empty for so long. */
  readonly stallMs: number;
}

const WAIT_MS = 100;
const OUT_OF_RANGE = 1;

/**
 * Reads one partition to its end at the time of the call, outside any group. While the caller works on one batch, the next is on
 * its way.
 */
export async function* readPartition(
  reading: Reading,
  topicName: string,
  partition: number,
  { from = 0, to }: ReadRange,
): AsyncGenerator<readonly LogRecord[]> {
  const topic = await reading.topics.topic(topicName);
  if (topic.leaders[partition] === undefined) throw noPartition(topic, partition);
  const [bounds] = await reading.topics.offsets(topic, [partition]);
  if (bounds === undefined) throw noPartition(topic, partition);
  const end = Math.min(to ?? bounds.end, bounds.end);
  let position = Math.max(from, bounds.earliest);
  let coming = position < end ? fetchNext(reading, topicName, partition, position) : undefined;
  while (coming !== undefined) {
    const { records, next } = await coming;
    position = next;
    coming = position < end ? fetchNext(reading, topicName, partition, position) : undefined;
    // Where the caller stops early, nobody waits for it.
    coming?.catch(() => undefined);
    const wanted = (records.at(-1)?.offset ?? -1) < end ? records : records.filter(({ offset }) => offset < end);
    if (wanted.length > 0) yield wanted;
  }
}

/** The next records at or after `from`, which lies before the end. Holes that compaction or transactions left are passed over. */
async function fetchNext(reading: Reading, topic: string, partition: number, from: number): Promise<FetchedPartition> {
  const { clock } = reading.access;
  const startedAt = clock.elapsed();
  for (let position = from; ; ) {
    const fetched = await fetchOnce(reading, topic, partition, position);
    if (fetched.errorCode === OUT_OF_RANGE) {
      position = await passDeleted(reading, topic, partition, position);
    } else if (fetched.next > position) {
      return fetched;
    }
    if (clock.elapsed() - startedAt > reading.stallMs) {
      throw new LogError(
        'stalled',
        `Kafka gives no records of ${topic}/${partition} at ${position}, which lies before its end. Check the brokers: ` +
          'followers may lag behind, or a transaction may hang.',
      );
    }
  }
}

async function fetchOnce(
  { access, connections, topics, bytesMax }: Reading,
  topic: string,
  partition: number,
  from: number,
): Promise<FetchedPartition> {
  const fetch = async () => {
    const { leaders } = await topics.topic(topic);
    const node = await connections.node(leaders[partition] ?? -1);
    const partitions = [{ topic, partition, from, bytesMax }];
    const [fetched] = await fetchRecords(node, { partitions, waitMs: WAIT_MS, bytesMax });
    const errorCode = fetched?.errorCode ?? -1;
    if (fetched === undefined || (errorCode !== 0 && errorCode !== OUT_OF_RANGE)) {
      throw new BrokerRefusal(errorCode, `to read ${topic}/${partition}`);
    }
    return fetched;
  };
  return persist(access, `reading ${topic}/${partition}`, fetch, async (error) => {
    topics.forget(topic);
    await connections.recover(error);
  });
}

/** Retention has overtaken the reader: what is deleted is simply absent. */
async function passDeleted({ topics }: Reading, name: string, partition: number, position: number): Promise<number> {
  const [bounds] = await topics.offsets(await topics.topic(name), [partition]);
  if (bounds !== undefined && bounds.earliest > position) return bounds.earliest;
  throw new LogError(
    'out-of-range',
    `Kafka had records of ${name}/${partition} at ${position}, and now ends at ${bounds?.end}: it has lost some. ` +
      'Find out why (an unclean election of a leader?) before going on.',
  );
}

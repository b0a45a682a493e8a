import type { KafkaNode } from './kafka-client.ts';
import { type Committed, LogError, type TopicPartition } from './log.ts';

const METADATA_BYTES_MAX = 4_096;

/** What a group last committed for partitions of a topic, by number; those never committed are absent. */
export async function fetchCommitted(
  coordinator: KafkaNode,
  groupId: string,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, Committed>> {
  // kafkajs declares an offset here too, and sends none.
  const asked = partitions.map((partition) => ({ partition, offset: '' }));
  const { responses } = await coordinator.offsetFetch({ groupId, topics: [{ topic, partitions: asked }] });
  const committed = new Map<number, Committed>();
  for (const found of responses.flatMap((response) => response.partitions)) {
    const offset = Number(found.offset);
    const metadata = 'metadata' in found && typeof found.metadata === 'string' ? found.metadata : '';
    if (offset >= 0) committed.set(found.partition, { offset, metadata });
  }
  return committed;
}

/** @throws LogError `too-large` for the metadata, `out-of-range` for what is no offset. */
export function checkPosition({ topic, partition }: TopicPartition, { offset, metadata }: Committed): void {
  const byteCount = Buffer.byteLength(metadata);
  if (byteCount > METADATA_BYTES_MAX) {
    throw new LogError(
      'too-large',
      `The metadata committed for ${topic}/${partition} has ${byteCount} bytes; at most ${METADATA_BYTES_MAX} are kept.`,
    );
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new LogError('out-of-range', `${offset} is no offset of ${topic}/${partition}. Give a whole number from 0.`);
  }
}

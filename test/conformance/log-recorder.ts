import { randomUUID } from 'node:crypto';
import type { Committed, GroupOptions, Lease, Log, LogRecord, Member, TopicPartition } from '../../src/log/log.ts';

/** A record that a member was given, its value copied. */
export interface Received {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly text: string | null;
}

/** A member that writes down all that happens to it. */
export interface Recorder {
  readonly member: Member;
  readonly received: readonly Received[];
  readonly assigned: readonly { readonly partition: TopicPartition; readonly committed: Committed | undefined }[];
  readonly revoked: readonly { readonly partition: TopicPartition; readonly leaseValid: boolean }[];
  /** The latest lease of each partition of the first topic. */
  readonly leases: ReadonlyMap<number, Lease>;
  /** Partitions of the first topic whose lease is valid, in order. */
  holds(): readonly number[];
  /** `undefined` when the member ended well, else what it failed with. */
  readonly outcome: Promise<unknown>;
  /** Stops the member. Rejects with what it failed with. */
  stop(): Promise<void>;
}

export type RecorderOptions = Partial<Omit<GroupOptions, 'topics'>> & { readonly topics: readonly string[] };

export function newGroup(): string {
  return `group-${randomUUID()}`;
}

/** Joins with callbacks that record, and then call those of `options`. Callbacks may use `recorder.member` as soon as this resolves. */
export async function joinRecorder(log: Log, options: RecorderOptions): Promise<Recorder> {
  const received: Received[] = [];
  const assigned: { partition: TopicPartition; committed: Committed | undefined }[] = [];
  const revoked: { partition: TopicPartition; leaseValid: boolean }[] = [];
  const leases = new Map<number, Lease>();
  const member = await log.join({
    group: newGroup(),
    ...options,
    async assigned(partition, committed, lease) {
      assigned.push({ partition, committed });
      if (partition.topic === options.topics[0]) leases.set(partition.partition, lease);
      return await options.assigned?.(partition, committed, lease);
    },
    async batch(partition, records, lease) {
      received.push(...records.map((record) => receive(partition, record)));
      await options.batch?.(partition, records, lease);
    },
    async revoked(partition) {
      revoked.push({ partition, leaseValid: leases.get(partition.partition)?.valid() ?? false });
      await options.revoked?.(partition);
    },
  });
  const outcome = member.done.then(
    () => undefined,
    (error: unknown) => error,
  );
  const holds = () =>
    [...leases].flatMap(([partition, lease]) => (lease.valid() ? [partition] : [])).sort((a, b) => a - b);
  const stop = async () => {
    await member.stop();
    await member.done;
  };
  return { member, received, assigned, revoked, leases, holds, outcome, stop };
}

function receive({ topic }: TopicPartition, { partition, offset, value }: LogRecord): Received {
  return { topic, partition, offset, text: value?.toString() ?? null };
}

/** A door that what is behind it waits for. */
export interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

export function closedGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

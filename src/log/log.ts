/**
 * The durable, replayable logs between the stages: a port with two adapters, `kafka.ts` and `embedded.ts`, which pass one
 * contract suite (`test/conformance/log.ts`).
 *
 * A log has topics, a topic has partitions, a partition is an ordered sequence of records numbered by offset. Groups share a
 * topic's partitions between their members and remember a position for each.
 */
export interface Log {
  /** Creates the topics that do not exist. An existing topic with another partition count is a `LogError` (`partition-count`). */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;

  /**
   * Appends records and resolves once they are durable (Kafka: acks from all in-sync replicas, idempotent producer; embedded:
   * committed). Records of one call that go to one partition keep their order, and calls keep theirs. A rejected call may have
   * been applied in part: the caller repeats it or stops. Until the promise settles the caller leaves records and bytes alone.
   */
  append(topic: string, records: readonly NewRecord[]): Promise<void>;

  /** Joins a consumer group; see `GroupOptions`. Resolves when the member runs. */
  join(options: GroupOptions): Promise<Member>;

  /**
   * Reads one partition from `from` (or the earliest kept offset, if later) up to but not including `to` (default: the end at the
   * time of the call, and never beyond that), outside any group. Yields batches in order, never an empty one; compacted or deleted
   * offsets are simply absent.
   */
  read(topic: string, partition: number, range?: ReadRange): AsyncIterable<readonly LogRecord[]>;

  /** Earliest kept offset and end offset (that of the next record) of each partition, ordered by partition. */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>;

  /** What a group last committed for each partition of a topic; partitions never committed are absent. */
  committed(group: string, topic: string): Promise<ReadonlyMap<number, Committed>>;

  /** Names the topic's life: changes when a topic is deleted and made anew, whose offsets start again at 0. */
  incarnation(topic: string): Promise<string>;

  /** Stops the members that still run and waits for appends in hand. Every later call but `close` is a `LogError` (`closed`). */
  close(): Promise<void>;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitionCount: number;
  /** `delete`: records older than `retentionMs` may go. `compact`: at least the last record of each key stays. */
  readonly cleanup: 'delete' | 'compact';
  /** Only for `delete`. `-1`: for ever. Absent: the default of the log (embedded: for ever). */
  readonly retentionMs?: number;
}

export interface NewRecord {
  /** Decides the partition (`partitionOf`) unless `partition` is given. `null` needs an explicit partition. */
  readonly key: string | null;
  /** `null` is a tombstone: it deletes the key from a compacted topic. */
  readonly value: Uint8Array | null;
  readonly partition?: number;
}

export interface LogRecord {
  readonly partition: number;
  /** Below 2^53; a larger one is a `LogError`. */
  readonly offset: number;
  readonly key: string | null;
  /**
   * Valid only until the handler that was given it returns: an adapter may hand out a view of a larger buffer, and keeping it would
   * pin that buffer. Copy what is to be kept.
   */
  readonly value: Buffer | null;
  /** When the log took the record, ms since the epoch: the trusted time. */
  readonly appendedAt: number;
}

export interface PartitionOffsets {
  readonly partition: number;
  /** Moved by retention and deletion only: compaction takes nothing that a reader would miss. */
  readonly earliest: number;
  readonly end: number;
}

export interface ReadRange {
  readonly from?: number;
  readonly to?: number;
}

export interface Committed {
  /** Offset of the next record to handle. */
  readonly offset: number;
  /** Free text kept beside it, at most 4,096 bytes. */
  readonly metadata: string;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A member's half of the bargain. All callbacks for one partition are sequential; different partitions may overlap. */
export interface GroupOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * Called for each partition gained, before its first batch; restore state here. May take longer than the session time-out.
   * @returns the offset to start from; `undefined` starts at the committed one, or at the earliest if nothing was committed. One
   * beyond the end is fatal (`out-of-range`): it belongs to another log.
   */
  readonly assigned?: (
    partition: TopicPartition,
    committed: Committed | undefined,
    lease: Lease,
  ) => Promise<number | undefined>;
  /**
   * Records of one partition in offset order. Reading goes on when the promise resolves. A rejection is fatal, here and in the other
   * callbacks: all leases of the member become invalid, `revoked` is not called any more, and `done` rejects with the very error. So
   * catch the `not-owner` of a commit and return: it says that the partition was lost while the batch was in hand.
   */
  readonly batch: (partition: TopicPartition, records: readonly LogRecord[], lease: Lease) => Promise<void>;
  /**
   * The partition goes to somebody else, who waits for this to end, or the member is stopping: the lease is still valid, and commits work,
   * for about a session. Or the partition was lost: then the lease is invalid.
   */
  readonly revoked?: (partition: TopicPartition) => Promise<void>;
  /**
   * The position asked for is older than the earliest kept record: `fromOffset..toOffset - 1` are lost to this group. Never passed
   * over in silence: without this callback it is fatal (`out-of-range`). Reading goes on at `toOffset`.
   */
  readonly gap?: (partition: TopicPartition, fromOffset: number, toOffset: number) => void;
}

/** The right to act for a partition. Checked before every durable effect; once invalid it never becomes valid again. */
export interface Lease {
  valid(): boolean;
}

export interface Member {
  /**
   * Resolves after `stop()`. Rejects when the member can no longer make progress (the process should stop): with what a callback threw,
   * else with a `LogError`.
   */
  readonly done: Promise<void>;
  /**
   * Commits a position. Resolves once durable; rejects with `LogError` (`not-owner`) when the partition is no longer this member's.
   */
  commit(partition: TopicPartition, position: Committed): Promise<void>;
  /**
   * Waits for callbacks in hand, calls `revoked` for each partition (commits still work there), leaves the group. What fails meanwhile
   * is told by `done`. Do not await it in a callback.
   */
  stop(): Promise<void>;
}

export type LogErrorCode =
  | 'partition-count'
  | 'unknown-topic'
  | 'not-owner'
  | 'out-of-range'
  | 'too-large'
  | 'unavailable'
  | 'stalled'
  | 'locked'
  | 'storage'
  | 'full'
  | 'closed';

/** Everything a log refuses or fails at. `message` says what, where and how to mend it. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code: LogErrorCode;
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Runs what ends in a commit. A partition lost while its position was on the way is its new owner's affair.
 *
 * @returns whether the partition was still ours
 */
export async function ifOwned(task: () => Promise<void>): Promise<boolean> {
  try {
    await task();
    return true;
  } catch (cause) {
    if (cause instanceof LogError && cause.code === 'not-owner') return false;
    throw cause;
  }
}

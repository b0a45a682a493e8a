import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';
import { partitionOf } from '../domain/partition.ts';
import type { EmbeddedStore, Position } from './embedded-store.ts';
import { type Partition, type Topic, wake } from './embedded-topic.ts';
import { LogError, type NewRecord, type TopicPartition } from './log.ts';

/** Writes to the file of an embedded log; see `createWriter`. */
export interface Writer {
  /** @throws LogError `out-of-range`, `too-large`, `unavailable`, `storage`, `full`. */
  append(topic: Topic, records: readonly NewRecord[]): Promise<void>;
  /** `mayCommit` is asked when the position is written: what was queued by a former owner is refused with `not-owner`. */
  commit(position: Position, mayCommit: () => boolean): Promise<void>;
  /** Resolves when everything asked for so far was written or refused. */
  drained(): Promise<void>;
}

/** Largest record, key and value together. */
const RECORD_BYTES_MAX = 8 << 20;
/** One transaction blocks the event loop: so many records and bytes keep it to some milliseconds. */
const TRANSACTION_RECORDS_MAX = 1_000;
const TRANSACTION_BYTES_MAX = 2 << 20;
/**
 * Callers that do not wait for what they ask are stopped here. Calls are counted and not bytes: whoever waits holds its own bytes anyway, and the
 * checkpoints of all partitions at once, each of thousands of tokens, are few calls.
 */
const QUEUE_CALLS_MAX = 10_000;
const METADATA_BYTES_MAX = 4_096;

/** How long a writer waits on a full disk before it tries again. */
const ROOM_RETRY_MS = 1_000;

/** What a writer does when there is no room. */
export interface Patience {
  /** Waits until this aborts; then, and without one, it rejects with `full`. */
  readonly signal: AbortSignal;
  /** Told what it waits for at each attempt, and `null` when it goes on. */
  readonly onWaiting: (why: LogError | null) => void;
}

interface AppendTask extends PromiseWithResolvers<void> {
  readonly kind: 'append';
  readonly topic: Topic;
  readonly records: readonly NewRecord[];
  /** Records below it are written. */
  written: number;
}

interface CommitTask extends PromiseWithResolvers<void> {
  readonly kind: 'commit';
  readonly position: Position;
  readonly mayCommit: () => boolean;
  refused: boolean;
}

/**
 * Group commit: whatever is asked for within one turn of the event loop is written in one transaction, in the order it was asked for,
 * and so pays for one flush to the disk. A failed transaction rejects all that waits behind it too, which keeps the order; one for which there
 * is no room is tried again, if there is patience.
 */
export function createWriter(store: EmbeddedStore, clock: Clock, patience?: Patience): Writer {
  const queue: (AppendTask | CommitTask)[] = [];
  let draining: Promise<void> = Promise.resolve();

  function enqueue(task: AppendTask | CommitTask): Promise<void> {
    if (queue.length >= QUEUE_CALLS_MAX) {
      const message = `${QUEUE_CALLS_MAX} calls wait to be written to ${store.folder}. Await append() before the next call.`;
      return Promise.reject(new LogError('unavailable', message));
    }
    queue.push(task);
    if (queue.length === 1) draining = drain();
    return task.promise;
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      await nextTurn();
      const touched = new Set<Partition>();
      try {
        const writtenCount = await withRoom(clock, patience, () => write(store, queue, touched, clock));
        for (const task of queue.splice(0, writtenCount)) finish(task);
      } catch (error) {
        for (const task of queue.splice(0)) task.reject(error);
        continue;
      }
      for (const partition of touched) wake(partition);
    }
  }

  function finish(task: AppendTask | CommitTask): void {
    if (task.kind === 'commit' && task.refused)
      task.reject(
        notOwner(task.position.group, {
          topic: task.position.partition.topic,
          partition: task.position.partition.number,
        }),
      );
    else task.resolve();
  }

  return {
    async append(topic, records) {
      for (const record of records) checkRecord(topic, record);
      if (records.length === 0) return;
      await enqueue({ kind: 'append', topic, records, written: 0, ...Promise.withResolvers<void>() });
    },
    async commit(position, mayCommit) {
      checkPosition(position);
      await enqueue({
        kind: 'commit',
        position,
        mayCommit,
        refused: false,
        ...Promise.withResolvers<void>(),
      });
    },
    drained: () => draining,
  };
}

/** Does something until there is room for it. What failed has left nothing behind: SQLite writes over it. */
async function withRoom<T>(clock: Clock, patience: Patience | undefined, act: () => Promise<T>): Promise<T> {
  for (let waited = false; ; waited = true) {
    try {
      const result = await act();
      if (waited) patience?.onWaiting(null);
      return result;
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'full' || patience === undefined || patience.signal.aborted)
        throw error;
      patience.onWaiting(error);
    }
    await clock.sleep(ROOM_RETRY_MS, patience.signal);
  }
}

/** Writes from the head of the queue what fits into one transaction; if that fails, all is as it was. @returns the number of tasks completed */
async function write(
  store: EmbeddedStore,
  queue: readonly (AppendTask | CommitTask)[],
  touched: Set<Partition>,
  clock: Clock,
): Promise<number> {
  // Only the first can be written in part already.
  const [first] = queue;
  const firstWritten = first?.kind === 'append' ? first.written : 0;
  try {
    return await store.transaction(() => writeTasks(store, queue, touched, Math.floor(clock.now())));
  } catch (error) {
    touched.clear();
    for (const task of queue) if (task.kind === 'append') task.written = task === first ? firstWritten : 0;
    throw error;
  }
}

/** Within a transaction: writes from the head of the queue what fits into one. @returns the number of tasks completed. */
function writeTasks(
  store: EmbeddedStore,
  queue: readonly (AppendTask | CommitTask)[],
  touched: Set<Partition>,
  now: number,
): number {
  const budget = { recordCount: TRANSACTION_RECORDS_MAX, byteCount: TRANSACTION_BYTES_MAX };
  let completed = 0;
  for (const task of queue) {
    if (budget.recordCount <= 0 || budget.byteCount <= 0) break;
    if (task.kind === 'commit') {
      task.refused = !task.mayCommit();
      if (!task.refused) store.savePosition(task.position);
      budget.recordCount--;
    } else if (!writeRecords(store, task, touched, now, budget)) break;
    completed++;
  }
  for (const partition of touched) store.savePartition(partition);
  return completed;
}

/** @returns whether the task is completed. */
function writeRecords(
  store: EmbeddedStore,
  task: AppendTask,
  touched: Set<Partition>,
  now: number,
  budget: { recordCount: number; byteCount: number },
): boolean {
  const { topic, records } = task;
  while (task.written < records.length) {
    if (budget.recordCount <= 0 || budget.byteCount <= 0) return false;
    const record = records[task.written++] as NewRecord;
    const partition = choosePartition(topic, record);
    store.insert(partition, record.key, record.value, now);
    touched.add(partition);
    budget.recordCount--;
    budget.byteCount -= record.value?.byteLength ?? 0;
  }
  return true;
}

function choosePartition({ partitions }: Topic, { key, partition }: NewRecord): Partition {
  // Checked when the record was taken: it has a key or a partition that exists.
  return partitions[partition ?? partitionOf(key ?? '', partitions.length)] as Partition;
}

function checkRecord({ name, partitions }: Topic, { key, value, partition }: NewRecord): void {
  if (partition === undefined ? key === null : partitions[partition] === undefined) {
    throw new LogError(
      'out-of-range',
      `A record for "${name}" names partition ${partition}, of ${partitions.length}. Give it a key, or one from 0 to ${partitions.length - 1}.`,
    );
  }
  const byteCount = (value?.byteLength ?? 0) + (key === null ? 0 : Buffer.byteLength(key));
  if (byteCount <= RECORD_BYTES_MAX) return;
  throw new LogError(
    'too-large',
    `A record for "${name}" has ${byteCount} bytes; the log takes up to ${RECORD_BYTES_MAX}. Cut or drop it.`,
  );
}

function checkPosition({ group, partition, committed }: Position): void {
  const where = `Group "${group}" at ${partition.topic}/${partition.number}`;
  if (!Number.isSafeInteger(committed.offset) || committed.offset < 0 || committed.offset > partition.end) {
    throw new LogError(
      'out-of-range',
      `${where}: ${committed.offset} is not from 0 to the end, ${partition.end}. Commit the offset of the next record to handle.`,
    );
  }
  const byteCount = Buffer.byteLength(committed.metadata);
  if (byteCount <= METADATA_BYTES_MAX) return;
  throw new LogError('too-large', `${where}: ${byteCount} bytes of metadata; keep it to ${METADATA_BYTES_MAX}.`);
}

/** The refusal of a commit by a member that does not own the partition (any more). */
export function notOwner(group: string, { topic, partition }: TopicPartition): LogError {
  return new LogError(
    'not-owner',
    `This member of group "${group}" does not own ${topic}/${partition} (any more). ` +
      'Drop the work that belongs to it: its new owner starts at the last committed position.',
  );
}

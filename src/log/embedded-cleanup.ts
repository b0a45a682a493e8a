import type { EmbeddedStore } from './embedded-store.ts';
import type { Partition, Topic } from './embedded-topic.ts';
import type { Turns } from './embedded-turns.ts';

/** What cleaning works with. */
export interface CleanupContext {
  readonly store: EmbeddedStore;
  readonly turns: Turns;
  /** Ends a pass early, between two slices. */
  readonly signal: AbortSignal;
}

/** Records that one slice looks at: some milliseconds of a blocked event loop. */
const SLICE_RECORDS = 500;
/** Keys held in memory at a time. */
const SECTION_RECORDS = 100_000;
/** Below so many new records a partition is left alone; above, it is compacted when the new ones outnumber the old. */
const DIRTY_RECORDS_MIN = 1_000;
/** Tombstones stay so long, so that readers which lag learn of the deletion (Kafka's `delete.retention.ms`). */
const TOMBSTONE_MS = 24 * 3_600_000;

/**
 * Applies each topic's clean-up in slices, each a transaction of its own: a crash leaves a pass half done and nothing wrong.
 *
 * @param which `due`: compact only where it pays. `all`: everywhere.
 */
export async function cleanUp(context: CleanupContext, which: 'due' | 'all', now: number): Promise<void> {
  for (const topic of context.store.topics()) {
    for (const partition of topic.partitions) {
      if (topic.cleanup === 'delete') await expire(context, topic, partition, now);
      else if (which === 'all' || compactionDue(partition)) await compact(context, partition, now);
    }
  }
}

/** Drops the oldest records up to the first that is young enough; their pages are used again. */
async function expire(
  { store, turns, signal }: CleanupContext,
  topic: Topic,
  partition: Partition,
  now: number,
): Promise<void> {
  if (topic.retentionMs < 0) return;
  const cutoff = now - topic.retentionMs;
  const oldest = `SELECT appended_at FROM ${partition.table} ORDER BY position LIMIT 1`;
  const slice = `
    SELECT coalesce(min(iif(appended_at >= ?, position, NULL)), max(position) + 1) AS earliest
    FROM (SELECT position, appended_at FROM ${partition.table} ORDER BY position LIMIT ${SLICE_RECORDS})`;
  while (!signal.aborted && ((store.get(oldest)?.['appended_at'] as number | undefined) ?? cutoff) < cutoff) {
    await store.transaction(() => {
      partition.earliest = store.get(slice, cutoff)?.['earliest'] as number;
      store.run(`DELETE FROM ${partition.table} WHERE position < ?`, partition.earliest);
      store.savePartition(partition);
    });
    await turns();
  }
}

function compactionDue({ compactedTo, end, keptCount }: Partition): boolean {
  return end - compactedTo >= Math.max(DIRTY_RECORDS_MIN, keptCount);
}

/** Kafka's way: take the last offset of each key in a section of new records, then drop what is older from the start up to its end. */
async function compact(context: CleanupContext, partition: Partition, now: number): Promise<void> {
  const { store, signal } = context;
  store.run(
    'CREATE TEMP TABLE IF NOT EXISTS latest (key TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID',
  );
  const { end } = partition;
  while (!signal.aborted && partition.compactedTo < end) {
    const sectionEnd = await collectLatest(context, partition, end);
    const keptCount = await dropOlder(context, partition, sectionEnd, now - TOMBSTONE_MS);
    if (signal.aborted) return;
    await store.transaction(() => {
      partition.compactedTo = sectionEnd;
      partition.keptCount = keptCount;
      store.savePartition(partition);
    });
  }
  store.run('DELETE FROM temp.latest');
}

/** @returns the end of the section. */
async function collectLatest(
  { store, turns, signal }: CleanupContext,
  partition: Partition,
  end: number,
): Promise<number> {
  store.run('DELETE FROM temp.latest');
  const collect = `
    INSERT INTO temp.latest SELECT key, max(position) FROM ${partition.table}
    WHERE position BETWEEN ? AND ? AND key IS NOT NULL GROUP BY key
    ON CONFLICT (key) DO UPDATE SET position = excluded.position`;
  let from = partition.compactedTo;
  for (let seen = 0; seen < SECTION_RECORDS && !signal.aborted; ) {
    const slice = nextSlice(store, partition, from, end);
    if (slice === undefined) return end;
    store.run(collect, from, slice.last);
    from = slice.last + 1;
    seen += slice.count;
    await turns();
  }
  return from;
}

/** @returns the number of records kept before `to`. */
async function dropOlder(
  { store, turns, signal }: CleanupContext,
  partition: Partition,
  to: number,
  tombstoneCutoff: number,
): Promise<number> {
  const drop = `
    DELETE FROM ${partition.table} AS record WHERE position BETWEEN ? AND ? AND (
      position < (SELECT latest.position FROM temp.latest WHERE latest.key = record.key)
      OR (value IS NULL AND key IS NOT NULL AND appended_at < ?))`;
  let keptCount = 0;
  for (let from = 0; !signal.aborted; ) {
    const slice = nextSlice(store, partition, from, to);
    if (slice === undefined) break;
    const droppedCount = await store.transaction(() => store.run(drop, from, slice.last, tombstoneCutoff));
    keptCount += slice.count - droppedCount;
    from = slice.last + 1;
    await turns();
  }
  return keptCount;
}

function nextSlice(
  store: EmbeddedStore,
  { table }: Partition,
  from: number,
  to: number,
): { readonly last: number; readonly count: number } | undefined {
  const row = store.get(
    `SELECT max(position) AS last, count(*) AS count
     FROM (SELECT position FROM ${table} WHERE position >= ? AND position < ? ORDER BY position LIMIT ${SLICE_RECORDS})`,
    ...[from, to],
  );
  return row?.['count'] === 0 ? undefined : { last: row?.['last'] as number, count: row?.['count'] as number };
}

import type { StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { TopicSpec } from './log.ts';

/** A row of the file, by column. */
export type Row = ReturnType<StatementSync['all']>[number];

/** A topic as this process knows it; brought up to date by `EmbeddedStore.refresh`. */
export interface Topic {
  readonly id: number;
  readonly name: string;
  readonly incarnation: string;
  readonly partitions: readonly Partition[];
  cleanup: TopicSpec['cleanup'];
  /** -1: for ever. */
  retentionMs: number;
}

/** One partition; its records are in a table of their own, which keeps appends at the end of a B-tree and its pages full. */
export interface Partition {
  readonly topic: string;
  readonly topicId: number;
  readonly number: number;
  readonly table: string;
  /** Built once: they are looked up for every record. */
  readonly insertSql: string;
  readonly selectSql: string;
  earliest: number;
  end: number;
  /** Records below it are unique by key; `keptCount` of them. */
  compactedTo: number;
  keptCount: number;
  /** Mean size of the values last read: how many to ask for at a time. */
  recordBytes: number;
  /** Called once when records arrive. */
  readonly idle: Set<() => void>;
}

/** A partition as it is before it is loaded. */
export function newPartition(topic: string, row: Row): Partition {
  const topicId = row['topic_id'] as number;
  const number = row['partition'] as number;
  const table = tableName(topicId, number);
  return {
    topic,
    topicId,
    number,
    table,
    insertSql: `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`,
    selectSql: `SELECT position, appended_at, key, value, checksum FROM ${table} WHERE position >= ? AND position < ? ORDER BY position LIMIT ?`,
    earliest: 0,
    end: 0,
    compactedTo: 0,
    keptCount: 0,
    recordBytes: 1,
    idle: new Set(),
  };
}

/** Of all that is kept of a record: SQLite does not notice when a disk gives back other bytes than it was given. */
export function checksumOf(offset: number, appendedAt: number, key: string | null, value: Uint8Array | null): number {
  const place = (offset + appendedAt + (value === null ? 1 : 0)) >>> 0;
  const sum = key === null ? place : crc32(key, place);
  return value === null ? sum : crc32(value, sum);
}

/** Where the records of a partition are. */
export function tableName(topicId: number, partition: number): string {
  return `records_${topicId}_${partition}`;
}

/** Takes over what is stored of a partition, and wakes whoever waits if there are new records. */
export function loadPartition(partition: Partition, row: Row): void {
  partition.earliest = row['earliest'] as number;
  partition.compactedTo = row['compacted_to'] as number;
  partition.keptCount = row['kept_count'] as number;
  const end = row['next_offset'] as number;
  const grew = end > partition.end;
  partition.end = end;
  if (grew) wake(partition);
}

/** Tells whoever waits for records of a partition that there are some. */
export function wake(partition: Partition): void {
  const waiting = [...partition.idle];
  partition.idle.clear();
  for (const call of waiting) call();
}

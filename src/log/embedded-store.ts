import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Clock } from '../domain/clock.ts';
import { type Access, explain, isBusy, type LogFile, openLogFile } from './embedded-file.ts';
import {
  checksumOf,
  loadPartition,
  newPartition,
  type Partition,
  type Row,
  type Topic,
  tableName,
} from './embedded-topic.ts';
import { type Committed, LogError, type LogRecord, type TopicSpec } from './log.ts';

/** A position of a group, to be written. */
export interface Position {
  readonly group: string;
  readonly partition: Partition;
  readonly committed: Committed;
}

/** One batch is at most so many records, and ends with the record that brings it to so many bytes. */
const BATCH_RECORDS_MAX = 2_000;
const BATCH_BYTES_MAX = 4 << 20;
const CHUNK_RECORDS_MAX = 64;
const PARTITIONS_MAX = 1_024;
const RETRY_MS = 5;
/** A writer that holds the file longer than this is stuck. */
const BUSY_MAX_MS = 30_000;

type RecordRow = readonly [
  offset: number,
  appendedAt: number,
  key: string | null,
  value: Uint8Array | null,
  /** `null`: written before there were any. */
  checksum: number | null,
];

/**
 * The file of an embedded log: topics, records and positions. All calls but `transaction` are synchronous and short. What it keeps in
 * memory is checked against the file's version before use, since other processes append to it too.
 */
export class EmbeddedStore {
  readonly #file: LogFile;
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #topics = new Map<string, Topic>();
  readonly #statements = new Map<string, StatementSync>();
  readonly folder: string;
  /** Of a transaction that was in hand when a former process stopped. */
  readonly tornBytes: number;
  #version = -1;
  #closed = false;

  /** @throws LogError `locked` or `storage`, see `openLogFile`. */
  constructor(folder: string, access: Access, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
    this.#file = openLogFile(folder, access);
    this.#database = this.#file.database;
    this.tornBytes = this.#file.tornBytes;
  }

  close(): void {
    this.#closed = true;
    this.#database.close();
    this.#file.unlock();
  }

  /**
   * Runs a synchronous body in one durable transaction. While another process writes, it waits without blocking.
   *
   * @throws LogError `unavailable` when that takes too long, `storage` or `full` when the file refuses; nothing of the body was done then.
   */
  async transaction<T>(body: () => T): Promise<T> {
    const giveUpAt = this.#clock.elapsed() + BUSY_MAX_MS;
    while (!this.#begin(giveUpAt)) await this.#clock.sleep(RETRY_MS);
    try {
      this.refresh();
      const result = body();
      this.run('COMMIT');
      return result;
    } catch (error) {
      // What the body changed in memory was not written: read it again before the next use.
      this.#version = -1;
      if (this.#database.isTransaction) this.run('ROLLBACK');
      throw explain(error, this.folder);
    }
  }

  #begin(giveUpAt: number): boolean {
    try {
      this.#prepared('BEGIN IMMEDIATE').run();
      return true;
    } catch (error) {
      if (isBusy(error) && this.#clock.elapsed() < giveUpAt) return false;
      throw explain(error, this.folder);
    }
  }

  /** Learns what other processes wrote since the last call, and wakes whoever waits for it. */
  refresh(): void {
    const version = this.get('PRAGMA data_version')?.['data_version'] as number;
    if (version === this.#version) return;
    for (const row of this.#all('SELECT id, topic, cleanup, retention_ms, incarnation FROM topics'))
      this.#loadTopic(row);
    this.#version = version;
  }

  #loadTopic(row: Row): void {
    const name = row['topic'] as string;
    const partitions = this.#all('SELECT * FROM partitions WHERE topic_id = ? ORDER BY partition', row['id'] as number);
    const topic = this.#topics.get(name) ?? {
      id: row['id'] as number,
      name,
      incarnation: row['incarnation'] as string,
      partitions: partitions.map((partition) => newPartition(name, partition)),
      cleanup: 'delete',
      retentionMs: -1,
    };
    topic.cleanup = row['cleanup'] as TopicSpec['cleanup'];
    topic.retentionMs = row['retention_ms'] as number;
    topic.partitions.forEach((partition, number) => {
      const stored = partitions[number];
      if (stored === undefined)
        throw new LogError('storage', `${this.folder}: ${name}/${number} lost its entry. Restore a copy.`);
      loadPartition(partition, stored);
    });
    this.#topics.set(name, topic);
  }

  /** @throws LogError `unknown-topic`. */
  topic(name: string): Topic {
    this.refresh();
    const topic = this.#topics.get(name);
    if (topic !== undefined) return topic;
    throw new LogError(
      'unknown-topic',
      `The log in ${this.folder} has no topic "${name}". Create it with ensureTopics first.`,
    );
  }

  topics(): readonly Topic[] {
    this.refresh();
    return [...this.#topics.values()];
  }

  /**
   * Creates topics, and gives existing ones the clean-up asked for.
   *
   * @throws LogError `partition-count`; nothing was done then.
   */
  async ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.transaction(() => {
      for (const spec of specs) this.#ensureTopic(spec);
      // This connection's own changes do not show in the file's version.
      this.#version = -1;
    });
  }

  #ensureTopic({ topic: name, partitionCount, cleanup, retentionMs = -1 }: TopicSpec): void {
    const counted = this.get(
      'SELECT count(*) AS count FROM partitions JOIN topics ON id = topic_id WHERE topic = ?',
      name,
    );
    const count = counted?.['count'] as number;
    if (count > 0 && count !== partitionCount) {
      throw new LogError(
        'partition-count',
        `Topic "${name}" in ${this.folder} has ${count} partitions, and ${partitionCount} were asked for. ` +
          'Keys would move to other partitions: keep the count, or use another topic or data folder.',
      );
    }
    if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > PARTITIONS_MAX) {
      throw new LogError(
        'partition-count',
        `Topic "${name}": ${partitionCount} partitions; give it 1 to ${PARTITIONS_MAX}.`,
      );
    }
    if (count === 0) this.#createTopic(name, partitionCount);
    this.run('UPDATE topics SET cleanup = ?, retention_ms = ? WHERE topic = ?', cleanup, retentionMs, name);
  }

  #createTopic(name: string, partitionCount: number): void {
    this.run(
      `INSERT INTO topics (topic, cleanup, retention_ms, incarnation) VALUES (?, 'delete', -1, ?)`,
      name,
      randomUUID(),
    );
    const id = this.get('SELECT id FROM topics WHERE topic = ?', name)?.['id'] as number;
    for (let partition = 0; partition < partitionCount; partition++) {
      this.run('INSERT INTO partitions VALUES (?, ?, 0, 0, 0, 0)', id, partition);
      this.#database.exec(
        `CREATE TABLE ${tableName(id, partition)}
         (position INTEGER PRIMARY KEY, appended_at INTEGER NOT NULL, key TEXT, value BLOB, checksum INTEGER) STRICT`,
      );
    }
  }

  /** Within a transaction; `savePartition` follows. */
  insert(partition: Partition, key: string | null, value: Uint8Array | null, appendedAt: number): void {
    const offset = partition.end++;
    const checksum = checksumOf(offset, appendedAt, key, value);
    this.#prepared(partition.insertSql).run(offset, appendedAt, key, value, checksum);
  }

  /** Within a transaction. */
  savePartition({ topicId, number, earliest, end, compactedTo, keptCount }: Partition): void {
    this.run(
      'UPDATE partitions SET earliest = ?, next_offset = ?, compacted_to = ?, kept_count = ? WHERE topic_id = ? AND partition = ?',
      ...[earliest, end, compactedTo, keptCount, topicId, number],
    );
  }

  /** The next batch of `from..to - 1`; empty when nothing is left of that range. */
  read(partition: Partition, from: number, to: number): readonly LogRecord[] {
    const records: LogRecord[] = [];
    let byteCount = 0;
    let next = from;
    while (records.length < BATCH_RECORDS_MAX) {
      const expected = Math.floor((BATCH_BYTES_MAX - byteCount) / partition.recordBytes);
      const limit = Math.min(Math.max(expected, 1), CHUNK_RECORDS_MAX, BATCH_RECORDS_MAX - records.length);
      const rows = this.#rows(partition, next, to, limit);
      const before = { recordCount: records.length, byteCount };
      for (const [offset, appendedAt, key, bytes, checksum] of rows) {
        if (checksum !== null && checksum !== checksumOf(offset, appendedAt, key, bytes))
          throw this.#damaged(partition, offset);
        const value = bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        records.push({ partition: partition.number, offset, key, value, appendedAt });
        byteCount += value?.length ?? 0;
        next = offset + 1;
        if (byteCount >= BATCH_BYTES_MAX) break;
      }
      const taken = records.length - before.recordCount;
      if (taken > 0) partition.recordBytes = Math.max(1, (byteCount - before.byteCount) / taken);
      if (rows.length < limit || byteCount >= BATCH_BYTES_MAX) break;
    }
    return records;
  }

  #damaged({ topic, number }: Partition, offset: number): LogError {
    const what = `Record ${offset} of ${topic}/${number} in ${this.folder} is not as it was written: the disk has damaged it`;
    return new LogError(
      'storage',
      `${what}. Restore the folder from a copy, or move it away to start with an empty log.`,
    );
  }

  /** A whole chunk at a time is a third faster than row by row, and small enough to keep the batch's size in hand. */
  #rows({ selectSql }: Partition, from: number, to: number, limit: number): readonly RecordRow[] {
    try {
      // The statement returns arrays, which the types of node:sqlite do not follow.
      return this.#prepared(selectSql, true).all(from, to, limit) as unknown as readonly RecordRow[];
    } catch (error) {
      throw explain(error, this.folder);
    }
  }

  committed(group: string, { topicId }: Pick<Partition, 'topicId'>): Map<number, Committed> {
    const rows = this.#all(
      'SELECT partition, position, metadata FROM positions WHERE group_name = ? AND topic_id = ?',
      ...[group, topicId],
    );
    return new Map(
      rows.map((row) => [
        row['partition'] as number,
        { offset: row['position'] as number, metadata: row['metadata'] as string },
      ]),
    );
  }

  /** Within a transaction. */
  savePosition({ group, partition, committed }: Position): void {
    this.run(
      'INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)',
      ...[group, partition.topicId, partition.number, committed.offset, committed.metadata],
    );
  }

  /** Runs a statement. @returns the number of rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    try {
      return Number(this.#prepared(sql).run(...values).changes);
    } catch (error) {
      throw explain(error, this.folder);
    }
  }

  /** First row of a query. */
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    try {
      return this.#prepared(sql).get(...values);
    } catch (error) {
      throw explain(error, this.folder);
    }
  }

  #all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    try {
      return this.#prepared(sql).all(...values);
    } catch (error) {
      throw explain(error, this.folder);
    }
  }

  /** Statements are few: a handful for each partition. */
  #prepared(sql: string, returnArrays = false): StatementSync {
    if (this.#closed) throw closedError(this.folder);
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql, { returnArrays });
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Every call on a closed log ends in it. */
export function closedError(folder: string): LogError {
  return new LogError('closed', `The log in ${folder} is closed. Open it again.`);
}

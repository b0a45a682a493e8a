import { partitionOf } from '../../src/domain/partition.ts';
import {
  type Committed,
  LogError,
  type LogRecord,
  type NewRecord,
  type TopicPartition,
  type TopicSpec,
} from '../../src/log/log.ts';

/** What happened to the logs, in the order in which it took effect: what the invariants are checked against. */
export type JournalEntry =
  | { readonly kind: 'append'; readonly topic: string; readonly record: LogRecord; readonly by: string | null }
  | {
      readonly kind: 'commit';
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly committed: Committed;
    };

/** Records that were deleted before a group had read them. */
export interface Gap {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: number;
  readonly toOffset: number;
}

export interface SimPartition {
  /** In order of offset; compaction leaves holes. */
  records: LogRecord[];
  earliest: number;
  end: number;
}

/** The truth of the simulated logs: what is durable. Processes reach it over their `SimLog` only, late or never. */
export class Broker {
  readonly journal: JournalEntry[] = [];
  readonly gaps: Gap[] = [];
  /** What retention took while a group had no position yet: it was never this group's to read. */
  readonly neverSeen: Gap[] = [];
  readonly #topics = new Map<string, { readonly spec: TopicSpec; readonly partitions: readonly SimPartition[] }>();
  readonly #committed = new Map<string, Committed>();
  readonly #startAt: number;
  readonly #elapsed: () => number;
  readonly #listeners: ((topic: string, partition: number) => void)[] = [];

  constructor(startAt: number, elapsed: () => number) {
    this.#startAt = startAt;
    this.#elapsed = elapsed;
  }

  /** @param firstOffset where each partition begins, as if retention had taken what came before */
  createTopic(spec: TopicSpec, firstOffset: (partition: number) => number = () => 0): void {
    const known = this.#topics.get(spec.topic);
    if (known && known.partitions.length !== spec.partitionCount) {
      throw new LogError('partition-count', `${spec.topic} has ${known.partitions.length} partitions`);
    }
    if (known) return;
    const partitions = Array.from({ length: spec.partitionCount }, (_, i) => {
      return { records: [], earliest: firstOffset(i), end: firstOffset(i) };
    });
    this.#topics.set(spec.topic, { spec, partitions });
  }

  partitions(topic: string): readonly SimPartition[] {
    const found = this.#topics.get(topic);
    if (found === undefined) throw new LogError('unknown-topic', `no topic ${topic}`);
    return found.partitions;
  }

  partition(topic: string, partition: number): SimPartition {
    return this.partitions(topic)[partition] as SimPartition;
  }

  /** The partition a record belongs to. */
  place(topic: string, { key, partition }: NewRecord): number {
    return partition ?? partitionOf(key ?? '', this.partitions(topic).length);
  }

  /** Makes records of one partition durable. @param by name of the process */
  append(topic: string, partition: number, records: readonly NewRecord[], by: string | null): void {
    const target = this.partition(topic, partition);
    const appendedAt = this.#startAt + this.#elapsed();
    for (const { key, value } of records) {
      const record = { partition, offset: target.end++, key, value: value && Buffer.from(value), appendedAt };
      target.records.push(record);
      this.journal.push({ kind: 'append', topic, record, by });
    }
    for (const listener of this.#listeners) listener(topic, partition);
  }

  /** Calls back whenever something was appended. */
  listen(listener: (topic: string, partition: number) => void): void {
    this.#listeners.push(listener);
  }

  commit(group: string, topic: string, partition: number, committed: Committed): void {
    this.#committed.set(`${group}/${topic}/${partition}`, committed);
    this.journal.push({ kind: 'commit', group, topic, partition, committed });
  }

  committed(group: string, topic: string, partition: number): Committed | undefined {
    return this.#committed.get(`${group}/${topic}/${partition}`);
  }

  /** Drops what a later record of the same key replaces. Records younger than `lagMs` neither go nor make others go. */
  compact(lagMs: number): void {
    const before = this.#startAt + this.#elapsed() - lagMs;
    for (const { spec, partitions } of this.#topics.values()) {
      if (spec.cleanup !== 'compact') continue;
      for (const partition of partitions) {
        const old = partition.records.filter(({ appendedAt }) => appendedAt < before);
        const latest = new Map(old.map(({ key, offset }) => [key, offset]));
        partition.records = partition.records.filter(
          ({ key, offset, appendedAt }) => appendedAt >= before || latest.get(key) === offset,
        );
      }
    }
  }

  /** Retention: records older than that are gone, read or not. */
  deleteOlder(topic: string, keptMs: number): void {
    const before = this.#startAt + this.#elapsed() - keptMs;
    for (const partition of this.partitions(topic)) {
      const kept = partition.records.findIndex(({ appendedAt }) => appendedAt >= before);
      const first = kept === -1 ? partition.end : (partition.records[kept] as LogRecord).offset;
      if (first === partition.earliest) continue;
      partition.earliest = first;
      partition.records = kept === -1 ? [] : partition.records.slice(kept);
    }
  }

  /** Everything that was ever appended to a topic, whatever has become of it, in order. */
  *appended(topic: string): Generator<LogRecord> {
    for (const entry of this.journal) if (entry.kind === 'append' && entry.topic === topic) yield entry.record;
  }

  /** Notes that a group was sent on, since what it was to read is gone. */
  noteGap(gap: Gap): void {
    this.gaps.push(gap);
  }

  /** Notes that a group without a position begins with what is kept. */
  noteBeginning(group: string, { topic, partition }: TopicPartition): void {
    const { earliest } = this.partition(topic, partition);
    this.neverSeen.push({ group, topic, partition, fromOffset: 0, toOffset: earliest });
  }

  /** Records at or after an offset, at most so many. */
  read(topic: string, partition: number, from: number, count: number): readonly LogRecord[] {
    const { records } = this.partition(topic, partition);
    let index = records.length;
    if (from <= (records[0]?.offset ?? 0)) index = 0;
    else while (index > 0 && (records[index - 1] as LogRecord).offset >= from) index--;
    return records.slice(index, index + count);
  }
}

/** Names a simulated topic's only life. */
export function incarnationOf(topic: string): string {
  return `life-1-of-${topic}`;
}

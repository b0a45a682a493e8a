import type { Clock } from '../domain/clock.ts';
import {
  type Committed,
  ifOwned,
  type Lease,
  type Log,
  type LogRecord,
  type Member,
  type TopicPartition,
} from '../log/log.ts';
import { createSerial, type Serial } from './serial.ts';
import type { Stage } from './stage.ts';
import { GROUPS } from './topics.ts';

/**
 * Where the archive puts one topic's records. Inserting the same range under the same token again changes nothing.
 *
 * Rejects with an error whose `retryable` is true when the store is away or its answer unknown; with any other when the rows themselves
 * are refused, which no repetition mends.
 */
export interface ArchiveSink {
  readonly topic: string;
  /** Offsets of the topic follow one another, as where nothing is compacted: one that is not there is missing. */
  readonly isDense: boolean;
  insert(records: readonly LogRecord[], deduplicationToken: string): Promise<Inserted>;
}

/** What became of the records of one insert, so that each can be accounted for. */
export interface Inserted {
  readonly archivedCount: number;
  /** Records that are not for the store, by the rule that says so. */
  readonly leftOut: ReadonlyMap<string, number>;
}

export interface ArchiveOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly sinks: readonly ArchiveSink[];
  /** A batch is inserted when it is this old … */
  readonly flushIntervalMs: number;
  /** … or this long … */
  readonly batchRecordsMax: number;
  /** … or this large. */
  readonly batchBytesMax: number;
  readonly onWarning: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export interface ArchiveCounts {
  /** By topic and partition. */
  readonly partitions: Map<string, ArchivedPartition>;
}

/** What this process has archived of a partition: consumed = archived + left out, or records are missing. */
export interface ArchivedPartition extends TopicPartition {
  /** Where the next insert should begin; `undefined`: wherever it does. */
  next: number | undefined;
  /** When the log took the last record consumed. */
  loggedAt: number;
  /** Where the first insert since the partition was taken over began; `undefined`: there was none. */
  begin: { readonly next: number; readonly loggedAt: number; readonly archived: number } | undefined;
  /** Offsets that inserts have covered. */
  consumed: number;
  archived: number;
  /** By rule. */
  readonly leftOut: Map<string, number>;
  /** Deleted by retention before they were read, or, with all of their range, before it was known whether they had been inserted: nobody can account for them. */
  deleted: number;
  /** Those of them that no insert has gone past yet. */
  gaps: { readonly from: number; readonly to: number }[];
}

/** Records of a partition that are neither archived nor left out by a rule. Never 0 in silence. */
export function restOf({ consumed, archived, leftOut }: ArchivedPartition): number {
  let rest = consumed - archived;
  for (const count of leftOut.values()) rest -= count;
  return rest;
}

interface Owned {
  readonly topicPartition: TopicPartition;
  readonly sink: ArchiveSink;
  readonly lease: Lease;
  /** Given up: what the store has not taken by then is not tried again. */
  readonly release: () => void;
  /** Aborted then, and when the stage stops. */
  readonly released: AbortSignal;
  readonly serial: Serial;
  pending: LogRecord[];
  pendingBytes: number;
  pendingSince: number;
  /** An announced insert was left undone: the next owner's first task, so nothing may be announced over it. */
  halted: boolean;
  /** Where a predecessor's announced insert ended, until a commit says so. */
  repeatedTo: number | undefined;
}

const RETRY_MS = [200, 500, 1000, 2000, 5000] as const;
/** Names a range in the commit's metadata: an insert that may or may not have happened. */
const INTENT = /^insert (\d+)-(\d+) (\S+)$/;

/** A running archive. */
interface Context {
  readonly options: ArchiveOptions;
  readonly counts: ArchiveCounts;
  readonly owned: Map<string, Owned>;
  /** By topic. */
  readonly incarnations: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

/**
 * Copies the logs to the store, each record once. A range is announced in the commit's metadata before it is inserted under a token that names
 * it; whoever finds such an announcement inserts exactly that range again, under the same token, and the store drops what it has.
 */
export async function startArchive(options: ArchiveOptions): Promise<Stage & { readonly counts: ArchiveCounts }> {
  const { log, onWarning } = options;
  const topics = options.sinks.map(({ topic }) => topic);
  const stopping = new AbortController();
  const incarnations = new Map<string, string>();
  for (const topic of topics) incarnations.set(topic, await log.incarnation(topic));
  const counts: ArchiveCounts = { partitions: new Map() };
  const context: Context = { options, counts, owned: new Map(), incarnations, signal: stopping.signal };
  const joining: Promise<Member> = log.join({
    group: GROUPS.archive,
    topics,
    assigned: (topicPartition, committed, lease) => take(context, topicPartition, committed, lease),
    batch: async (topicPartition, records) => {
      const part = context.owned.get(keyOf(topicPartition));
      if (part === undefined) return;
      keep(part, records, options.clock);
      if (isLarge(options, part) || isOld(options, part)) await flush(context, part, await joining);
    },
    revoked: async (topicPartition) => {
      const part = context.owned.get(keyOf(topicPartition));
      context.owned.delete(keyOf(topicPartition));
      if (part === undefined) return;
      // A store that is away must not hold up a handing over: whoever goes on reads again what is pending. What is on its way ends first, since
      // its commit would come after the next owner's.
      part.release();
      await (stopping.signal.aborted ? flush(context, part, await joining) : part.serial(async () => undefined));
    },
    gap: (topicPartition, fromOffset, toOffset) => {
      onWarning('records were deleted before they were archived', { ...topicPartition, fromOffset, toOffset });
      const counted = countsOf(context, topicPartition);
      counted.deleted += toOffset - fromOffset;
      counted.gaps.push({ from: fromOffset, to: toOffset });
    },
  });
  const member = await joining;
  const ticking = tick(context, member);
  const done = Promise.race([member.done, ticking.then(() => member.done)]);
  done.catch(() => stopping.abort());
  return {
    name: 'archive',
    done,
    counts,
    stop: async () => {
      stopping.abort();
      await ticking;
      await member.stop();
    },
  };
}

/** Takes a partition over. @returns where to go on */
async function take(
  context: Context,
  topicPartition: TopicPartition,
  committed: Committed | undefined,
  lease: Lease,
): Promise<number | undefined> {
  const { options, owned, signal } = context;
  const counted = countsOf(context, topicPartition);
  counted.next = committed?.offset;
  counted.begin = undefined;
  counted.gaps = [];
  const sink = options.sinks.find(({ topic }) => topic === topicPartition.topic);
  if (sink === undefined) throw new Error(`no sink for ${topicPartition.topic}`);
  const empty = { pending: [], pendingBytes: 0, pendingSince: 0, halted: false, repeatedTo: undefined };
  const releasing = new AbortController();
  const released = AbortSignal.any([signal, releasing.signal]);
  const release = () => releasing.abort();
  const part: Owned = { topicPartition, sink, lease, release, released, serial: createSerial(), ...empty };
  owned.set(keyOf(topicPartition), part);
  const [, first, last, token] = INTENT.exec(committed?.metadata ?? '') ?? [];
  if (first === undefined || last === undefined || token === undefined) return undefined;
  const range = { from: Number(first), to: Number(last) + 1 };
  part.halted = !(await repeatInsert(context, part, range, token));
  if (part.halted) return undefined;
  counted.next = range.to;
  part.repeatedTo = range.to;
  part.pendingSince = options.clock.elapsed();
  return range.to;
}

function keep(part: Owned, records: readonly LogRecord[], clock: Clock): void {
  if (part.pending.length === 0) part.pendingSince = clock.elapsed();
  for (const record of records) {
    part.pending.push(copyOf(record));
    part.pendingBytes += record.value?.length ?? 0;
  }
}

/** Values may be views of the log's buffers, which must not be kept. */
function copyOf(record: LogRecord): LogRecord {
  return { ...record, value: record.value && Buffer.from(record.value) };
}

/** Inserts what has become old although nothing more comes. */
async function tick(context: Context, member: Member): Promise<void> {
  const { options, owned, signal } = context;
  while (!signal.aborted) {
    await options.clock.sleep(options.flushIntervalMs / 4, signal);
    if (signal.aborted) return;
    const old = [...owned.values()].filter((part) => isOld(options, part));
    await Promise.all(old.map((part) => flush(context, part, member)));
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function isLarge({ batchRecordsMax, batchBytesMax }: ArchiveOptions, part: Owned): boolean {
  return part.pending.length >= batchRecordsMax || part.pendingBytes >= batchBytesMax;
}

function isOld({ clock, flushIntervalMs }: ArchiveOptions, part: Owned): boolean {
  const hasNews = part.pending.length > 0 || part.repeatedTo !== undefined;
  return hasNews && clock.elapsed() - part.pendingSince >= flushIntervalMs;
}

function flush(context: Context, part: Owned, member: Member): Promise<void> {
  return part.serial(() => flushPending(context, part, member));
}

async function flushPending(context: Context, part: Owned, member: Member): Promise<void> {
  const { topicPartition, pending: records, repeatedTo } = part;
  if (part.halted || !part.lease.valid()) return;
  // What comes while this is inserted is the next batch.
  part.pending = [];
  part.pendingBytes = 0;
  part.repeatedTo = undefined;
  await ifOwned(async () => {
    if (records.length > 0) part.halted = !(await insertAnnounced(context, part, records, member));
    else if (repeatedTo !== undefined) await member.commit(topicPartition, { offset: repeatedTo, metadata: '' });
  });
}

/** @returns `false` when it was stopped before the store took them */
async function insertAnnounced(
  context: Context,
  part: Owned,
  records: readonly LogRecord[],
  member: Member,
): Promise<boolean> {
  const { options, incarnations } = context;
  const { topicPartition, sink } = part;
  const { topic, partition } = topicPartition;
  const first = records[0]?.offset ?? 0;
  const last = records.at(-1)?.offset ?? first;
  const token = `${incarnations.get(topic)}/${topic}/${partition}/${first}-${last}`;
  await member.commit(topicPartition, { offset: first, metadata: `insert ${first}-${last} ${token}` });
  const inserted = await insertUntilTaken(options, part, records, token);
  if (inserted === undefined) return false;
  await member.commit(topicPartition, { offset: last + 1, metadata: '' });
  account(context, { ...topicPartition, isDense: sink.isDense }, records, inserted);
  return true;
}

/** Counts from what is committed: what was inserted and not committed is inserted and counted by the next owner. */
function account(
  context: Context,
  { isDense, ...topicPartition }: TopicPartition & Pick<ArchiveSink, 'isDense'>,
  records: readonly LogRecord[],
  { archivedCount, leftOut }: Inserted,
): void {
  const first = records[0]?.offset ?? 0;
  const next = (records.at(-1)?.offset ?? first) + 1;
  const counted = countsOf(context, topicPartition);
  counted.begin ??= { next: first, loggedAt: records[0]?.appendedAt ?? 0, archived: counted.archived };
  let passedOver = 0;
  for (const { from, to } of counted.gaps) if (to <= next) passedOver += to - from;
  counted.gaps = counted.gaps.filter(({ to }) => to > next);
  counted.consumed += isDense ? next - (counted.next ?? first) - passedOver : records.length;
  counted.next = next;
  counted.loggedAt = records.at(-1)?.appendedAt ?? counted.loggedAt;
  counted.archived += archivedCount;
  for (const [rule, count] of leftOut) counted.leftOut.set(rule, (counted.leftOut.get(rule) ?? 0) + count);
}

function countsOf({ counts }: Context, topicPartition: TopicPartition): ArchivedPartition {
  const key = keyOf(topicPartition);
  const known = counts.partitions.get(key);
  if (known) return known;
  const { topic, partition } = topicPartition;
  const none = { begin: undefined, consumed: 0, archived: 0, leftOut: new Map(), deleted: 0, gaps: [] };
  const fresh: ArchivedPartition = { topic, partition, next: undefined, loggedAt: 0, ...none };
  counts.partitions.set(key, fresh);
  return fresh;
}

/**
 * Repeats while the store is away: reading stops meanwhile, so nothing piles up here; the log keeps what comes.
 *
 * @returns `undefined` when it was stopped, or the partition lost, before the store took them
 */
async function insertUntilTaken(
  { clock, onWarning }: ArchiveOptions,
  { sink, lease, released }: Owned,
  records: readonly LogRecord[],
  token: string,
): Promise<Inserted | undefined> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await sink.insert(records, token);
    } catch (cause) {
      if (!isRetryable(cause)) throw cause;
      // A partition that is somebody else's by now is not told to be given up before this ends.
      if (released.aborted || !lease.valid()) return undefined;
      if (attempt === 0)
        onWarning('the store does not take inserts; archiving waits', { topic: sink.topic, cause: messageOf(cause) });
      await clock.sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 5000, released);
    }
  }
}

/** @returns `false` when it was stopped before the store took them */
async function repeatInsert(
  context: Context,
  part: Owned,
  { from, to }: { readonly from: number; readonly to: number },
  token: string,
): Promise<boolean> {
  const { log, onWarning } = context.options;
  const { topicPartition } = part;
  const { topic, partition } = topicPartition;
  const records: LogRecord[] = [];
  for await (const batch of log.read(topic, partition, { from, to })) records.push(...batch.map(copyOf));
  const earliest = (await log.offsets(topic)).find((kept) => kept.partition === partition)?.earliest ?? 0;
  if (earliest > from) {
    // A part of the range would not be known as what it is, and could stand there twice.
    onWarning('records were deleted before it was known whether they are archived: they may be missing', {
      topic,
      partition,
      fromOffset: from,
      toOffset: to,
    });
    countsOf(context, topicPartition).deleted += to - from;
    return true;
  }
  return records.length === 0 || (await insertUntilTaken(context.options, part, records, token)) !== undefined;
}

function isRetryable(cause: unknown): boolean {
  return cause instanceof Error && 'retryable' in cause && cause.retryable === true;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

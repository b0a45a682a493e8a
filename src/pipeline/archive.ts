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
  insert(records: readonly LogRecord[], deduplicationToken: string): Promise<void>;
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
  /** Records inserted since the start, by topic. */
  readonly archived: Map<string, number>;
}

interface Owned {
  readonly topicPartition: TopicPartition;
  readonly sink: ArchiveSink;
  readonly lease: Lease;
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
  const counts: ArchiveCounts = { archived: new Map() };
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
      if (part) await flush(context, part, await joining);
    },
    gap: ({ topic, partition }, fromOffset, toOffset) =>
      onWarning('records were deleted before they were archived', { topic, partition, fromOffset, toOffset }),
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
  { options, owned, signal }: Context,
  topicPartition: TopicPartition,
  committed: Committed | undefined,
  lease: Lease,
): Promise<number | undefined> {
  const sink = options.sinks.find(({ topic }) => topic === topicPartition.topic);
  if (sink === undefined) throw new Error(`no sink for ${topicPartition.topic}`);
  const empty = { pending: [], pendingBytes: 0, pendingSince: 0, halted: false, repeatedTo: undefined };
  const part: Owned = { topicPartition, sink, lease, serial: createSerial(), ...empty };
  owned.set(keyOf(topicPartition), part);
  const [, first, last, token] = INTENT.exec(committed?.metadata ?? '') ?? [];
  if (first === undefined || last === undefined || token === undefined) return undefined;
  const range = { from: Number(first), to: Number(last) + 1 };
  part.halted = !(await repeatInsert(options, sink, topicPartition, range, token, signal));
  if (part.halted) return undefined;
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
  { options, counts, incarnations, signal }: Context,
  { topicPartition, sink }: Owned,
  records: readonly LogRecord[],
  member: Member,
): Promise<boolean> {
  const { topic, partition } = topicPartition;
  const first = records[0]?.offset ?? 0;
  const last = records.at(-1)?.offset ?? first;
  const token = `${incarnations.get(topic)}/${topic}/${partition}/${first}-${last}`;
  await member.commit(topicPartition, { offset: first, metadata: `insert ${first}-${last} ${token}` });
  if (!(await insertUntilTaken(options, sink, records, token, signal))) return false;
  await member.commit(topicPartition, { offset: last + 1, metadata: '' });
  counts.archived.set(topic, (counts.archived.get(topic) ?? 0) + records.length);
  return true;
}

/**
 * Repeats while the store is away: reading stops meanwhile, so nothing piles up here; the log keeps what comes.
 *
 * @returns `false` when it was stopped before the store took them
 */
async function insertUntilTaken(
  { clock, onWarning }: ArchiveOptions,
  sink: ArchiveSink,
  records: readonly LogRecord[],
  token: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    try {
      await sink.insert(records, token);
      return true;
    } catch (cause) {
      if (!isRetryable(cause)) throw cause;
      if (signal.aborted) return false;
      if (attempt === 0)
        onWarning('the store does not take inserts; archiving waits', { topic: sink.topic, cause: messageOf(cause) });
      await clock.sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 5000, signal);
    }
  }
}

async function repeatInsert(
  options: ArchiveOptions,
  sink: ArchiveSink,
  { topic, partition }: TopicPartition,
  { from, to }: { readonly from: number; readonly to: number },
  token: string,
  signal: AbortSignal,
): Promise<boolean> {
  const records: LogRecord[] = [];
  for await (const batch of options.log.read(topic, partition, { from, to })) records.push(...batch.map(copyOf));
  const earliest = (await options.log.offsets(topic)).find((kept) => kept.partition === partition)?.earliest ?? 0;
  if (earliest > from) {
    // A part of the range would not be known as what it is, and could stand there twice.
    options.onWarning('records were deleted before it was known whether they are archived: they may be missing', {
      topic,
      partition,
      fromOffset: from,
      toOffset: to,
    });
    return true;
  }
  return records.length === 0 || insertUntilTaken(options, sink, records, token, signal);
}

function isRetryable(cause: unknown): boolean {
  return cause instanceof Error && 'retryable' in cause && cause.retryable === true;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

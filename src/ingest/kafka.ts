import { LIMITS } from '../domain/audit-event.ts';
import type { Clock } from '../domain/clock.ts';
import {
  type Committed,
  type GroupOptions,
  ifOwned,
  type Lease,
  type Log,
  type LogRecord,
  type Member,
  type TopicPartition,
} from '../log/log.ts';
import { createProgress, IDLE_MS, type Progress } from './progress.ts';
import {
  decodePosition,
  encodePosition,
  type Intake,
  type Lane,
  type Position,
  type Source,
  type SourceRecord,
} from './source.ts';

export interface KafkaSourceOptions {
  readonly name: string;
  /** A log opened on the source's cluster. */
  readonly log: Log;
  readonly topics: readonly string[];
  readonly group: string;
  readonly clock: Clock;
  /** Told of records that retention deleted before they were read. Without it they end the source. */
  readonly gap?: NonNullable<GroupOptions['gap']>;
}

/** Of a topic's incarnation, in ids. */
const LIFE_CHARS = 8;

/** A partition in this member's hands. */
interface Owned {
  readonly topicPartition: TopicPartition;
  readonly lease: Lease;
  readonly lane: Lane;
  readonly progress: Progress;
  /** The group has committed a position of ours: what is written after it will be found. */
  committed: boolean;
  /** Batches and settling never overlap. */
  turn: Promise<unknown>;
  inputAt: number;
}

/**
 * Reads topics as a member of a consumer group. A lane is a partition in one life of its topic (`audit.raw-3@5d41402a`), since offsets, and so
 * the ids of events, begin again when a topic is made anew. Positions are the group's commits.
 */
export function openKafkaSource(options: KafkaSourceOptions): Source {
  return { name: options.name, run: (intake, signal) => run(options, intake, signal) };
}

async function run(options: KafkaSourceOptions, intake: Intake, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { log, topics, group, clock, gap } = options;
  const owned = new Map<string, Owned>();
  // Looked at once, not while a partition waits for its new owner: a topic that is deleted ends the source.
  const lives = new Map<string, string>();
  for (const topic of topics) lives.set(topic, (await log.incarnation(topic)).slice(0, LIFE_CHARS));
  const joined = Promise.withResolvers<Member>();
  const member = await log.join({
    group,
    topics,
    assigned: async (topicPartition, committed, lease) => {
      const name = `${laneOf(topicPartition)}@${lives.get(topicPartition.topic)}`;
      const resumeLane = (position: Position | undefined) => intake.resume(name, position);
      const one = await resume(clock, resumeLane, topicPartition, committed, lease, joined.promise);
      owned.set(laneOf(topicPartition), one);
      return undefined;
    },
    batch: async (topicPartition, records) => {
      const one = owned.get(laneOf(topicPartition));
      if (one) await inTurn(one, () => take(one, records, clock, joined.promise));
    },
    revoked: async (topicPartition) => {
      const one = owned.get(laneOf(topicPartition));
      owned.delete(laneOf(topicPartition));
      if (one === undefined) return;
      await inTurn(one, async () => void (await ifOwned(() => one.progress.remember('now'))));
      one.lane.abandon();
    },
    ...(gap ? { gap } : {}),
  });
  joined.resolve(member);
  const idling = new AbortController();
  const settling = settleIdle(owned, clock, AbortSignal.any([signal, idling.signal]));
  try {
    await Promise.race([member.done, settling.then(() => (signal.aborted ? undefined : member.done))]);
  } finally {
    idling.abort();
    await member.stop();
  }
  await Promise.all([settling, member.done]);
}

function laneOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

async function resume(
  clock: Clock,
  resumeLane: (position: Position | undefined) => Promise<Lane>,
  topicPartition: TopicPartition,
  committed: Committed | undefined,
  lease: Lease,
  member: Promise<Member>,
): Promise<Owned> {
  const position = committed && decodePosition(committed.metadata);
  // An operator who moves the group elsewhere leaves no position of ours, or one of another place.
  const remembered = position?.offset === committed?.offset ? position : undefined;
  const lane = await resumeLane(remembered);
  const progress = createProgress(lane, clock, async (reached) => {
    await (await member).commit(topicPartition, { offset: reached.offset, metadata: encodePosition(reached) });
  });
  const now = clock.elapsed();
  return {
    topicPartition,
    lease,
    lane,
    progress,
    committed: remembered !== undefined,
    turn: Promise.resolve(),
    inputAt: now,
  };
}

async function take(one: Owned, records: readonly LogRecord[], clock: Clock, member: Promise<Member>): Promise<void> {
  const first = records[0];
  if (first === undefined || !one.lease.valid()) return;
  await ifOwned(async () => {
    if (!one.committed) await commitStart(one, first.offset, await member);
    await one.progress.take(copy(records));
  });
  one.inputAt = clock.elapsed();
}

/** Before the first record: a crash from here on must find out what reached the log. */
async function commitStart(one: Owned, offset: number, member: Member): Promise<void> {
  const start = await one.lane.settle();
  await member.commit(one.topicPartition, { offset, metadata: encodePosition({ ...start, offset }) });
  one.committed = true;
}

/** The log's buffers are gone when the batch is done, and a format may hold records back for longer. Tombstones are no records. */
function copy(records: readonly LogRecord[]): SourceRecord[] {
  const kept = records.flatMap(({ offset, value, appendedAt }) => (value ? [{ offset, value, appendedAt }] : []));
  const bytes = Buffer.concat(kept.map(({ value }) => value.subarray(0, LIMITS.recordBytesMax)));
  let end = 0;
  return kept.map(({ offset, value, appendedAt }) => {
    const start = end;
    end += Math.min(value.length, LIMITS.recordBytesMax);
    const record = { offset, nextOffset: offset + 1, value: bytes.subarray(start, end), receivedAt: appendedAt };
    return value.length > LIMITS.recordBytesMax ? { ...record, truncated: true } : record;
  });
}

/** Settles and commits for partitions to which nothing comes. */
async function settleIdle(owned: ReadonlyMap<string, Owned>, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(IDLE_MS, signal);
    const idle = [...owned.values()].filter(({ inputAt }) => clock.elapsed() - inputAt >= IDLE_MS);
    await Promise.all(idle.map((one) => inTurn(one, () => settle(one, clock, signal))));
  }
}

async function settle(one: Owned, clock: Clock, signal: AbortSignal): Promise<void> {
  // A batch may have come while this waited for its turn.
  if (signal.aborted || !one.lease.valid() || clock.elapsed() - one.inputAt < IDLE_MS) return;
  await ifOwned(async () => {
    await one.progress.settle();
    await one.progress.remember('due');
  });
}

async function inTurn(one: Owned, task: () => Promise<void>): Promise<void> {
  const turn = one.turn.then(task);
  // Whoever gave the task is told of its failure, and the source ends with it.
  one.turn = turn.catch(() => undefined);
  await turn;
}

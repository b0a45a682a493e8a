import { Engine, type EngineOptions } from '../detect/engine.ts';
import type { Clock } from '../domain/clock.ts';
import type { Assessment } from '../domain/finding.ts';
import {
  ifOwned,
  type Lease,
  type Log,
  type LogRecord,
  type Member,
  type NewRecord,
  type TopicPartition,
} from '../log/log.ts';
import { decodeStoredEvent } from '../normalise/stored-event.ts';
import { changesToWrite, factsToWrite, restoreEngine } from './baselines.ts';
import { createDeadLetter, encodeDeadLetter } from './dead-letter.ts';
import { encodeFindingsRecord } from './findings.ts';
import { LaneMarks } from './lane-marks.ts';
import { createSerial, type Serial } from './serial.ts';
import type { Stage } from './stage.ts';
import { GROUPS, TOPICS } from './topics.ts';

export interface DetectOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly engine: EngineOptions;
  /** How often changed records and the position are made durable: what a crash has to do again. */
  readonly checkpointIntervalMs: number;
  /** Changed tokens after which a checkpoint comes early. */
  readonly checkpointTokensMax: number;
  readonly onWarning: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export interface DetectCounts {
  events: number;
  /** Skipped because a token's stamp says they were applied before a restart. */
  replayed: number;
  /** Passed over because the partition had them already: written by a collector that had lost its lane. */
  repeated: number;
  assessments: number;
  deadLetters: number;
}

/** One partition in this process's hands. */
interface Owned {
  readonly topicPartition: TopicPartition;
  readonly engine: Engine;
  readonly marks: LaneMarks;
  readonly lease: Lease;
  /** Batches and checkpoints of a partition never overlap, and after one that failed there is no other. */
  readonly serial: Serial;
  /** Offset of the next event. */
  position: number;
  committed: number;
  checkpointAt: number;
}

/**
 * Scores and learns. Durable in this order, never another: assessments, then token records, then the position. A crash at any point means
 * that some events are applied again, to tokens whose stamps do not have them yet.
 */
export async function startDetect(options: DetectOptions): Promise<Stage & { readonly counts: DetectCounts }> {
  const { log, clock } = options;
  const counts: DetectCounts = { events: 0, replayed: 0, repeated: 0, assessments: 0, deadLetters: 0 };
  const owned = new Map<number, Owned>();
  const incarnation = await log.incarnation(TOPICS.events);
  const joining: Promise<Member> = log.join({
    group: GROUPS.detect,
    topics: [TOPICS.events],
    assigned: async (topicPartition, committed, lease) => {
      const engine = new Engine(options.engine);
      const marks = await restore(options, topicPartition.partition, engine, incarnation);
      const position = committed?.offset ?? 0;
      owned.set(topicPartition.partition, {
        topicPartition,
        engine,
        marks,
        lease,
        serial: createSerial(),
        position,
        committed: position,
        checkpointAt: clock.elapsed(),
      });
      return undefined;
    },
    batch: async ({ partition }, records) => {
      const part = owned.get(partition);
      if (part === undefined) return;
      await part.serial(() => step(options, part, records, counts));
      const member = await joining;
      if (isDue(options, part)) await part.serial(() => checkpoint(options, part, member));
    },
    revoked: async ({ partition }) => {
      const part = owned.get(partition);
      owned.delete(partition);
      const member = await joining;
      if (part) await part.serial(() => checkpoint(options, part, member));
    },
    gap: ({ partition }, fromOffset, toOffset) =>
      options.onWarning('events were deleted before they were read: baselines have a gap', {
        partition,
        fromOffset,
        toOffset,
      }),
  });
  const member = await joining;
  const stopping = new AbortController();
  const ticking = tick(options, owned, member, stopping.signal);
  // Whichever fails first ends the stage; a failed tick must also take the member down.
  const done = Promise.race([member.done, ticking.then(() => member.done)]);
  done.catch(() => stopping.abort());
  return {
    name: 'detect',
    done,
    counts,
    stop: async () => {
      stopping.abort();
      await member.stop();
      await ticking;
    },
  };
}

/** Applies a batch. Assessments are durable when it resolves. */
async function step(
  options: DetectOptions,
  part: Owned,
  records: readonly LogRecord[],
  counts: DetectCounts,
): Promise<void> {
  const findings: NewRecord[] = [];
  const deadLetters: NewRecord[] = [];
  for (const record of records) {
    part.position = record.offset + 1;
    if (record.value === null) continue;
    const event = decodeStoredEvent(record.value, `${TOPICS.events}/${record.partition}/${record.offset}`);
    if ('code' in event) {
      const facts = {
        id: `${TOPICS.events}/${record.partition}/${record.offset}`,
        source: TOPICS.events,
        receivedAt: record.appendedAt,
      };
      deadLetters.push({
        key: facts.id,
        value: encodeDeadLetter(createDeadLetter({ ...facts, ...event }, record.value, false)),
      });
      continue;
    }
    if (part.marks.repeats(event.id, event.settledTo)) {
      counts.repeated += 1;
      continue;
    }
    const assessment = part.engine.observe(event, record.offset, record.appendedAt);
    if (assessment) findings.push(findingsRecord(assessment));
  }
  counts.events += records.length;
  counts.replayed += part.engine.takeReplayedCount();
  counts.assessments += findings.length;
  counts.deadLetters += deadLetters.length;
  if (!part.lease.valid()) return;
  if (findings.length > 0) await options.log.append(TOPICS.findings, findings);
  if (deadLetters.length > 0) await options.log.append(TOPICS.deadLetters, deadLetters);
}

function findingsRecord(assessment: Assessment): NewRecord {
  return { key: assessment.token, partition: 0, value: encodeFindingsRecord({ kind: 'assessment', assessment }) };
}

function isDue({ clock, checkpointIntervalMs, checkpointTokensMax }: DetectOptions, part: Owned): boolean {
  if (part.position === part.committed && part.engine.dirtyCount === 0) return false;
  return clock.elapsed() - part.checkpointAt >= checkpointIntervalMs || part.engine.dirtyCount >= checkpointTokensMax;
}

/** Makes changed records durable, then the position. */
async function checkpoint({ log, clock }: DetectOptions, part: Owned, member: Member): Promise<void> {
  const { topicPartition, position, engine, marks } = part;
  if (!part.lease.valid()) return;
  if (position === part.committed && engine.dirtyCount === 0) return;
  const changed = changesToWrite(engine, marks, position, topicPartition.partition);
  if (changed.length > 0) await log.append(TOPICS.baselines, changed);
  if (!part.lease.valid()) return;
  const kept = await ifOwned(() => member.commit(topicPartition, { offset: position, metadata: '' }));
  if (!kept) return;
  part.committed = position;
  part.checkpointAt = clock.elapsed();
}

/** Checkpoints partitions to which nothing comes any more. */
async function tick(
  options: DetectOptions,
  owned: ReadonlyMap<number, Owned>,
  member: Member,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await options.clock.sleep(options.checkpointIntervalMs, signal);
    if (signal.aborted) return;
    await Promise.all(
      [...owned.values()]
        .filter((part) => isDue(options, part))
        .map((part) => part.serial(() => checkpoint(options, part, member))),
    );
  }
}

/** Reads a partition's records back and says in which layout, and for which life of the events log, new ones will be written. */
async function restore(
  { log, onWarning }: DetectOptions,
  partition: number,
  engine: Engine,
  incarnation: string,
): Promise<LaneMarks> {
  const restored = await restoreEngine(log, partition, engine);
  const { origin, marks, passedOverCount } = restored;
  if (passedOverCount > 0)
    onWarning('older or unknown token records were passed over while restoring', { partition, passedOverCount });
  if (origin !== undefined && origin !== incarnation) {
    onWarning('the events log was made anew: stamps start again, baselines are kept', { partition });
    engine.resetStamps();
  }
  const facts = factsToWrite(engine, restored, incarnation, partition);
  if (facts.length > 0) await log.append(TOPICS.baselines, facts);
  return origin === undefined || origin === incarnation ? marks : new LaneMarks();
}

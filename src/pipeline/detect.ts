import { MINUTE_MS } from '../baseline/time.ts';
import { Engine, type EngineOptions } from '../detect/engine.ts';
import type { Rollback, RollbackOutcome } from '../detect/rollback.ts';
import { precedesEvents, tokenOf } from '../domain/aside.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Clock } from '../domain/clock.ts';
import type { Assessment } from '../domain/finding.ts';
import { ifOwned, type Lease, type Log, type LogRecord, type Member, type NewRecord } from '../log/log.ts';
import { scanStoredEvent } from '../normalise/scan-event.ts';
import { asideIn } from './aside-record.ts';
import { type BaselineReader, changesToWrite, factsToWrite, sweepToWrite } from './baselines.ts';
import { createDeadLetter, type DeadLetter, encodeDeadLetter } from './dead-letter.ts';
import { createCounts, type DetectCounts, type DetectedPartition } from './detect-counts.ts';
import { encodeFindingsRecord } from './findings.ts';
import type { DelayHistogram } from './histogram.ts';
import { LaneMarks } from './lane-marks.ts';
import { madeTableIn } from './made-table-record.ts';
import { rollbackIn } from './rollback-record.ts';
import { createSerial, type Serial } from './serial.ts';
import { createSlices, type Slices } from './slices.ts';
import { createSparing } from './sparing.ts';
import type { Stage } from './stage.ts';
import { Standby } from './standby.ts';
import { GROUPS, TOPICS } from './topics.ts';

export interface DetectOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly engine: EngineOptions;
  /** How often changed records and the position are made durable: what a crash has to do again. */
  readonly checkpointIntervalMs: number;
  /** Changed tokens after which a checkpoint comes early. */
  readonly checkpointTokensMax: number;
  /** How often baselines of partitions that are somebody else's are read on, so that they are at hand. `null`: not at all. */
  readonly standbyIntervalMs: number | null;
  readonly onWarning: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/**
 * So long batches keep all else waiting. A revocation is on its way through this process in several steps, and each may have to wait for so long;
 * and a member that is silent loses its partitions, however slow its detectors are.
 */
const SLICE_MS = 5;
/** Records after which the clock is looked at. */
const SLICE_RECORDS = 16;
/** What a lost owner has sent may arrive for so long: far beyond any time-out of its own, and far before compaction. */
const LATE_MS = 5 * MINUTE_MS;
/** How often a full partition is told of. */
const FULL_INTERVAL_MS = 60_000;

/** One partition in this process's hands. */
interface Owned extends DetectedPartition {
  readonly engine: Engine;
  readonly marks: LaneMarks;
  readonly reader: BaselineReader;
  /** By the monotonic clock, ms. */
  readonly claimedAt: number;
  readonly lease: Lease;
  /** Batches and checkpoints of a partition never overlap, and after one that failed there is no other. */
  readonly serial: Serial;
  /** Offset of the next event. */
  position: number;
  committed: number;
  checkpointAt: number;
  /** Appends of baselines begun and ended: odd while one is on its way. */
  writes: number;
  /** The last of them. */
  writing: Promise<void>;
}

/**
 * Scores and learns. Durable in this order, never another: assessments, then token records, then the position. A crash at any point means
 * that some events are applied again, to tokens whose stamps do not have them yet.
 */
export async function startDetect(options: DetectOptions): Promise<Stage & { readonly counts: DetectCounts }> {
  const { log, clock } = options;
  const owned = new Map<number, Owned>();
  const counts = createCounts(owned, options.engine);
  const tellFull = tellOfFullPartitions(options, counts);
  const context: Context = { options, counts, slices: createSlices(clock, SLICE_MS), tellFull };
  const incarnation = await log.incarnation(TOPICS.events);
  const standby = standbyOf(options, counts);
  const joining: Promise<Member> = log.join({
    group: GROUPS.detect,
    topics: [TOPICS.events],
    assigned: async (topicPartition, committed, lease) => {
      const { partition } = topicPartition;
      counts.restoring.add(partition);
      const position = committed?.offset ?? 0;
      const restored = await standby.take(partition);
      await claim(options, { partition, position, lease }, restored, incarnation);
      owned.set(partition, ownedOf(restored, { topicPartition, position, lease, now: clock.elapsed() }));
      counts.restoring.delete(partition);
      return undefined;
    },
    batch: async ({ partition }, records) => {
      const part = owned.get(partition);
      if (part === undefined) return;
      await part.serial(() => step(context, part, records));
      const member = await joining;
      if (isDue(options, part)) await part.serial(() => checkpoint(options, part, member));
    },
    revoked: async ({ partition }) => {
      const part = owned.get(partition);
      owned.delete(partition);
      const member = await joining;
      if (part) await part.serial(() => checkpoint(options, part, member));
      standby.release(partition);
    },
    gap: ({ partition }, fromOffset, toOffset) => {
      const facts = { partition, fromOffset, toOffset };
      options.onWarning('events were deleted before they were read: baselines have a gap', facts);
      counts.deleted += toOffset - fromOffset;
    },
  });
  const member = await joining;
  const stopping = new AbortController();
  const ticking = tick(options, owned, member, stopping.signal);
  // Whichever fails first ends the stage; a failed tick must also take the member down.
  const done = Promise.race([member.done, ticking.then(() => member.done)]);
  const following = standby.follow(stopping.signal);
  done.catch(() => stopping.abort());
  return {
    name: 'detect',
    done,
    counts,
    stop: async () => {
      stopping.abort();
      await member.stop();
      await Promise.all([ticking, following]);
    },
  };
}

/** A partition as it is taken over. @param given `now` by the monotonic clock */
function ownedOf(
  reader: BaselineReader,
  given: Pick<Owned, 'topicPartition' | 'position' | 'lease'> & { readonly now: number },
): Owned {
  const { now, ...place } = given;
  const { engine, marks } = reader;
  const begun = { claimedAt: now, checkpointAt: now, committed: place.position };
  return { ...place, ...begun, engine, marks, reader, serial: createSerial(), writes: 0, writing: Promise.resolve() };
}

/** What the steps of all partitions share. */
interface Context {
  readonly options: DetectOptions;
  readonly counts: DetectCounts;
  readonly slices: Slices;
  /** Tells of tokens that made room, and of events that found none. */
  readonly tellFull: (count: number) => void;
}

/** What follows from a batch and is not in the log yet. */
interface Results {
  readonly findings: NewRecord[];
  readonly deadLetters: NewRecord[];
}

/** Applies a batch. Assessments are durable when it resolves. */
async function step(context: Context, part: Owned, records: readonly LogRecord[]): Promise<void> {
  const { counts, slices, tellFull } = context;
  const results: Results = { findings: [], deadLetters: [] };
  let asideCount = 0;
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as LogRecord;
    if (i % SLICE_RECORDS === 0 && slices.isOver()) {
      // What was found does not wait for the rest of the batch.
      if (!(await writeResults(context, part, results))) return;
      await slices.next();
    }
    if (record.value === null) continue;
    const event = scanStoredEvent(record.value, () => placeOf(record));
    if ('code' in event) {
      const taken = await takeAside(context, part, record, results);
      if (taken === 'lost') return;
      if (taken === 'none') results.deadLetters.push(deadLetterOf(record, event));
      else asideCount += 1;
      continue;
    }
    if (part.engine.fleet.isDayOver(event, record.offset, record.appendedAt)) {
      part.position = record.offset;
      if (!(await endFleetDay(context, part, event, results))) return;
    }
    if (part.engine.places.needsRoom(event.token, record.offset)) {
      part.position = record.offset;
      if (!(await makeRoom(context, part, results))) return;
    }
    if (part.marks.repeats(event)) {
      counts.repeated += 1;
      continue;
    }
    const assessment = part.engine.observe(event, record.offset, record.appendedAt);
    if (assessment) results.findings.push(findingsRecord(assessment));
  }
  part.position = (records.at(-1)?.offset ?? part.position - 1) + 1;
  counts.events += records.length - asideCount;
  counts.replayed += part.engine.takeReplayedCount();
  const unadmitted = part.engine.takeUnadmittedCount();
  counts.unadmitted += unadmitted;
  tellFull(unadmitted);
  if (!(await writeResults(context, part, results))) return;
  noteDelays(counts.delays, records, context.options.clock.now());
}

function deadLetterOf(record: LogRecord, why: Pick<DeadLetter, 'code' | 'reason'>): NewRecord {
  const facts = { id: placeOf(record), source: TOPICS.events, receivedAt: record.appendedAt };
  const letter = createDeadLetter({ ...facts, ...why }, record.value as Buffer, false);
  return { key: facts.id, value: encodeDeadLetter(letter) };
}

/**
 * Takes what a record says of a token, or of all, instead of an event.
 *
 * @returns `none` if it says nothing of the kind, `lost` if the partition is somebody else's by now
 */
async function takeAside(
  context: Context,
  part: Owned,
  record: LogRecord,
  results: Results,
): Promise<'taken' | 'none' | 'lost'> {
  const value = record.value as Buffer;
  const aside = asideIn(value);
  if (aside === undefined) {
    const rollback = rollbackIn(value);
    if (rollback) takeRollback(context, part, record, rollback);
    return rollback || takeMadeTable(context, part, record) ? 'taken' : 'none';
  }
  if (precedesEvents(aside) && part.engine.places.needsRoom(tokenOf(aside), record.offset)) {
    part.position = record.offset;
    if (!(await makeRoom(context, part, results))) return 'lost';
  }
  part.engine.takeAside(aside, record.offset);
  context.counts['notice' in aside ? 'notices' : 'verdicts'] += 1;
  return 'taken';
}

/** @returns whether it tells of one */
function takeMadeTable({ counts }: Context, part: Owned, { value, offset }: LogRecord): boolean {
  const made = madeTableIn(value as Buffer);
  if (made === undefined) return false;
  part.engine.fleet.takeMade(made, offset);
  counts.madeTables += 1;
  return true;
}

function takeRollback({ options, counts }: Context, part: Owned, record: LogRecord, rollback: Rollback): void {
  const { partition, offset } = record;
  const outcome = part.engine.rollBack(rollback, offset, (fingerprint) => part.reader.layouts.get(fingerprint));
  counts.rollbacks += 1;
  const facts = { partition, offset, by: rollback.by, detectors: rollback.detectors ?? 'all' };
  if (outcome === 'done')
    options.onWarning('a person had a baseline put back', { ...facts, to: new Date(rollback.to) });
  else if (outcome !== 'repeated') options.onWarning(`a baseline was not put back: ${REFUSED[outcome]}`, facts);
}

const REFUSED: Readonly<Record<Exclude<RollbackOutcome, 'done' | 'repeated'>, string>> = {
  'unknown-token': 'its token is not known, or was forgotten since',
  'unknown-layout': 'it was made by another release or other detectors. Ask again with those that detect',
  damaged: 'it is damaged',
  'other-key': 'it was made under another fingerprintKey. Ask again with the configuration that detects',
};

/** Records that were appended together stand together. */
function noteDelays(delays: DelayHistogram, records: readonly LogRecord[], now: number): void {
  for (let first = 0, next = 0; first < records.length; first = next) {
    const { appendedAt } = records[first] as LogRecord;
    while (next < records.length && records[next]?.appendedAt === appendedAt) next += 1;
    delays.note(now - appendedAt, next - first);
  }
}

/** The id of an event that has none. */
function placeOf({ partition, offset }: LogRecord): string {
  return `${TOPICS.events}/${partition}/${offset}`;
}

/** @returns `false` if the partition is somebody else's by now */
async function writeResults({ options: { log }, counts }: Context, part: Owned, results: Results): Promise<boolean> {
  const findings = results.findings.splice(0);
  const deadLetters = results.deadLetters.splice(0);
  counts.assessments += findings.length;
  counts.deadLetters += deadLetters.length;
  if (!part.lease.valid()) return false;
  if (findings.length > 0) await log.append(TOPICS.findings, findings);
  if (deadLetters.length > 0) await log.append(TOPICS.deadLetters, deadLetters);
  return true;
}

/**
 * Ends the fleet's day before an event is taken. What comes of it and all that came before is durable before anything after it is: a crash finds the
 * tokens' records as they were before the event, and comes to the same, or finds it done. It is not waited for: whatever is written next waits.
 *
 * @returns `false` if the partition is somebody else's by now
 */
async function endFleetDay(context: Context, part: Owned, event: AuditEvent, results: Results): Promise<boolean> {
  const { engine, marks, position, topicPartition } = part;
  if (!(await writeResults(context, part, results)) || !part.lease.valid()) return false;
  engine.endFleetDay(event);
  const changed = changesToWrite(engine, marks, position, topicPartition.partition);
  // A failure is thrown by the next one that is waited for.
  appendBaselines(context.options.log, part, changed).catch(() => undefined);
  return true;
}

/**
 * Makes room for a token before its event is taken. All that came before is durable first, then which tokens are forgotten, in one record:
 * a crash finds the partition either full, and comes to the same decision, or swept.
 *
 * @returns `false` if the partition is somebody else's by now
 */
async function makeRoom(context: Context, part: Owned, results: Results): Promise<boolean> {
  const { options, counts, tellFull } = context;
  const { engine, marks, position, topicPartition } = part;
  if (!(await writeResults(context, part, results)) || !part.lease.valid()) return false;
  const changed = changesToWrite(engine, marks, position, topicPartition.partition);
  await appendBaselines(options.log, part, changed);
  const sweep = engine.places.plan(position);
  if (!part.lease.valid()) return false;
  await options.log.append(TOPICS.baselines, [sweepToWrite(sweep, topicPartition.partition)]);
  const forgotten = engine.places.sweep(sweep);
  counts.forgotten += forgotten;
  tellFull(forgotten);
  return true;
}

function countFailures(engine: EngineOptions, { failures }: DetectCounts): EngineOptions {
  const onFailure: EngineOptions['onFailure'] = (detector, cause) => {
    failures.set(detector, (failures.get(detector) ?? 0) + 1);
    engine.onFailure(detector, cause);
  };
  return { ...engine, onFailure };
}

/** One loud line a minute, however many tokens somebody invents. */
function tellOfFullPartitions({ clock, engine, onWarning }: DetectOptions, counts: DetectCounts) {
  const sparing = createSparing(clock, FULL_INTERVAL_MS);
  return (count: number) =>
    sparing.note(count, () =>
      onWarning(
        'more tokens than detection.tokensMax: young ones are forgotten for new ones, others kept. Somebody invents tokens, or raise it',
        { forgotten: counts.forgotten, unadmitted: counts.unadmitted, tokensMax: engine.tokensMax },
      ),
    );
}

function findingsRecord(assessment: Assessment): NewRecord {
  return { key: assessment.token, partition: 0, value: encodeFindingsRecord({ kind: 'assessment', assessment }) };
}

function isDue({ clock, checkpointIntervalMs, checkpointTokensMax }: DetectOptions, part: Owned): boolean {
  if (isWritten(part)) return false;
  return clock.elapsed() - part.checkpointAt >= checkpointIntervalMs || part.engine.dirtyCount >= checkpointTokensMax;
}

/** Whether there is nothing to make durable. */
function isWritten({ position, committed, engine, marks }: Owned): boolean {
  return position === committed && engine.dirtyCount === 0 && !engine.fleet.isChanged && !marks.isChanged;
}

/** Makes changed records durable, then the position. */
async function checkpoint({ log, clock }: DetectOptions, part: Owned, member: Member): Promise<void> {
  const { topicPartition, position, engine, marks } = part;
  if (!part.lease.valid()) return;
  if (isWritten(part)) return;
  const changed = changesToWrite(engine, marks, position, topicPartition.partition);
  await appendBaselines(log, part, changed);
  if (!part.lease.valid()) return;
  const kept = await ifOwned(() => member.commit(topicPartition, { offset: position, metadata: '' }));
  if (!kept) return;
  part.committed = position;
  part.checkpointAt = clock.elapsed();
}

/** One after the other: the order of baselines in the log is what a crash relies on. */
function appendBaselines(log: Log, part: Owned, records: readonly NewRecord[]): Promise<void> {
  part.writing = part.writing.then(async () => {
    if (records.length === 0 || !part.lease.valid()) return;
    part.writes += 1;
    try {
      await log.append(TOPICS.baselines, records);
    } finally {
      part.writes += 1;
    }
  });
  return part.writing;
}

/** Has written over what arrives late from those who had our partitions before. */
async function lookForLate({ log, clock, onWarning }: DetectOptions, owned: Iterable<Owned>): Promise<void> {
  for (const part of owned) {
    const { partition } = part.topicPartition;
    if (clock.elapsed() - part.claimedAt > LATE_MS) continue;
    const { writes } = part;
    try {
      const tokenCount = await part.reader.lookForLate(log);
      // While records of ours are on their way, those before them look like somebody else's.
      const isTheirs = writes === part.writes && writes % 2 === 0;
      if (tokenCount > 0 && isTheirs)
        onWarning('a lost owner has written baselines late; ours are written once more', { partition, tokenCount });
    } catch (cause) {
      // The next round goes on from there.
      const facts = { partition, cause: String(cause) };
      onWarning('could not look for baselines that a lost owner has written late', facts);
    }
  }
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
    await lookForLate(options, [...owned.values()]);
    if (signal.aborted) return;
    await Promise.all(
      [...owned.values()]
        .filter((part) => isDue(options, part))
        .map((part) => part.serial(() => checkpoint(options, part, member))),
    );
  }
}

function standbyOf({ log, clock, engine, standbyIntervalMs, onWarning }: DetectOptions, counts: DetectCounts): Standby {
  const createEngine = () => new Engine(countFailures(engine, counts));
  return new Standby({ log, clock, createEngine, intervalMs: standbyIntervalMs, onWarning });
}

/**
 * Says in which layout, and for which life of the events log, a partition's records will be written from now on. What a lost owner wrote late is
 * written over before anything else: were every owner to die before its first checkpoint, compaction would keep the older records.
 */
async function claim(
  { log, onWarning }: DetectOptions,
  { partition, position, lease }: Pick<Owned, 'position' | 'lease'> & { readonly partition: number },
  restored: BaselineReader,
  incarnation: string,
): Promise<void> {
  const { engine, origin, marks, passedOverCount } = restored;
  if (passedOverCount > 0)
    onWarning('older or unknown token records were passed over while restoring', { partition, passedOverCount });
  const records = [...factsToWrite(engine, restored, incarnation, partition)];
  if (origin !== undefined && origin !== incarnation) {
    onWarning('the events log was made anew: stamps start again, baselines are kept', { partition });
    engine.resetStamps();
    restored.marks = new LaneMarks();
  } else if (passedOverCount > 0) records.push(...changesToWrite(engine, marks, position, partition));
  if (records.length > 0 && lease.valid()) await log.append(TOPICS.baselines, records);
}

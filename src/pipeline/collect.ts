import { LIMITS } from '../domain/audit-event.ts';
import type { Enrich } from '../enrich/enrich.ts';
import type { Intake, Lane, Position, Source, SourceRecord } from '../ingest/source.ts';
import type { Log, NewRecord } from '../log/log.ts';
import type { Format, Normaliser, Outcome, RawRecord } from '../normalise/format.ts';
import { encodeStoredEvent } from '../normalise/stored-event.ts';
import { createDeadLetter, decodeDeadLetter, encodeDeadLetter } from './dead-letter.ts';
import { madeTableRecords } from './made-table-record.ts';
import type { Stage } from './stage.ts';
import { TOPICS } from './topics.ts';

/** A source with how its records are to be read. */
export interface CollectedSource {
  readonly source: Source;
  readonly format: Format;
  readonly enrich: Enrich;
}

/** What became of raw records since the start: taken = events + ignored + dead letters + repeated + held + returned, or some are missing. */
export interface CollectCounts {
  taken: number;
  /** Taken and not settled: a format holds them back until more comes. */
  held: number;
  /** Held back when their lane was lost: whoever resumes it takes them again. */
  returned: number;
  events: number;
  deadLetters: number;
  /** Read again after a restart and found to be in the log already. */
  repeated: number;
  /** By rule. */
  readonly ignored: Map<string, number>;
}

/** Starts reading all sources. The stage is done when every source has ended (files to their end, stdin) or one has failed. */
export function startCollect(
  log: Log,
  sources: readonly CollectedSource[],
  counts = createCounts(),
): Stage & { readonly counts: CollectCounts } {
  const stopping = new AbortController();
  const done = Promise.all(
    sources.map(({ source, format, enrich }) =>
      source.run(createIntake({ log, source: source.name, format, enrich, counts }), stopping.signal),
    ),
  ).then(() => undefined);
  done.catch(() => stopping.abort());
  return {
    name: 'collect',
    done,
    counts,
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}

export function createCounts(): CollectCounts {
  return { taken: 0, held: 0, returned: 0, events: 0, deadLetters: 0, repeated: 0, ignored: new Map() };
}

/** Raw records that became nothing known. Never 0 in silence. */
export function restOfCollect({
  taken,
  held,
  returned,
  events,
  deadLetters,
  repeated,
  ignored,
}: CollectCounts): number {
  let rest = taken - held - returned - events - deadLetters - repeated;
  for (const count of ignored.values()) rest -= count;
  return rest;
}

interface IntakeOptions {
  readonly log: Log;
  readonly source: string;
  readonly format: Format;
  readonly enrich: Enrich;
  readonly counts: CollectCounts;
}

/** The collect stage's side of one source. */
export function createIntake(options: IntakeOptions): Intake {
  return {
    resume: async (lane, position) => {
      const prefix = `${options.source}/${lane}/`;
      const { length: partitionCount } = await options.log.offsets(TOPICS.events);
      const written = position ? await writtenSince(options.log, prefix, position.logEnds) : new Set<string>();
      return new NormalisingLane({ ...options, partitionCount }, prefix, written, position);
    },
  };
}

/** A record with where our logs ended before anything that came after it was written. */
interface Taken {
  readonly record: SourceRecord;
  readonly ends: readonly number[];
}

interface LaneOptions extends IntakeOptions {
  /** Of the events log. */
  readonly partitionCount: number;
}

class NormalisingLane implements Lane {
  readonly #options: LaneOptions;
  readonly #prefix: string;
  /** Ids of events and dead letters of this lane that are in the log beyond the remembered position. */
  readonly #written: Set<string>;
  readonly #normaliser: Normaliser;
  /** Records not settled yet, by id, in order. */
  readonly #open = new Map<string, Taken>();
  /** Where the logs ended when the lane was taken up: what is in #written lies after it. */
  readonly #resumedEnds: readonly number[] | undefined;
  /** Where they ended after the last write. */
  #ends: readonly number[] | undefined;
  /** The largest record offset in #written. */
  readonly #writtenTo: number;
  #nextOffset: number;

  constructor(options: LaneOptions, prefix: string, written: Set<string>, position: Position | undefined) {
    this.#resumedEnds = position?.logEnds;
    this.#ends = position?.logEnds;
    this.#nextOffset = position?.offset ?? 0;
    this.#writtenTo = largestOffset(written, prefix);
    this.#options = options;
    this.#prefix = prefix;
    this.#written = written;
    this.#normaliser = options.format.open();
  }

  get held(): boolean {
    return this.#open.size > 0;
  }

  async take(records: readonly SourceRecord[]): Promise<Position> {
    const outcomes: Outcome[] = [];
    const ends = this.#ends ?? (await logEnds(this.#options.log));
    for (const record of records) {
      const raw: RawRecord = { id: `${this.#prefix}${record.offset}`, value: record.value };
      this.#open.set(raw.id, { record, ends });
      this.#nextOffset = record.nextOffset;
      this.#options.counts.taken += 1;
      this.#options.counts.held += 1;
      if (record.truncated) outcomes.push(tooLarge(raw.id));
      else outcomes.push(...this.#normaliser.push(raw));
    }
    return this.#write(outcomes);
  }

  settle(): Promise<Position> {
    return this.#write(this.#normaliser.flush());
  }

  abandon(): void {
    const { counts } = this.#options;
    counts.held -= this.#open.size;
    counts.returned += this.#open.size;
    this.#open.clear();
  }

  async #write(outcomes: readonly Outcome[]): Promise<Position> {
    const events: NewRecord[] = [];
    const deadLetters: NewRecord[] = [];
    for (const outcome of outcomes) {
      this.#options.counts.held -= outcome.settles.length;
      const first = this.#open.get(outcome.settles[0] ?? '');
      for (const id of outcome.settles) this.#open.delete(id);
      if (first === undefined) throw new Error(`format ${this.#options.format.id} settled a record it was not given`);
      const [oldest] = this.#open.values();
      const settledTo = Math.min(first.record.offset, oldest?.record.offset ?? first.record.offset);
      this.#sort(outcome, first.record, settledTo, events, deadLetters);
    }
    const { log } = this.#options;
    // Both must be durable before anything is remembered; neither waits for the other.
    await Promise.all([
      events.length > 0 ? log.append(TOPICS.events, events) : undefined,
      deadLetters.length > 0 ? log.append(TOPICS.deadLetters, deadLetters) : undefined,
    ]);
    const [oldest] = this.#open.values();
    // What is held back has still to be looked for among what was written.
    if ((oldest?.record.offset ?? this.#nextOffset) > this.#writtenTo) this.#written.clear();
    // While records are read again, some of what a second crash must find lies after the old ends, before the present ones.
    const catchingUp = this.#written.size > 0 ? this.#resumedEnds : undefined;
    this.#ends = catchingUp ?? (await logEnds(log));
    if (oldest) return { offset: oldest.record.offset, logEnds: oldest.ends };
    return { offset: this.#nextOffset, logEnds: this.#ends };
  }

  /** @param settledTo what comes before it in the lane is written already, or will be before it */
  #sort(
    outcome: Outcome,
    record: SourceRecord,
    settledTo: number,
    events: NewRecord[],
    deadLetters: NewRecord[],
  ): void {
    const { counts, enrich, source, partitionCount } = this.#options;
    if (outcome.kind === 'ignored') {
      counts.ignored.set(outcome.rule, (counts.ignored.get(outcome.rule) ?? 0) + outcome.settles.length);
      return;
    }
    const id = outcome.kind === 'event' ? outcome.event.id : (outcome.settles[0] ?? '');
    if (this.#written.delete(id)) {
      counts.repeated += outcome.settles.length;
      return;
    }
    if (outcome.kind === 'event') {
      const event = enrich(outcome.event, record.receivedAt);
      events.push({ key: event.token, value: Buffer.from(encodeStoredEvent(event, settledTo)) });
      events.push(...madeTableRecords(event, partitionCount));
      counts.events += outcome.settles.length;
      return;
    }
    const { code, reason } = outcome;
    const letter = createDeadLetter(
      { id, source, code, reason, receivedAt: record.receivedAt },
      record.value,
      record.truncated ?? false,
    );
    deadLetters.push({ key: id, value: encodeDeadLetter(letter) });
    counts.deadLetters += outcome.settles.length;
  }
}

function largestOffset(ids: ReadonlySet<string>, prefix: string): number {
  let largest = -1;
  for (const id of ids) largest = Math.max(largest, Number.parseInt(id.slice(prefix.length), 10));
  return largest;
}

function tooLarge(id: string): Outcome {
  const reason = `longer than ${LIMITS.recordBytesMax} bytes; split it at the source, or leave large literals out`;
  return { kind: 'dead-letter', code: 'too-large', reason, settles: [id] };
}

/** End offsets of our own logs: of the events' partitions, then of the dead letters'. */
async function logEnds(log: Log): Promise<readonly number[]> {
  const [events, deadLetters] = await Promise.all([log.offsets(TOPICS.events), log.offsets(TOPICS.deadLetters)]);
  return [...events, ...deadLetters].map(({ end }) => end);
}

/** Ids with this prefix that were written after the logs ended at `ends`. */
async function writtenSince(log: Log, prefix: string, ends: readonly number[]): Promise<Set<string>> {
  const ids = new Set<string>();
  const eventPartitions = await log.offsets(TOPICS.events);
  for (const { partition, end } of eventPartitions) {
    for await (const batch of log.read(TOPICS.events, partition, { from: within(ends[partition], end) })) {
      for (const { value } of batch) {
        const id = value && idOf(value);
        if (id?.startsWith(prefix)) ids.add(id);
      }
    }
  }
  const [{ end } = { end: 0 }] = await log.offsets(TOPICS.deadLetters);
  const from = within(ends[eventPartitions.length], end);
  for await (const batch of log.read(TOPICS.deadLetters, 0, { from })) {
    for (const { value } of batch) {
      const id = value ? decodeDeadLetter(value).id : undefined;
      if (id?.startsWith(prefix)) ids.add(id);
    }
  }
  return ids;
}

/** Beyond the end there is nothing to find: the log was made anew, and all of it came after. */
function within(before: number | undefined, end: number): number {
  return before === undefined || before > end ? 0 : before;
}

function idOf(value: Buffer): string | undefined {
  return (JSON.parse(value.toString()) as { id?: string }).id;
}

/**
 * Where raw records come from. A source reads its lanes (a Kafka partition, a file), hands records over in order, and remembers how far the
 * other side has taken them only once it says so: nothing is acknowledged before it is durable.
 */
export interface Source {
  /** From the configuration; the first part of every event id it leads to. */
  readonly name: string;
  /** Runs until the input ends or the signal aborts. Rejects when the source can no longer be read. */
  run(intake: Intake, signal: AbortSignal): Promise<void>;
}

/** The collect stage's side of a source. */
export interface Intake {
  /**
   * Starts or resumes a lane. Finds out which of its records reached the events log after `position` was remembered, so that reading them
   * again adds nothing.
   *
   * @param position as the lane last remembered it; `undefined` for a lane never read.
   */
  resume(lane: string, position: Position | undefined): Promise<Lane>;
}

/** One ordered stream of a source's records. Calls are sequential. */
export interface Lane {
  /**
   * Takes records in order and resolves once all that became of them is durable. Records of formats that need several per statement may be
   * held back meanwhile.
   *
   * @returns the position to remember: of the first record that is held back, else of the next one.
   */
  take(records: readonly SourceRecord[]): Promise<Position>;
  /**
   * Settles what is held back: no more input is at hand. For a lane never read, called before its first record, it gives where our own logs
   * end: remembered first, it lets a crash right after that record find what was written.
   */
  settle(): Promise<Position>;
  /** Records are held back: the lane wants to be settled when no more input is at hand. */
  readonly held: boolean;
  /** The lane is somebody else's: what is held back here is taken again there. */
  abandon(): void;
}

export interface SourceRecord {
  /** Increases within a lane: a Kafka offset, a byte position. */
  readonly offset: number;
  /** Offset after this record: where reading goes on. */
  readonly nextOffset: number;
  readonly value: Uint8Array;
  /** When the source's log took it, ms since the epoch: the trusted time. `null`: unknown (files). */
  readonly receivedAt: number | null;
  /** The record was longer than a source may hand over; `value` is its beginning. */
  readonly truncated?: boolean;
}

/** How far a lane has come, and where our own logs ended then. */
export interface Position {
  readonly offset: number;
  /** End offset of each partition of the events log, then of the dead letters, when `offset` was reached. */
  readonly logEnds: readonly number[];
}

export function encodePosition(position: Position): string {
  return [position.offset, ...position.logEnds].join(',');
}

/** Reads what `encodePosition` wrote; `undefined` for anything else. */
export function decodePosition(text: string): Position | undefined {
  if (!/^\d+(,\d+)*$/.test(text)) return undefined;
  const [offset = 0, ...logEnds] = text.split(',').map(Number);
  return { offset, logEnds };
}

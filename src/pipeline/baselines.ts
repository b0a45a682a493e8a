import type { Layout } from '../baseline/layout.ts';
import type { Engine } from '../detect/engine.ts';
import type { Sweep } from '../detect/sweep.ts';
import type { Log, LogRecord, NewRecord } from '../log/log.ts';
import { LaneMarks } from './lane-marks.ts';
import { createTurns } from './serial.ts';
import { TOPICS } from './topics.ts';

/** Keys of the baselines log that are no tokens begin with a NUL, which no token id contains. */
const RESERVED = '\u0000';
const LAYOUT_KEY = `${RESERVED}layout/`;
const ORIGIN_KEY = `${RESERVED}origin`;
const LANES_KEY = `${RESERVED}lanes`;
const FLEET_KEY = `${RESERVED}fleet`;
const SWEEP_KEY = `${RESERVED}sweep`;

/** What a partition of the baselines log says beside the tokens' records. */
interface Restored {
  /** Layouts in which records are written, by fingerprint. */
  readonly layouts: ReadonlyMap<string, Layout>;
  /** The life of the events log that the stamps count in; `undefined` when nothing was ever written. */
  readonly origin: string | undefined;
}

/** Reads a partition's token records back into an engine, and goes on as more are written. */
export class BaselineReader implements Restored {
  readonly engine: Engine;
  readonly layouts = new Map<string, Layout>();
  origin: string | undefined;
  /** Which events the partition has, as far as lanes go. */
  marks = new LaneMarks();
  /** Records in a layout that nobody knows any more, or older than one already read: a lost owner's, come late. */
  passedOverCount = 0;
  readonly #partition: number;
  readonly #wanted: (token: string) => boolean;
  #position = 0;
  readonly #inTurn = createTurns();

  /** @param wanted restores only these tokens; default: all */
  constructor(partition: number, engine: Engine, wanted: (token: string) => boolean = () => true) {
    this.#partition = partition;
    this.engine = engine;
    this.#wanted = wanted;
  }

  /** Reads to the end of the log as it is now. One reading at a time: another waits for it, and goes on where it came to, failed or not. */
  readOn(log: Log): Promise<void> {
    return this.#inTurn(async () => {
      for await (const batch of this.#unread(log)) for (const record of batch) this.#take(record);
    });
  }

  /**
   * Looks at what has come since, while the partition is in our hands: what is not our own was sent by a lost owner, and has arrived late. What it
   * wrote over is to be written once more, long before compaction leaves the last record of a key only.
   *
   * @returns how many tokens that are
   */
  lookForLate(log: Log): Promise<number> {
    return this.#inTurn(() => this.#lookForLate(log));
  }

  async #lookForLate(log: Log): Promise<number> {
    const { engine, marks } = this;
    const outdated = new Set<string>();
    let lanes = '';
    let fleet: Uint8Array | null = null;
    let touched = 0;
    try {
      for await (const batch of this.#unread(log)) {
        for (const { key, value } of batch) {
          if (key === LANES_KEY) lanes = value?.toString() ?? '';
          if (key === FLEET_KEY) fleet = value;
          if (key === null || key.startsWith(RESERVED)) continue;
          if (engine.isOutdated(key, value)) outdated.add(key);
          else outdated.delete(key);
        }
      }
    } finally {
      // Also when the rest could not be read: what was is not looked at again.
      for (const token of outdated) touched += Number(engine.touch(token));
      if (lanes !== '') marks.writeOver(lanes);
      if (fleet !== null) engine.fleet.writeOver(fleet);
    }
    return touched;
  }

  async *#unread(log: Log): AsyncGenerator<readonly LogRecord[]> {
    for await (const batch of log.read(TOPICS.baselines, this.#partition, { from: this.#position })) {
      yield batch;
      this.#position = (batch.at(-1)?.offset ?? this.#position - 1) + 1;
    }
  }

  #take({ key, value }: LogRecord): void {
    const { engine, layouts } = this;
    if (key === null) return;
    if (value === null) {
      if (!engine.places.takeTombstone(key)) engine.touch(key);
    } else if (key === ORIGIN_KEY) {
      this.origin = value.toString();
      // What was read so far counts in another life of the events log, and what follows would seem older.
      engine.resetStamps();
      this.marks = new LaneMarks();
    } else if (key === SWEEP_KEY) engine.places.sweep(JSON.parse(value.toString()) as Sweep);
    else if (key === LANES_KEY) {
      if (!this.marks.restore(value.toString())) this.passedOverCount += 1;
    } else if (key === FLEET_KEY) {
      if (!engine.fleet.restore(value)) this.passedOverCount += 1;
    } else if (key.startsWith(LAYOUT_KEY))
      layouts.set(key.slice(LAYOUT_KEY.length), JSON.parse(value.toString()) as Layout);
    else if (this.#wanted(key) && !engine.restore(key, value, (fingerprint) => layouts.get(fingerprint))) {
      this.passedOverCount += 1;
      // Compaction would keep the older record, since it came later: ours is written after it once more.
      engine.touch(key);
    }
  }
}

/** What must be in the log before records of this layout, stamped in this life of the events log, are. */
export function factsToWrite(
  engine: Engine,
  restored: Restored,
  origin: string,
  partition: number,
): readonly NewRecord[] {
  const { layout } = engine;
  const facts: NewRecord[] = [];
  if (restored.origin !== origin) facts.push({ key: ORIGIN_KEY, value: Buffer.from(origin), partition });
  if (!restored.layouts.has(layout.fingerprint)) {
    facts.push({ key: LAYOUT_KEY + layout.fingerprint, value: Buffer.from(JSON.stringify(layout)), partition });
  }
  return facts;
}

/**
 * Everything that changed, to be written in this order: what was forgotten makes room for what comes after it, the fleet has no day before its
 * tokens' records, and the marks say that their events are in all records before them.
 */
export function changesToWrite(engine: Engine, marks: LaneMarks, position: number, partition: number): NewRecord[] {
  const records: NewRecord[] = engine.places.takeForgotten().map((key) => ({ key, value: null, partition }));
  for (const { token, snapshot } of engine.takeDirty()) records.push({ key: token, value: snapshot, partition });
  const fleet = engine.fleet.takeSnapshot();
  if (fleet !== undefined) records.push({ key: FLEET_KEY, value: fleet, partition });
  const text = marks.take(position);
  if (text !== undefined) records.push({ key: LANES_KEY, value: Buffer.from(text), partition });
  return records;
}

/** A sweep, to be written when everything before it is, and before it is done: whoever reads it does the same to the records before it. */
export function sweepToWrite(sweep: Sweep, partition: number): NewRecord {
  return { key: SWEEP_KEY, value: Buffer.from(JSON.stringify(sweep)), partition };
}

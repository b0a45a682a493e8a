import type { Layout } from '../baseline/layout.ts';
import type { Engine } from '../detect/engine.ts';
import type { Sweep } from '../detect/sweep.ts';
import type { Log, NewRecord } from '../log/log.ts';
import { LaneMarks } from './lane-marks.ts';
import { TOPICS } from './topics.ts';

/** Keys of the baselines log that are no tokens begin with a NUL, which no token id contains. */
const LAYOUT_KEY = '\u0000layout/';
const ORIGIN_KEY = '\u0000origin';
const LANES_KEY = '\u0000lanes';
const SWEEP_KEY = '\u0000sweep';

/** What a partition of the baselines log says beside the tokens' records. */
export interface Restored {
  /** Fingerprints of the layouts in which records are written. */
  readonly layouts: ReadonlySet<string>;
  /** The life of the events log that the stamps count in; `undefined` when nothing was ever written. */
  readonly origin: string | undefined;
  /** Which events the partition has, as far as lanes go. */
  readonly marks: LaneMarks;
  /** Records in a layout that nobody knows any more, or older than one already read. */
  readonly passedOverCount: number;
}

/** Reads a partition's token records back into an engine. @param wanted restores only these tokens; default: all */
export async function restoreEngine(
  log: Log,
  partition: number,
  engine: Engine,
  wanted: (token: string) => boolean = () => true,
): Promise<Restored> {
  const layouts = new Map<string, Layout>();
  let marks = new LaneMarks();
  let origin: string | undefined;
  let passedOverCount = 0;
  for await (const batch of log.read(TOPICS.baselines, partition)) {
    for (const { key, value } of batch) {
      if (key === null) continue;
      if (value === null) {
        if (!engine.places.takeTombstone(key)) engine.touch(key);
      } else if (key === ORIGIN_KEY) {
        origin = value.toString();
        // What was read so far counts in another life of the events log, and what follows would seem older.
        engine.resetStamps();
        marks = new LaneMarks();
      } else if (key === SWEEP_KEY) engine.places.sweep(JSON.parse(value.toString()) as Sweep);
      else if (key === LANES_KEY) marks.restore(value.toString());
      else if (key.startsWith(LAYOUT_KEY))
        layouts.set(key.slice(LAYOUT_KEY.length), JSON.parse(value.toString()) as Layout);
      else if (wanted(key) && !engine.restore(key, value, (fingerprint) => layouts.get(fingerprint))) {
        passedOverCount += 1;
        // Compaction would keep the older record, since it came later: ours is written after it once more.
        engine.touch(key);
      }
    }
  }
  return { layouts: new Set(layouts.keys()), origin, marks, passedOverCount };
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
 * Everything that changed, to be written in this order: what was forgotten makes room for what comes after it, and the marks say that their
 * events are in the records before them.
 */
export function changesToWrite(engine: Engine, marks: LaneMarks, position: number, partition: number): NewRecord[] {
  const records: NewRecord[] = engine.places.takeForgotten().map((key) => ({ key, value: null, partition }));
  for (const { token, snapshot } of engine.takeDirty()) records.push({ key: token, value: snapshot, partition });
  const text = marks.take(position);
  if (text !== undefined) records.push({ key: LANES_KEY, value: Buffer.from(text), partition });
  return records;
}

/** A sweep, to be written when everything before it is, and before it is done: whoever reads it does the same to the records before it. */
export function sweepToWrite(sweep: Sweep, partition: number): NewRecord {
  return { key: SWEEP_KEY, value: Buffer.from(JSON.stringify(sweep)), partition };
}

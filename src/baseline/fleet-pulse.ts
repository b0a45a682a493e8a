import type { Field } from './record.ts';
import { DAY_MS, dayOf, hourOf } from './time.ts';

/** How much more the tokens of a partition do at present than they usually do, as a detector sees it beside one token's own volumes. */
export interface FleetPulseRead {
  /**
   * By how many powers of 2 a window of this length is fuller than usual, on average over the tokens in use: 1 for twice as full. 0 when it is not, or
   * hardly; `LEVEL_MAX` at most.
   */
  level(windowMs: number): number;
}

/** Read beside what a detector remembers of the token; takes no bytes of its record. */
export function fleetPulse(): Field<FleetPulseRead> {
  return { kind: 'fleet-pulse', version: 1, sizeBytes: 0, open: (view) => view.fleet.pulse };
}

/** Tokens by a keyed hash: nobody chooses whose group is whose, and one token is one of many. */
const GROUPS = 256;
/** What one group may say: eight times its usual. */
const LEVEL_MAX = 3;
/** The comings and goings of ordinary weeks. */
const IGNORED = 0.3;
/** So many groups are as usual, taken for granted: of few tokens, one that is robbed is many. */
const PRIOR_GROUPS = 8;
/** Spans of a group that must be known before it says anything, and after which old ones fade. */
const HOURS = { min: 24, max: 500 };
const DAYS = { min: 5, max: 60 };
/** How fast what is usual at an hour of the day follows. */
const USUAL_STEP = 0.1;
/** It is looked at after so many events, and an eighth of those of the hour so far. */
const LOOK_EVENTS = 16;
const LOOK_SHARE = 1 / 8;

/** Head: hour u32, its events u32, those since the last look u32, –, levels f64 × 3. */
const LEVELS_AT = 16;
const USUAL_AT = LEVELS_AT + 3 * 8;
const HOURS_AT = USUAL_AT + 24 * 4;
/** Open span u32, events in it f32, mean of closed ones f32, how many f32. */
const SPANS_BYTES = GROUPS * 16;
const SIZE_BYTES = HOURS_AT + 2 * SPANS_BYTES;

/**
 * Counts what a partition's tokens do in each hour and each day, in groups, beside what each group usually does (mean of log₂(1 + events) over its spans
 * with use). A function of the events alone, and of no token's record: whoever reads the same events has the same.
 */
export class FleetPulse implements FleetPulseRead {
  readonly #bytes = Buffer.alloc(SIZE_BYTES);
  readonly #head = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, 3);
  /** Of the hour before, of this one, of this day. */
  readonly #levels = new Float64Array(this.#bytes.buffer, this.#bytes.byteOffset + LEVELS_AT, 3);
  /** The level that each hour of the day usually has: mornings are no news. */
  readonly #usual = new Float32Array(this.#bytes.buffer, this.#bytes.byteOffset + USUAL_AT, 24);
  readonly #hours = new Spans(this.#bytes, HOURS_AT, HOURS);
  readonly #days = new Spans(this.#bytes, HOURS_AT + SPANS_BYTES, DAYS);

  level(windowMs: number): number {
    const levels = this.#levels;
    // An hour that has just begun says little of the minutes in it.
    const level = windowMs >= DAY_MS ? levels[2] : Math.max(levels[0] as number, levels[1] as number);
    return Math.max(0, (level as number) - IGNORED);
  }

  /** A token does something. @param user a keyed hash */
  add(at: number, user: number): void {
    const hour = hourOf(at);
    const head = this.#head;
    if (hour > (head[0] as number)) this.#turnTo(hour);
    const group = user % GROUPS;
    this.#hours.add(group, hour);
    this.#days.add(group, dayOf(at));
    head[1] = (head[1] as number) + 1;
    head[2] = (head[2] as number) + 1;
    if ((head[2] as number) >= LOOK_EVENTS + LOOK_SHARE * (head[1] as number)) this.#look();
  }

  /** All that is known, as `restore` takes it. */
  toBytes(): Buffer {
    return Buffer.from(this.#bytes);
  }

  /** Takes back what `toBytes` gave, in place of what is known. Bytes of another size are of another version, and leave nothing known. */
  restore(bytes: Buffer): void {
    if (bytes.length === SIZE_BYTES) this.#bytes.set(bytes);
    else this.#bytes.fill(0);
  }

  #look(): void {
    const hour = this.#head[0] as number;
    this.#head[2] = 0;
    this.#levels[1] = this.#hours.level(hour) - (this.#usual[hour % 24] as number);
    this.#levels[2] = this.#days.level(Math.floor(hour / 24));
  }

  #turnTo(hour: number): void {
    const before = this.#head[0] as number;
    const level = this.#hours.level(before);
    const usual = this.#usual[before % 24] as number;
    this.#usual[before % 24] = usual + USUAL_STEP * (level - usual);
    this.#levels.set([hour === before + 1 ? level - usual : 0, 0, this.#days.level(Math.floor(hour / 24))]);
    this.#head.set([hour, 0, 0]);
  }
}

/** log₂(1 + count) of the counts that groups mostly have: all of them are asked for at every look. */
const LOGS = Float64Array.from({ length: 1024 }, (_, count) => Math.log2(1 + count));

function logOf(count: number): number {
  return count < LOGS.length ? (LOGS[count] as number) : Math.log2(1 + count);
}

/** Spans of one length: what each group has done in its open one, and did in those before. */
class Spans {
  readonly #open: Uint32Array;
  readonly #counts: Float32Array;
  readonly #means: Float32Array;
  readonly #weights: Float32Array;
  readonly #known: { readonly min: number; readonly max: number };

  constructor({ buffer, byteOffset }: Buffer, offset: number, known: { readonly min: number; readonly max: number }) {
    const at = (column: number) => byteOffset + offset + column * GROUPS * 4;
    this.#open = new Uint32Array(buffer, at(0), GROUPS);
    this.#counts = new Float32Array(buffer, at(1), GROUPS);
    this.#means = new Float32Array(buffer, at(2), GROUPS);
    this.#weights = new Float32Array(buffer, at(3), GROUPS);
    this.#known = known;
  }

  /** An event of a group in a span. What comes late is of no span any more. */
  add(group: number, span: number): void {
    const open = this.#open[group] as number;
    if (span < open) return;
    if (span > open) {
      if (open > 0) this.#close(group);
      this.#open[group] = span;
      this.#counts[group] = 0;
    }
    this.#counts[group] = (this.#counts[group] as number) + 1;
  }

  #close(group: number): void {
    const weight = Math.min(this.#known.max, (this.#weights[group] as number) + 1);
    const mean = this.#means[group] as number;
    this.#weights[group] = weight;
    this.#means[group] = mean + (Math.log2(1 + (this.#counts[group] as number)) - mean) / weight;
  }

  /** How far the groups that are in use in a span are above their means so far, on average. */
  level(span: number): number {
    let sum = 0;
    let count = PRIOR_GROUPS;
    for (let group = 0; group < GROUPS; group++) {
      if (this.#open[group] !== span || (this.#weights[group] as number) < this.#known.min) continue;
      const above = logOf(this.#counts[group] as number) - (this.#means[group] as number);
      sum += Math.max(-LEVEL_MAX, Math.min(LEVEL_MAX, above));
      count += 1;
    }
    return sum / count;
  }
}

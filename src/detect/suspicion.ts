import { Moments, type Prior } from '../baseline/moments.ts';
import type { Field, RecordView } from '../baseline/record.ts';
import { tailBits } from '../baseline/tail.ts';
import { HOUR_MS } from '../baseline/time.ts';

/**
 * A sum of evidence over time, and how high it gets on the token's ordinary days; `gathering.ts` has those that are not compared with days.
 *
 * The sum is a CUSUM (Page 1954) with decay: `sum ← max(0, sum × decay + bits)`. Weak evidence adds up over minutes, ordinary events take some
 * back, and it can be tested at every event. What a sum means differs between tokens, so it is calibrated by the token's own daily maxima,
 * shrunk to what most tokens show.
 */
export interface Suspicion {
  readonly sum: number;
  /** Closed days that the calibration rests on. */
  readonly days: number;
  /** Mean of their maxima, bits; 0 before the first. */
  readonly usualDay: number;
  /** Adds one event's evidence; `undefined`: it has none, for or against. `decay` is what time has left of the sum, 0..1. Returns the new sum. */
  accumulate(bits: number | undefined, decay: number): number;
  /** How surprising a day with this maximum is for the token, in bits. */
  surprise(value: number, prior: Prior): number;
  /** How high it got on the days before this one, the latest counting most: half of it is forgotten in `LATELY_HALF_LIFE_DAYS`. */
  readonly lately: number;
  /** Sets the sum back to zero. @param alsoDays also how high it got today and lately: it was not the token's owner */
  clear(alsoDays: boolean): void;
  /** Has today begin with what the sum is now: what came before it is not to be learned. */
  restartDay(): void;
  /** Takes the finished day's maximum into the calibration and starts the next day of use, so many days later. */
  closeDay(prior: Prior, days: number): void;
  /** Where that is which days before have left, in bytes. */
  readonly daysBefore: { readonly offset: number; readonly sizeBytes: number };
}

/** Time after which half of a sum of evidence is gone, unless more comes. */
const SUM_HALF_LIFE_MS = 4 * HOUR_MS;

/** What time leaves of a sum, 0..1. */
export function keptAfter(ms: number): number {
  return 2 ** (-Math.max(0, ms) / SUM_HALF_LIFE_MS);
}

/** One loud day may shift the calibration by at most what this many deviations would: a theft must not make the next one look ordinary. */
const DAY_DEVIATIONS_MAX = 2.5;
export const DAYS_MAX = 60;
const DEVIATION_MIN = 0.5;
const LATELY_HALF_LIFE_DAYS = 3;
/** Bits that are forgotten unless they grow. */
const SUM_MIN = 0.1;

export const SUSPICION_BYTES = 24;

/** 24 bytes: sum f32, the day's maximum f32, moments of closed days' maxima (of which the last word is free), the latest days' maximum f32 in it. */
export function suspicion(): Field<Suspicion> {
  return { kind: 'suspicion', version: 1, sizeBytes: SUSPICION_BYTES, open: (view, offset) => new Cusum(view, offset) };
}

/** Their moments, and how high it got lately. */
const DAYS_BEFORE = { offset: 8, sizeBytes: 16 };
const NO_PRIOR: Prior = { mean: 0, deviation: 0, weight: 0 };

/** In words. */
const LATELY_AT = 5;

/** A sum after another event. @param decay what time has left of it, 0..1 */
export function accumulated(before: number, bits: number, decay: number): number {
  const faded = before * decay + bits;
  // Nothing fades to nothing by itself, and to weigh what is next to nothing costs as much as to weigh a theft.
  return faded < 0 || (bits <= 0 && faded < SUM_MIN) ? 0 : faded;
}

export class Cusum implements Suspicion {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #days: Moments;
  readonly daysBefore = DAYS_BEFORE;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
    this.#days = new Moments(view, offset + DAYS_BEFORE.offset, DAYS_MAX);
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get sum(): number {
    return this.#view.f32[this.#at] ?? 0;
  }

  get days(): number {
    return this.#days.weight;
  }

  get usualDay(): number {
    return this.days === 0 ? 0 : this.#days.mean(NO_PRIOR);
  }

  accumulate(bits: number | undefined, decay: number): number {
    return this.rise(accumulated(this.sum, bits ?? 0, decay));
  }

  /** Keeps a sum, and the day's highest. */
  protected rise(sum: number): number {
    this.#view.f32[this.#at] = sum;
    if (sum > 0 && sum > this.#highest) this.#view.f32[this.#at + 1] = sum;
    return sum;
  }

  get #highest(): number {
    return this.#view.f32[this.#at + 1] ?? 0;
  }

  surprise(value: number, prior: Prior): number {
    return tailBits(this.#days.deviationsAbove(value, prior, DEVIATION_MIN));
  }

  get lately(): number {
    return this.#view.f32[this.#at + LATELY_AT] ?? 0;
  }

  clear(alsoDays: boolean): void {
    const { f32 } = this.#view;
    f32[this.#at] = 0;
    if (!alsoDays) return;
    f32[this.#at + 1] = 0;
    f32[this.#at + LATELY_AT] = 0;
  }

  restartDay(): void {
    this.#view.f32[this.#at + 1] = this.sum;
  }

  closeDay(prior: Prior, days: number): void {
    const { f32 } = this.#view;
    f32[this.#at + LATELY_AT] = Math.max(this.lately, this.#highest) * 2 ** (-days / LATELY_HALF_LIFE_DAYS);
    const limit = this.#days.mean(prior) + DAY_DEVIATIONS_MAX * this.#days.deviation(prior, DEVIATION_MIN);
    this.#days.add(Math.min(this.#highest, limit), 1);
    f32[this.#at + 1] = 0;
  }
}

import { aboutText, type Fact, type Tellable } from './facts.ts';
import { Moments, type Prior } from './moments.ts';
import type { Field, RecordView } from './record.ts';
import { dayOf } from './time.ts';

export interface WeeklyDriftRead {
  /** Days that were compared with their weekday, as far as the spread rests on them. */
  readonly observations: number;
  /**
   * How far days have been above their weekdays, lately, the day that ends before this instant included, in deviations; `undefined` while that day
   * is still open.
   */
  closing(at: number): number | undefined;
  /** The day on which it was last added to, in days since the epoch; 0: never. */
  readonly openDay: number;
  /** By which factor the open day exceeds what is usual on its weekday, so far. 1: nobody knows. */
  readonly growth: number;
}

export interface WeeklyDriftWrite extends WeeklyDriftRead {
  add(amount: number, at: number): void;
}

const WEEK = 7;
/** The epoch was a Thursday. */
const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'] as const;
/** log₂ of a day's amount less what is usual on its weekday, as most tokens show it. */
const PRIOR: Prior = { mean: 0, deviation: 0.5, weight: 2 };
/** A job that varies less than this by itself still has odd days. */
const DEVIATION_MIN = 0.12;
const WEIGHT_MAX = 60;
/** Deviations that an ordinary day may be above (CUSUM's reference value). */
const SLACK = 0.4;
/** One day, however loud, is no drift; and however quiet, no end of one. */
const STEP_MAX = 3;
const STEP_MIN = -1.5;
/** One odd day says so much of how much days vary, in deviations: a quarter's end must not hide the drift after it. */
const OUTLIER_MAX = 2.5;
/** What the next day leaves of a drift that does not go on. */
const KEPT = 0.97;
/** How far a weekday's usual amount follows its latest one. */
const FOLLOWS = 0.3;

/**
 * Whether a token does more day by day: each day is compared with what is usual on its weekday, so that neither working days nor a weekend's quiet
 * are news, and what stays above is summed (CUSUM, Page 1954). Finds growth that no single day shows. 64 bytes.
 *
 * Layout: 1 + log₂(1 + amount) usual on each weekday f32 × 7 (0: never used), the open day u32, its amount f32, least weight f32, drift f32,
 * four bytes that are free, moments of the differences.
 */
export function weeklyDrift(): Field<WeeklyDriftRead, WeeklyDriftWrite> {
  return { kind: 'weekly-drift', version: 1, sizeBytes: 64, open: (view, offset) => new WeeklyDrift(view, offset) };
}

const OPEN_DAY = 7;
const AMOUNT = 8;
const LEAST_WEIGHT = 9;
const DRIFT = 10;
const MOMENTS_BYTES = 48;

class WeeklyDrift implements WeeklyDriftWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #differences: Moments;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
    this.#differences = new Moments(view, offset + MOMENTS_BYTES, WEIGHT_MAX);
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get observations(): number {
    return this.#differences.weight;
  }

  get openDay(): number {
    return this.#view.u32[this.#at + OPEN_DAY] ?? 0;
  }

  get growth(): number {
    return 2 ** (this.#difference(this.openDay) ?? 0);
  }

  facts(): readonly Fact[] {
    const { f32 } = this.#view;
    const value = DAYS.flatMap((name, day) => {
      const usual = f32[this.#at + day] ?? 0;
      return usual === 0 ? [] : [`${name} ${aboutText(2 ** (usual - 1) - 1)}`];
    });
    return value.length === 0 ? [] : [{ what: 'in a day', value }];
  }

  closing(at: number): number | undefined {
    const { openDay } = this;
    return openDay === 0 || dayOf(at) <= openDay ? undefined : this.#driftWith(this.#difference(openDay));
  }

  add(amount: number, at: number): void {
    const { f32, u32, weight } = this.#view;
    const index = this.#at;
    const { openDay } = this;
    const day = dayOf(at);
    // What is late counts towards the open day.
    if (day > openDay) {
      if (openDay > 0) this.#close(openDay);
      u32[index + OPEN_DAY] = day;
      f32[index + AMOUNT] = 0;
      f32[index + LEAST_WEIGHT] = 1;
    }
    f32[index + AMOUNT] = (f32[index + AMOUNT] ?? 0) + amount;
    f32[index + LEAST_WEIGHT] = Math.min(f32[index + LEAST_WEIGHT] ?? 1, weight);
  }

  #close(openDay: number): void {
    const { f32 } = this.#view;
    const index = this.#at;
    const difference = this.#difference(openDay);
    f32[index + DRIFT] = this.#driftWith(difference);
    if (difference !== undefined) this.#learn(difference, f32[index + LEAST_WEIGHT] ?? 1);
    const usual = index + (openDay % WEEK);
    f32[usual] =
      difference === undefined
        ? this.#logOfOpen
        : (f32[usual] ?? 0) + FOLLOWS * (f32[index + LEAST_WEIGHT] ?? 1) * difference;
  }

  #learn(difference: number, weight: number): void {
    const mean = this.#differences.mean(PRIOR);
    const reach = OUTLIER_MAX * this.#differences.deviation(PRIOR, DEVIATION_MIN);
    this.#differences.add(Math.min(mean + reach, Math.max(mean - reach, difference)), weight);
  }

  /** 0 is for days without use. */
  get #logOfOpen(): number {
    return 1 + Math.log2(1 + (this.#view.f32[this.#at + AMOUNT] ?? 0));
  }

  #difference(openDay: number): number | undefined {
    const before = this.#view.f32[this.#at + (openDay % WEEK)] ?? 0;
    return before === 0 ? undefined : this.#logOfOpen - before;
  }

  #driftWith(difference: number | undefined): number {
    const kept = KEPT * (this.#view.f32[this.#at + DRIFT] ?? 0);
    if (difference === undefined) return kept;
    const above = this.#differences.deviationsAbove(difference, PRIOR, DEVIATION_MIN);
    return Math.max(0, kept + Math.max(STEP_MIN, Math.min(STEP_MAX, above)) - SLACK);
  }
}

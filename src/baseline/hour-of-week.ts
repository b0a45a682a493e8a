import type { Fact, Tellable } from './facts.ts';
import type { Field, RecordView } from './record.ts';
import { dayOf, hourOf, hourOfWeekOf } from './time.ts';

export interface HourOfWeekRead {
  /** Active hours learned, fading as old weeks are halved away. */
  readonly observations: number;
  /** Whether this very hour was counted already. */
  counted(at: number): boolean;
  /**
   * Probability that an active hour of the owner's is this hour of the week, neighbouring hours smoothed in. Shrunk towards the hour of the day,
   * worth `priorWeight` active hours, and that towards all hours alike: a nightly job is known to be one after a few nights.
   */
  probability(at: number, priorWeight: number): number;
}

export interface HourOfWeekWrite extends HourOfWeekRead {
  /** Counts the hour of `at` as active, once. */
  add(at: number): void;
}

const CELLS = 168;
/** Steps a cell moves for one fully learned active hour. */
const STEP = 8;
const CELL_MAX = 255;
/** How many of the token's days it is worth that all hours of the day are alike. */
const PRIOR_DAYS = 8;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
/** An hour is told as usual if it is so often as the most usual one. */
const USUAL_SHARE = 0.25;

/**
 * When a token is active: an hour-of-week histogram of active hours, not of events. 184 bytes: hours f32, days f32, last hour u32, 168 cells, –.
 */
export function hourOfWeek(): Field<HourOfWeekRead, HourOfWeekWrite> {
  return { kind: 'hour-of-week', version: 1, sizeBytes: 184, open: (view, offset) => new HourOfWeek(view, offset) };
}

class HourOfWeek implements HourOfWeekWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get #head(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get #cells(): number {
    return this.#view.base + this.#offset + 12;
  }

  get observations(): number {
    return (this.#view.f32[this.#head] ?? 0) / STEP;
  }

  get #days(): number {
    return this.#view.f32[this.#head + 1] ?? 0;
  }

  /** The hours of one day say the same thing again and again, so what is taken for granted is measured in days. */
  get #hoursPerDay(): number {
    return Math.max(1, this.observations / Math.max(1, this.#days));
  }

  counted(at: number): boolean {
    // What comes late, from another lane, must not have both hours counted anew at every turn.
    return hourOf(at) <= (this.#view.u32[this.#head + 2] as number);
  }

  probability(at: number, priorWeight: number): number {
    const hour = hourOfWeekOf(at);
    let sameHour = 0;
    for (let day = 0; day < 7; day++) sameHour += this.#smoothed((hour + 24 * day) % CELLS);
    const { observations } = this;
    const prior = PRIOR_DAYS * this.#hoursPerDay;
    const ofDay = (sameHour / STEP + prior / 24) / (observations + prior);
    return (this.#smoothed(hour) / STEP + (priorWeight * ofDay) / 7) / (observations + priorWeight);
  }

  facts(): readonly Fact[] {
    const days = DAYS.map((_, day) => this.#hoursOn(day));
    const value = DAYS.flatMap((name, day) => {
      const hours = days[day] as string;
      if (hours === '' || (day > 0 && days[day - 1] === hours)) return [];
      let last = day;
      while (days[last + 1] === hours) last += 1;
      return [`${name}${last === day ? '' : `–${DAYS[last]}`} ${hours}`];
    });
    return value.length === 0 ? [] : [{ what: 'UTC', value }];
  }

  /** The hours of a day of the week that are usual: `8–18, 22`. */
  #hoursOn(day: number): string {
    const { u8 } = this.#view;
    const cells = [...u8.subarray(this.#cells, this.#cells + CELLS)];
    const usual = Math.max(STEP, Math.max(...cells) * USUAL_SHARE);
    const isUsual = (hour: number) => hour < 24 && (cells[24 * day + hour] as number) >= usual;
    const spans: string[] = [];
    for (let hour = 0; hour < 24; hour++) {
      if (!isUsual(hour)) continue;
      const from = hour;
      while (isUsual(hour + 1)) hour += 1;
      spans.push(`${from}–${hour + 1}`);
    }
    return spans.join(', ');
  }

  add(at: number): void {
    if (this.counted(at)) return;
    const { f32, u8, u32, weight } = this.#view;
    const isNewDay = dayOf(at) !== Math.floor((u32[this.#head + 2] ?? 0) / 24);
    if (isNewDay) f32[this.#head + 1] = this.#days + weight;
    u32[this.#head + 2] = hourOf(at);
    const step = Math.round(STEP * weight);
    const cell = this.#cells + hourOfWeekOf(at);
    if ((u8[cell] ?? 0) + step > CELL_MAX) this.#halve();
    u8[cell] = (u8[cell] ?? 0) + step;
    f32[this.#head] = (f32[this.#head] ?? 0) + step;
  }

  #smoothed(hour: number): number {
    const { u8 } = this.#view;
    const cells = this.#cells;
    const before = u8[cells + ((hour + CELLS - 1) % CELLS)] ?? 0;
    const after = u8[cells + ((hour + 1) % CELLS)] ?? 0;
    return 0.5 * (u8[cells + hour] ?? 0) + 0.25 * (before + after);
  }

  #halve(): void {
    const { f32, u8 } = this.#view;
    let total = 0;
    for (let i = this.#cells; i < this.#cells + CELLS; i++) {
      u8[i] = (u8[i] ?? 0) >> 1;
      total += u8[i] ?? 0;
    }
    f32[this.#head] = total;
    f32[this.#head + 1] = this.#days / 2;
  }
}

import type { Fact } from './facts.ts';
import type { Field, RecordView } from './record.ts';

export interface ActiveDaysRead {
  facts(): readonly Fact[];
  /** Share of the calendar's days on which the token is used, above 0 and at most 1: the token's own, shrunk towards every day while few are known. */
  readonly share: number;
}

export interface ActiveDaysWrite extends ActiveDaysRead {
  /** A day with use has begun, so many days after the one before. */
  beginDay(daysSince: number): void;
}

const HALF_LIFE_DAYS = 90;
const KEPT_A_DAY = 2 ** (-1 / HALF_LIFE_DAYS);
/** Days of use on every day that are taken for granted. */
const PRIOR_DAYS = 10;

/**
 * On how many of the calendar's days a token is used. Both counts fade with a half-life of `HALF_LIFE_DAYS`. 8 bytes: days with use f32, days
 * of the calendar f32.
 */
export function activeDays(): Field<ActiveDaysRead, ActiveDaysWrite> {
  return { kind: 'active-days', version: 1, sizeBytes: 8, open: (view, offset) => new ActiveDays(view, offset) };
}

class ActiveDays implements ActiveDaysWrite {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get share(): number {
    const { f32 } = this.#view;
    return Math.min(1, ((f32[this.#at] ?? 0) + PRIOR_DAYS) / ((f32[this.#at + 1] ?? 0) + PRIOR_DAYS));
  }

  facts(): readonly Fact[] {
    return [{ what: 'days in use', value: `${Math.round(20 * this.share) * 5} % of the calendar’s` }];
  }

  beginDay(daysSince: number): void {
    const { f32 } = this.#view;
    const kept = KEPT_A_DAY ** daysSince;
    f32[this.#at] = (f32[this.#at] ?? 0) * kept + 1;
    // A geometric series: each of the days between fades on its own.
    f32[this.#at + 1] = (f32[this.#at + 1] ?? 0) * kept + (1 - kept) / (1 - KEPT_A_DAY);
  }
}

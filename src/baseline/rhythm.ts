import { clockText } from '../domain/words.ts';
import { aboutText, type Fact, type Tellable } from './facts.ts';
import { takeIn } from './moments.ts';
import type { Field, RecordView } from './record.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from './time.ts';

export interface RhythmRead {
  /** Uses learned from, the latest `WEIGHT_MAX` at most. */
  readonly observations: number;
  /** How odd a use is by its hour and by how many there were within a day, in bits: 0 for the most usual one. */
  surprise(at: number): number;
  /** The part of it that is the hour's. */
  hourSurprise(at: number): number;
  /** Uses within a day until then, this one included, the later ones counting more. */
  usesWithinDay(at: number): number;
  /** What that usually is. */
  readonly usualUses: number;
  /** Around which hour of the day most uses are, 0 to 24, UTC. */
  readonly usualHour: number;
}

export interface RhythmWrite extends RhythmRead {
  add(at: number): void;
}

const WEIGHT_MAX = 500;
/** Even the steadiest token varies by two hours, and by a factor of 1.7: the variance of both, in radians and in logarithms. */
const VARIANCE_MIN = 0.3;
/** What is taken for granted of both variances before a token has shown its own. */
const PRIOR = { variance: 0.5, weight: 30 };
/** Of Student's distribution: how heavy its tails are. */
const FREEDOM = 3;

/** Where means stand, in words: of the logarithm of uses, of the hour's sine and cosine. Their variances come next. */
const USES_AT = 3;
const SINE_AT = 5;
const COSINE_AT = 7;

/**
 * At which hours of the day a token is used, and how many uses come within a day: mean and variance of each, over its uses. A use is compared with all of
 * it at once, by Student's distributions (independent ones, the hour as a point on a circle: Mardia and Jupp 2000). 40 bytes: uses known f32, last use u32
 * (seconds), uses within a day f32, then mean and variance f32 of their logarithm, of the hour's sine and of its cosine, –.
 */
export function rhythm(): Field<RhythmRead, RhythmWrite> {
  return { kind: 'rhythm', version: 1, sizeBytes: 40, open: (view, offset) => new Rhythm(view, offset) };
}

class Rhythm implements RhythmWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  /** Of the time asked for last: who asks for its surprise adds it next. */
  #circleAt = Number.NaN;
  #sine = 0;
  #cosine = 0;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get observations(): number {
    return this.#view.f32[this.#at] ?? 0;
  }

  get usualUses(): number {
    return Math.expm1(this.#view.f32[this.#at + USES_AT] ?? 0);
  }

  get usualHour(): number {
    const { f32 } = this.#view;
    const angle = Math.atan2(f32[this.#at + SINE_AT] ?? 0, f32[this.#at + COSINE_AT] ?? 0);
    return ((24 * angle) / (2 * Math.PI) + 24) % 24;
  }

  usesWithinDay(at: number): number {
    const { f32, u32 } = this.#view;
    const sinceMs = Math.max(0, at - (u32[this.#at + 1] ?? 0) * SECOND_MS);
    return (f32[this.#at + 2] ?? 0) * Math.exp(-sinceMs / DAY_MS) + 1;
  }

  surprise(at: number): number {
    return bitsOf(this.#usesOdds(at) * this.#hourOdds(at));
  }

  hourSurprise(at: number): number {
    return bitsOf(this.#hourOdds(at));
  }

  facts(): readonly Fact[] {
    if (this.observations === 0) return [];
    const { f32 } = this.#view;
    const concentration = Math.hypot(f32[this.#at + SINE_AT] ?? 0, f32[this.#at + COSINE_AT] ?? 0);
    return [
      { what: 'uses within a day', value: aboutText(this.usualUses) },
      {
        what: 'hours',
        value:
          concentration < 0.3 ? 'all over the day' : `around ${clockText(Math.round(this.usualHour) * HOUR_MS)} UTC`,
      },
    ];
  }

  add(at: number): void {
    const { f32, u32, weight } = this.#view;
    const index = this.#at;
    const uses = this.usesWithinDay(at);
    const known = Math.min(this.observations, WEIGHT_MAX - weight);
    if (known + weight > 0) {
      this.#turnTo(at);
      takeIn(f32, index + USES_AT, Math.log1p(uses), known, weight);
      takeIn(f32, index + SINE_AT, this.#sine, known, weight);
      takeIn(f32, index + COSINE_AT, this.#cosine, known, weight);
      f32[index] = known + weight;
    }
    f32[index + 2] = uses;
    u32[index + 1] = Math.max(u32[index + 1] ?? 0, Math.floor(Math.max(0, at) / SECOND_MS));
  }

  #usesOdds(at: number): number {
    return this.#odds(USES_AT, Math.log1p(this.usesWithinDay(at)));
  }

  #hourOdds(at: number): number {
    this.#turnTo(at);
    return this.#odds(SINE_AT, this.#sine) * this.#odds(COSINE_AT, this.#cosine);
  }

  /** How much less likely than the mean a value is, before the power that Student's distribution has. */
  #odds(place: number, value: number): number {
    const { f32 } = this.#view;
    const off = value - (f32[this.#at + place] ?? 0);
    const known = this.observations;
    const own = f32[this.#at + place + 1] ?? 0;
    const variance = (known * own + PRIOR.weight * PRIOR.variance) / (known + PRIOR.weight);
    return 1 + (off * off) / (FREEDOM * (variance + VARIANCE_MIN));
  }

  #turnTo(at: number): void {
    if (at === this.#circleAt) return;
    const angle = (2 * Math.PI * (at % DAY_MS)) / DAY_MS;
    this.#circleAt = at;
    this.#sine = Math.sin(angle);
    this.#cosine = Math.cos(angle);
  }
}

function bitsOf(odds: number): number {
  return ((FREEDOM + 1) / 2) * Math.log2(odds);
}

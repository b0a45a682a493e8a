import { aboutText, type Fact, type Tellable } from './facts.ts';
import type { Field, RecordView } from './record.ts';

/** What is taken for granted about a value before a token has shown its own: worth `weight` observations. */
export interface Prior {
  readonly mean: number;
  readonly deviation: number;
  readonly weight: number;
}

/** Mean and spread of a value, as far as they are known. */
export interface MomentsRead {
  /** Effective number of observations, at most `weightMax`. */
  readonly weight: number;
  /** Mean of the observations, shrunk towards the prior's. */
  mean(prior: Prior): number;
  /** Standard deviation, shrunk towards the prior's; never below `deviationMin`. */
  deviation(prior: Prior, deviationMin: number): number;
  /** How many of these deviations `value` lies above the mean. */
  deviationsAbove(value: number, prior: Prior, deviationMin: number): number;
  /** Whether it is not more than `deviations` of them above the mean: the same, but for the root and the division. */
  isWithin(deviations: number, value: number, prior: Prior, deviationMin: number): boolean;
}

export interface MomentsWrite extends MomentsRead {
  add(value: number): void;
}

/** A value in words, as it is told to people: a logarithm says little. */
export type ToldValue = (value: number) => string;

/**
 * Decayed mean and variance (West 1979, with the weight capped so that old observations fade at rate 1/`weightMax`). 16 bytes.
 */
export function moments(options: {
  readonly weightMax: number;
  readonly told?: ToldValue;
}): Field<MomentsRead, MomentsWrite> {
  return {
    kind: 'moments',
    version: 1,
    sizeBytes: 16,
    open: (view, offset) => new Moments(view, offset, options.weightMax, options.told),
  };
}

/** Opened by `moments()`, and by the fields that keep moments among other things. */
export class Moments implements MomentsWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #weightMax: number;
  readonly #told: ToldValue;

  constructor(view: RecordView, offset: number, weightMax: number, told: ToldValue = (value) => value.toFixed(1)) {
    this.#view = view;
    this.#offset = offset;
    this.#weightMax = weightMax;
    this.#told = told;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get weight(): number {
    return this.#view.f32[this.#at] ?? 0;
  }

  mean(prior: Prior): number {
    const weight = this.weight;
    const own = this.#view.f32[this.#at + 1] ?? 0;
    return (weight * own + prior.weight * prior.mean) / (weight + prior.weight);
  }

  deviation(prior: Prior, deviationMin: number): number {
    return this.#deviationAround(this.mean(prior), prior, deviationMin);
  }

  deviationsAbove(value: number, prior: Prior, deviationMin: number): number {
    const mean = this.mean(prior);
    return (value - mean) / this.#deviationAround(mean, prior, deviationMin);
  }

  isWithin(deviations: number, value: number, prior: Prior, deviationMin: number): boolean {
    const mean = this.mean(prior);
    const above = value - mean;
    if (above <= 0) return deviations >= 0;
    const variance = Math.max(deviationMin * deviationMin, this.#varianceAround(mean, prior));
    return deviations > 0 && above * above <= deviations * deviations * variance;
  }

  #deviationAround(mean: number, prior: Prior, deviationMin: number): number {
    return Math.max(deviationMin, Math.sqrt(this.#varianceAround(mean, prior)));
  }

  #varianceAround(mean: number, prior: Prior): number {
    const { f32 } = this.#view;
    const at = this.#at;
    const weight = f32[at] ?? 0;
    const ownOff = (f32[at + 1] ?? 0) - mean;
    const priorOff = prior.mean - mean;
    const total =
      weight * ((f32[at + 2] ?? 0) + ownOff * ownOff) +
      prior.weight * (prior.deviation * prior.deviation + priorOff * priorOff);
    return total / (weight + prior.weight);
  }

  facts(): readonly Fact[] {
    const { f32 } = this.#view;
    if (this.weight === 0) return [];
    const mean = f32[this.#at + 1] as number;
    const deviation = Math.sqrt(f32[this.#at + 2] as number);
    return [
      { what: 'mean', value: this.#told(mean) },
      { what: 'mostly', value: `${this.#told(mean - deviation)} to ${this.#told(mean + deviation)}` },
      { what: 'observations', value: aboutText(this.weight) },
    ];
  }

  add(value: number, weight = this.#view.weight): void {
    const f32 = this.#view.f32;
    const at = this.#at;
    const before = Math.min(f32[at] ?? 0, this.#weightMax - weight);
    const after = before + weight;
    if (after <= 0) return;
    f32[at] = after;
    takeIn(f32, at + 1, value, before, weight);
  }
}

/**
 * Takes a value into a mean and the variance in the word after it (West 1979).
 *
 * @param at of the mean, in words
 * @param before what both rest on; with the value's own weight above 0
 */
export function takeIn(f32: Float32Array, at: number, value: number, before: number, weight: number): void {
  const after = before + weight;
  const mean = f32[at] ?? 0;
  const variance = f32[at + 1] ?? 0;
  const step = ((value - mean) * weight) / after;
  f32[at] = mean + step;
  f32[at + 1] = (before * (variance + step * step) + weight * (value - mean - step) ** 2) / after;
}

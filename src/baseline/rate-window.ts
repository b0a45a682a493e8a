import { aboutText, type Fact, spanText, type Tellable } from './facts.ts';
import { Moments, type Prior } from './moments.ts';
import type { Field, RecordView } from './record.ts';
import { tailBits } from './tail.ts';

export interface RateWindowRead {
  /** Closed windows learned from, at most `WEIGHT_MAX`. */
  readonly closedCount: number;
  /** What the open window holds so far at the time `at`; 0 when the last event was in an earlier one. */
  open(at: number): number;
  /** The total that the token's own windows stay below `quantileDeviations` standard deviations above their mean. */
  usual(prior: Prior, quantileDeviations: number): number;
  /**
   * How surprising it is that one of the owner's windows holds `total` or more, in bits (see `tailBits`).
   *
   * @param level by how many powers of 2 windows are fuller than usual at present, whoever's they are; default 0
   */
  surprise(total: number, prior: Prior, level?: number): number;
  /**
   * Whether that is surely at most what `deviations` standard deviations are worth. Told without a logarithm or a root: so close to it, it may say
   * no where it is yes.
   */
  isOrdinary(total: number, prior: Prior, deviations: number): boolean;
}

export interface RateWindowWrite extends RateWindowRead {
  add(amount: number, at: number): void;
}

export interface RateWindowsRead {
  /** Shortest first. */
  readonly windows: readonly RateWindowRead[];
  /** Whether each of them is, with this amount more in it: see `RateWindowRead`. @param priors one a window */
  areOrdinary(amount: number, at: number, priors: readonly Prior[], deviations: number): boolean;
}

export interface RateWindowsWrite extends RateWindowsRead {
  add(amount: number, at: number): void;
}

const WINDOW_BYTES = 32;
/** Where the closed windows' weight and mean are, in 32-bit words. */
const MOMENTS_AT = 4;
const INT32_MAX = 2 ** 31 - 1;
const POWERS_INVERSE = Float64Array.from({ length: 32 }, (_, i) => 2 ** -i);
/** 1 + log₂ log₂ e − log₂ e, rounded up: how far log₂(1 + x) is above x at most, for x from 0 to 1. */
const LINE_ERROR_MAX = 0.0861;
const WEIGHT_MAX = 500;
/** In log₂ units: even the steadiest token varies by a third. */
const DEVIATION_MIN = 0.4;
/** What is told of a token is its own. */
const NO_PRIOR: Prior = { mean: 0, deviation: 0, weight: 0 };
/** About one window in a hundred holds more. */
const SELDOM_DEVIATIONS = 2.3;

/**
 * How much of something falls into windows of fixed length: the running sum of the open window beside mean and spread of the closed
 * ones, in log₂(1 + x), since such sums are closer to log-normal than to anything else. The open window can be tested at every event.
 * Only windows with any activity count: inactivity is another question. 32 bytes: window u32, sum f32, least weight f32, –, moments.
 */
export function rateWindow(options: { readonly windowMs: number }): Field<RateWindowRead, RateWindowWrite> {
  return {
    kind: `rate-window/${options.windowMs}`,
    version: 1,
    sizeBytes: WINDOW_BYTES,
    open: (view, offset) => new RateWindow(view, offset, options.windowMs),
  };
}

/**
 * Several windows of different lengths over the same amounts, shortest first, so that a burst is seen inside the short one and a drain in the
 * long. One field: detectors go through them at every event. 32 bytes each.
 */
export function rateWindows(options: {
  readonly windowsMs: readonly number[];
}): Field<RateWindowsRead, RateWindowsWrite> {
  return {
    kind: `rate-windows/${options.windowsMs.join('+')}`,
    version: 1,
    sizeBytes: WINDOW_BYTES * options.windowsMs.length,
    open: (view, offset) => new RateWindows(view, offset, options.windowsMs),
  };
}

/** Goes over all windows at once, and asks one by itself only when it has to: nearly every event is ordinary in all. */
class RateWindows implements RateWindowsWrite, Tellable {
  readonly windows: readonly RateWindow[];
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #windowsMs: readonly number[];

  constructor(view: RecordView, offset: number, windowsMs: readonly number[]) {
    this.#view = view;
    this.#offset = offset;
    this.#windowsMs = windowsMs;
    this.windows = windowsMs.map((windowMs, i) => new RateWindow(view, offset + i * WINDOW_BYTES, windowMs));
  }

  areOrdinary(amount: number, at: number, priors: readonly Prior[], deviations: number): boolean {
    const { f32, u32 } = this.#view;
    let index = (this.#view.base + this.#offset) >> 2;
    for (let i = 0; i < this.windows.length; i++, index += WINDOW_BYTES >> 2) {
      // Whole numbers far below 2^53: multiplied, they tell the same as divided, and sooner.
      const windowMs = this.#windowsMs[i] as number;
      const sinceMs = at - (u32[index] as number) * windowMs;
      const total = amount + (sinceMs >= 0 && sinceMs < windowMs ? (f32[index + 1] as number) : 0);
      const prior = priors[i] as Prior;
      const weight = f32[index + MOMENTS_AT] as number;
      const sum = weight * (f32[index + MOMENTS_AT + 1] as number) + prior.weight * prior.mean;
      // No more above the mean than the steadiest token may be: told without a division.
      if (deviations >= 0 && (logAtMost(total) - DEVIATION_MIN * deviations) * (weight + prior.weight) <= sum) continue;
      if (!(this.windows[i] as RateWindow).isOrdinary(total, prior, deviations)) return false;
    }
    return true;
  }

  facts(): readonly Fact[] {
    return this.windows.flatMap((window) => window.facts());
  }

  add(amount: number, at: number): void {
    const { f32, u32, weight } = this.#view;
    let index = (this.#view.base + this.#offset) >> 2;
    for (let i = 0; i < this.windows.length; i++, index += WINDOW_BYTES >> 2) {
      const windowMs = this.#windowsMs[i] as number;
      if (at - (u32[index] as number) * windowMs >= windowMs) {
        (this.windows[i] as RateWindow).add(amount, at);
        continue;
      }
      f32[index + 1] = (f32[index + 1] as number) + amount;
      if (weight < (f32[index + 2] as number)) f32[index + 2] = weight;
    }
  }
}

class RateWindow implements RateWindowWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #windowMs: number;
  readonly #closed: Moments;

  constructor(view: RecordView, offset: number, windowMs: number) {
    this.#view = view;
    this.#offset = offset;
    this.#windowMs = windowMs;
    this.#closed = new Moments(view, offset + 4 * MOMENTS_AT, WEIGHT_MAX);
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get closedCount(): number {
    return this.#closed.weight;
  }

  open(at: number): number {
    return this.#view.u32[this.#at] === this.#windowOf(at) ? (this.#view.f32[this.#at + 1] ?? 0) : 0;
  }

  usual(prior: Prior, quantileDeviations: number): number {
    const log = this.#closed.mean(prior) + quantileDeviations * this.#closed.deviation(prior, DEVIATION_MIN);
    return Math.max(0, 2 ** log - 1);
  }

  facts(): readonly Fact[] {
    if (this.closedCount === 0) return [];
    const [usual, seldomMore] = [0, SELDOM_DEVIATIONS].map((deviations) => aboutText(this.usual(NO_PRIOR, deviations)));
    return [{ what: `in ${spanText(this.#windowMs)}`, value: `${usual}, seldom above ${seldomMore}` }];
  }

  surprise(total: number, prior: Prior, level = 0): number {
    return tailBits(this.#closed.deviationsAbove(Math.log2(1 + total) - level, prior, DEVIATION_MIN));
  }

  isOrdinary(total: number, prior: Prior, deviations: number): boolean {
    return this.#closed.isWithin(deviations, logAtMost(total), prior, DEVIATION_MIN);
  }

  add(amount: number, at: number): void {
    const { f32, u32, weight } = this.#view;
    const index = this.#at;
    const window = this.#windowOf(at);
    const current = u32[index] ?? 0;
    // An event older than the open window can no longer change what was closed; it counts towards the open one.
    if (window > current) {
      if (current > 0) this.#closed.add(Math.log2(1 + (f32[index + 1] ?? 0)), f32[index + 2] ?? 0);
      u32[index] = window;
      f32[index + 1] = 0;
      f32[index + 2] = 1;
    }
    f32[index + 1] = (f32[index + 1] ?? 0) + amount;
    f32[index + 2] = Math.min(f32[index + 2] ?? 1, weight);
  }

  #windowOf(at: number): number {
    return Math.max(0, Math.floor(at / this.#windowMs));
  }
}

/** At most 0.09 above log₂(1 + total): between two powers of 2 their logarithm is nearly a straight line. */
function logAtMost(total: number): number {
  if (total >= INT32_MAX) return Math.log2(1 + total);
  const exponent = 31 - Math.clz32(1 + total);
  return exponent + (1 + total) * (POWERS_INVERSE[exponent] as number) - 1 + LINE_ERROR_MAX;
}

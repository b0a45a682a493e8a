/** What is taken for granted before any day was seen: an exponential distribution, worth so many days. */
export interface DayTailPrior {
  readonly mean: number;
  readonly days: number;
}

/** Width of a bin of a day's maximum. */
const BIN = 0.25;
const BINS = 240;
/** Above the value that this share of all days reaches, an exponential tail takes over from counting. */
const TAIL_SHARE = 0.1;
/** What the prior's mean is worth in the tail, in days that reach it. */
const TAIL_PRIOR_DAYS = 20;

/**
 * A day counts for no more than one that is so seldom by what is known: a theft must not make the next one look ordinary. Where such days come
 * often, they are seldom no more, and the next may be higher.
 */
const DAY_BITS_MAX = 10;

/**
 * A thousand tokens on one date are no thousand dates: what happens to one happens to others (a release, a holiday, the first Thursday that is
 * known). However many days are taken in at once, they count for so many.
 */
const DAYS_AT_ONCE = 20;

/** The bin of a day's maximum, 0..`BINS - 1`. */
export function binOf(value: number): number {
  return Math.min(BINS - 1, Math.max(0, Math.floor(value / BIN)));
}

/** An empty count of days by bin. */
export function emptyBins(): Uint32Array {
  return new Uint32Array(BINS);
}

/**
 * How seldom a day's maximum is as high as a value, over the days of many tokens: counted where there are days enough, and beyond that an
 * exponential tail through the mean excess (peaks over threshold with shape 0: Pickands 1975; Siffer et al. 2017).
 */
export class DayTail {
  readonly #prior: DayTailPrior;
  readonly #days = new Float64Array(BINS);
  /** Bits at the lower end of each bin up to the tail's beginning. */
  readonly #bits = new Float64Array(BINS + 1);
  #tailBin = 0;
  #bitsPerBin = 0;

  constructor(prior: DayTailPrior) {
    this.#prior = prior;
    this.#fit();
  }

  /** −log₂ of the share of days that reach the value. */
  bits(value: number): number {
    const place = value / BIN;
    const tailBin = this.#tailBin;
    const bits = this.#bits;
    if (place >= tailBin) return (bits[tailBin] as number) + (place - tailBin) * this.#bitsPerBin;
    const bin = Math.floor(place);
    const below = bits[bin] as number;
    return below + (place - bin) * ((bits[bin + 1] as number) - below);
  }

  /** Takes days in, by bin, after those known have faded. */
  add(fresh: Uint32Array, fadeFactor: number): void {
    const binMax = this.#binMax();
    const count = fresh.reduce((sum, days) => sum + days, 0);
    const weight = Math.min(1, DAYS_AT_ONCE / Math.max(1, count));
    for (let bin = 0; bin < BINS; bin++) this.#days[bin] = (this.#days[bin] as number) * fadeFactor;
    for (let bin = 0; bin < BINS; bin++) {
      const counted = Math.min(bin, binMax);
      this.#days[counted] = (this.#days[counted] as number) + weight * (fresh[bin] as number);
    }
    this.#fit();
  }

  /** The bin in which a day is counted at most. */
  #binMax(): number {
    for (let bin = 0; bin < BINS - 1; bin++) if (this.bits(bin * BIN) >= DAY_BITS_MAX) return bin;
    return BINS - 1;
  }

  #fit(): void {
    const { mean, days: priorDays } = this.#prior;
    const total = this.#days.reduce((sum, days) => sum + days, priorDays);
    let above = 0;
    let tailBin = 0;
    for (let bin = BINS - 1; bin >= 0; bin--) {
      above += this.#days[bin] as number;
      const share = (above + priorDays * Math.exp((-bin * BIN) / mean)) / total;
      this.#bits[bin] = Math.max(0, -Math.log2(share));
      if (tailBin === 0 && share >= TAIL_SHARE) tailBin = bin;
    }
    // Days on which nothing happened say nothing of how high those get on which something did.
    this.#tailBin = Math.max(1, tailBin);
    this.#bitsPerBin = BIN / this.#meanExcess(this.#tailBin) / Math.LN2;
  }

  #meanExcess(tailBin: number): number {
    let excess = TAIL_PRIOR_DAYS * this.#prior.mean;
    let days = TAIL_PRIOR_DAYS;
    for (let bin = tailBin; bin < BINS; bin++) {
      const here = this.#days[bin] as number;
      excess += here * (bin - tailBin + 0.5) * BIN;
      days += here;
    }
    return excess / days;
  }

  /** Days by bin, as `restore` takes them. */
  toJSON(): readonly (readonly [bin: number, days: number])[] {
    return [...this.#days.entries()].filter(([, days]) => days > 0);
  }

  restore(days: readonly (readonly [bin: number, days: number])[]): void {
    this.#days.fill(0);
    for (const [bin, count] of days) this.#days[bin] = count;
    this.#fit();
  }
}

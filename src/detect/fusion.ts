import type { Prior } from '../baseline/moments.ts';

/** Daily maxima of one detector's sum, as most honest tokens show them: worth eight days of a token's own. Bits. */
export const SUM_PRIOR: Prior = { mean: 1.5, deviation: 2, weight: 8 };

/** Surprise that every other day of an honest token reaches in some dimension; only what exceeds it is counted together. */
export const ORDINARY_BITS = 2;

/** What a dimension may contribute day after day, and is news each time. */
const ROUTINE_BITS = 2.5;

/** Bits from which on a dimension, and all of them together, grow by factors and no more by sums. */
const DIMENSION_BEND = 7;
const FUSED_BEND = 30;

/**
 * What one detector's calibrated surprise contributes to the fused sum. One dimension alone goes to hundreds of bits on honest days too (a release
 * with fifty new tables), and must not outweigh moderate evidence in several, which hardly ever comes together by itself.
 */
export function contributionOf(surprise: number, weight: number): number {
  return weight * bent(Math.max(0, surprise - ORDINARY_BITS), DIMENSION_BEND);
}

/**
 * What is news of a contribution. Loud days come in rows: who did something new yesterday (a release, another task) goes on with it today, and people
 * have been told. So what a dimension showed lately is taken off, but for what any day may show.
 *
 * @param lately what the dimension would contribute now if its sum were as high as lately
 */
export function newsOf(contribution: number, lately: number): number {
  return Math.max(0, contribution - Math.max(0, lately - ROUTINE_BITS));
}

/**
 * The size of a fused sum, on the scale on which days are compared: their maxima have a heavy tail, and say more of their logarithms than of
 * themselves.
 */
export function sizeOf(fused: number): number {
  return bent(fused, FUSED_BEND);
}

/**
 * Bits of a score: how seldom an honest token has such a day, of all the calendar's days. A day of use is itself rare for a token that is
 * used once a month, and budgets are set by the month.
 *
 * @param bits among days of use
 * @param activeShare share of days with use, above 0 and at most 1
 */
export function scoreOf(bits: number, activeShare: number): number {
  return bits - Math.log2(activeShare);
}

/** Rises faster than `value` at first (by log₂ e), is equal to it at `bend`, and goes by its logarithm beyond. */
function bent(value: number, bend: number): number {
  return bend * Math.log2(1 + value / bend);
}

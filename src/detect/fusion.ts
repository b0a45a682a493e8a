import type { Prior } from '../baseline/moments.ts';

/** Daily maxima of one detector's sum, as most honest tokens show them: worth eight days of a token's own. Bits. */
export const SUM_PRIOR: Prior = { mean: 1.5, deviation: 2, weight: 8 };

/** Daily maxima of the fused size, likewise. */
export const FUSED_PRIOR: Prior = { mean: 3, deviation: 3.5, weight: 8 };

/** Surprise that every other day of an honest token reaches in some dimension; only what exceeds it is counted together. */
const ORDINARY_BITS = 2;

/** Bits from which on a dimension, and all of them together, grow by factors and no more by sums. */
const DIMENSION_BEND = 5;
const FUSED_BEND = 12;

/**
 * What one detector's calibrated surprise contributes to the fused sum. One dimension alone goes to hundreds of bits on honest days too (a release with
 * fifty new tables), and must not outweigh moderate evidence in several, which hardly ever comes together by itself.
 */
export function contributionOf(surprise: number, weight: number): number {
  return weight * bent(Math.max(0, surprise - ORDINARY_BITS), DIMENSION_BEND);
}

/**
 * The size of a fused sum, on the scale on which days are compared: the sum is calibrated once more by the token's own daily maxima of it, so that
 * dimensions which rise together on the token's ordinary days (a night batch: odd hour, many rows) are not counted twice. Those maxima have a
 * heavy tail, so that deviations say more of their logarithms than of themselves.
 */
export function sizeOf(fused: number): number {
  return bent(fused, FUSED_BEND);
}

/**
 * Bits of a score: how seldom an honest token has such a day, of all the calendar's days. A day of use is itself rare for a token that is
 * used once a month, and budgets are set by the month.
 *
 * @param surprise bits, among the token's days of use
 * @param activeShare share of days with use, above 0 and at most 1
 */
export function scoreOf(surprise: number, activeShare: number): number {
  return surprise - Math.log2(activeShare);
}

/** `value` while it is small beside `bend`, and its logarithm when it is large. */
function bent(value: number, bend: number): number {
  return bend * Math.log2(1 + value / bend);
}

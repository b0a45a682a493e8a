import type { Prior } from '../baseline/moments.ts';

/** Daily maxima of one detector's sum, as most honest tokens show them: worth eight days of a token's own. Bits. */
export const SUM_PRIOR: Prior = { mean: 1.5, deviation: 2, weight: 8 };

/** Daily maxima of the fused sum, likewise. */
export const FUSED_PRIOR: Prior = { mean: 3, deviation: 4, weight: 8 };

/** Surprise that every other day of an honest token reaches in some dimension; only what exceeds it is counted together. */
const ORDINARY_BITS = 2;

/**
 * What one detector's calibrated surprise contributes to the fused sum. The sum is then calibrated once more by the token's own daily
 * maxima of it, so that dimensions which rise together on the token's ordinary days (a night batch: odd hour, many rows) are not counted
 * twice.
 */
export function contributionOf(surprise: number, weight: number): number {
  return weight * Math.max(0, surprise - ORDINARY_BITS);
}

/** Learning begins to fade at this share of the threshold and never falls below the floor. */
const TRUSTED_SHARE = 0.4;
const WEIGHT_MIN = 0.03;

/**
 * How much of an event is learned, 0..1. Protects the baseline from being taught by a thief: what is ordinary is learned whole, what is suspicious
 * hardly. The floor lets a real change of habit be learned in the end.
 *
 * @param score of the event, bits
 * @param threshold from which alerts begin, bits
 */
export function learningWeight(score: number, threshold: number): number {
  const trusted = TRUSTED_SHARE * threshold;
  return score <= trusted ? 1 : Math.max(WEIGHT_MIN, 2 ** (-(score - trusted) / 2));
}

import { cumulativeStdNormalProbability } from 'simple-statistics';

/** Beyond this many standard deviations a Gaussian claims a certainty that no real traffic has; an exponential tail takes over. */
const CORE_END = 1.5;
const STEP = 0.01;

const CORE_BITS: Float64Array = Float64Array.from(
  { length: Math.round((2 * CORE_END) / STEP) + 1 },
  (_, i) => -Math.log2(cumulativeStdNormalProbability(-(i * STEP - CORE_END))),
);
const BITS_AT_CORE_END = CORE_BITS[CORE_BITS.length - 1] ?? 0;
/** Slope of the Gaussian's tail bits where the core ends, so that the two parts meet smoothly. */
const BITS_PER_DEVIATION = slopeAt(CORE_END);

/**
 * How surprising it is to be `z` standard deviations above the mean or higher, in bits: −log₂ P(Z ≥ z), with a Gaussian core and an
 * exponential tail (a common choice for heavy-tailed counts). 0 far below the mean, 1 at it, 3.9 at 1.5, then 2.8 a deviation.
 */
export function tailBits(z: number): number {
  if (z >= CORE_END) return BITS_AT_CORE_END + (z - CORE_END) * BITS_PER_DEVIATION;
  if (z <= -CORE_END) return CORE_BITS[0] ?? 0;
  return CORE_BITS[Math.round((z + CORE_END) / STEP)] ?? 0;
}

/** How many standard deviations above the mean are so surprising: `tailBits` the other way round, to within a step of its table. */
export function deviationsOf(bits: number): number {
  if (bits >= BITS_AT_CORE_END) return CORE_END + (bits - BITS_AT_CORE_END) / BITS_PER_DEVIATION;
  const above = CORE_BITS.findIndex((known) => known > bits);
  return (above - 1) * STEP - CORE_END;
}

function slopeAt(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  return density / cumulativeStdNormalProbability(-z) / Math.LN2;
}

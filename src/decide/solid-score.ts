import type { Assessment, Finding } from '../domain/finding.ts';
import { isSolid } from './group.ts';

/** What a share of all that was weighed is worth, in bits. */
type Worth = readonly [share: number, bits: number];

/**
 * An assessment's score as it would be without what anybody may claim and what experimental detectors say. Exact where that is one finding. Of several, it
 * is what lies between what is known, which is the score without each finding: neither do claims carry a revocation, nor does a thief who makes
 * many escape one, as he would if every finding were taken off by its share.
 */
export function solidScore({ score, findings }: Assessment): number {
  if (findings.every(isSolid)) return score;
  const weighed = findings.filter(({ isCertain }) => !isCertain);
  const certain = findings.filter(({ isCertain }) => isCertain);
  const asserted = bitsOf(certain);
  const whole = bitsOf(weighed);
  const solid = bitsOf(certain.filter(isSolid));
  if (whole === 0) return solid;
  // What an earlier release has written does not say what is left without a finding.
  const without = weighed.flatMap(({ contribution, scoreWithout }): readonly Worth[] =>
    scoreWithout === undefined ? [] : [[1 - contribution / whole, Math.max(0, scoreWithout - asserted)]],
  );
  const known: readonly Worth[] = [[0, 0], ...without, [1, score - asserted]];
  return solid + between(known, bitsOf(weighed.filter(isSolid)) / whole);
}

/** What findings contribute together. */
export function bitsOf(findings: readonly Pick<Finding, 'contribution'>[]): number {
  return findings.reduce((sum, { contribution }) => sum + contribution, 0);
}

/** On the straight line between the nearest that are known: less than it is worth where the worth grows ever slower, as that of large sums does. */
function between(known: readonly Worth[], share: number): number {
  const rising = known.toSorted(([a], [b]) => a - b);
  const [lowShare, lowBits] = rising.findLast(([each]) => each <= share) ?? [0, 0];
  const [highShare, highBits] = rising.find(([each]) => each >= share) ?? [1, lowBits];
  if (highShare === lowShare) return Math.min(lowBits, highBits);
  return lowBits + ((share - lowShare) / (highShare - lowShare)) * (highBits - lowBits);
}

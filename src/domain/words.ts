import type { Evidence } from './finding.ts';

/** Numbers and observations as a reader reads them. */

/** Made once: making one takes longer than a thousand uses. */
const NUMBERS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** `48,211`; fractions to two places. */
export function numberText(value: number): string {
  return Number.isFinite(value) ? NUMBERS.format(value) : String(value);
}

/** `1 row`, `48,211 rows`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

/** `03:10`, UTC. @param at ms since the epoch */
export function clockText(at: number): string {
  return new Date(at).toISOString().slice(11, 16);
}

/** What evidence says was observed: `48,211`, `a word`, `a, b, c and 4 more`. */
export function observedText(observed: Evidence['observed'], shownMax = 5): string {
  if (typeof observed === 'number') return numberText(observed);
  if (typeof observed === 'string') return observed;
  const hidden = observed.length - shownMax;
  // Naming the last one takes no more room than counting it.
  if (hidden <= 1) return observed.join(', ');
  return `${observed.slice(0, shownMax).join(', ')} and ${hidden} more`;
}

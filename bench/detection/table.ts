import type { Compared } from './compare.ts';
import { THEFTS } from './graft.ts';
import type { Caught, Verdict } from './judge.ts';

/** One line a method: the share caught at each budget, of all thefts and of each kind. */
export function headOf({ caught }: Verdict): string {
  const columns = columnsOf(caught).map((kind) => titleOf(kind, caught).padEnd(widthOf(kind, caught)));
  const budgets = atOf(caught).map(({ budget }) => budget);
  const title = `share caught at ${budgets.join(', ')} a token-month`;
  return `${title.padEnd(56)}${columns.join('')}events at ${budgets[0]}   s`;
}

export function lineOf({ method, variant, verdict: { caught }, seconds }: Compared): string {
  const shares = columnsOf(caught).map((kind) => {
    const at = atOf(caught, kind).map(({ share }) => share.toFixed(2));
    return at.join('  ').padEnd(widthOf(kind, caught));
  });
  const events = atOf(caught)[0]?.medianEvents ?? Number.NaN;
  return `${`${method} (${variant})`.padEnd(56)}${shares.join('')}${String(events).padEnd(14)}${seconds.toFixed(0)}`;
}

/** What the budgets come to, in the method's own thresholds. */
export function pricesOf({ caught }: Verdict): string {
  const lines = atOf(caught).map(({ budget, threshold, share, medianEvents }) => {
    const numbers = [threshold.toFixed(2).padStart(9), share.toFixed(3).padStart(6), medianEvents];
    return `${String(budget).padStart(26)}   ${numbers.join('   ')}`;
  });
  return ['false alerts a token-month   threshold   caught   median events until then', ...lines].join('\n');
}

function atOf(caught: Verdict['caught'], kind = 'all'): readonly Caught[] {
  return caught[kind]?.at ?? [];
}

function titleOf(kind: string, caught: Verdict['caught']): string {
  return `${kind} (${caught[kind]?.theftCount})`;
}

function widthOf(kind: string, caught: Verdict['caught']): number {
  return Math.max(6 * atOf(caught).length + 6, titleOf(kind, caught).length + 2);
}

function columnsOf(caught: Verdict['caught']): readonly string[] {
  const others = Object.keys(caught).filter((kind) => kind !== 'all' && !THEFTS.some((theft) => theft === kind));
  return ['all', ...THEFTS, ...others].filter((kind) => caught[kind] !== undefined);
}

import type { Compared } from './compare.ts';
import { THEFTS } from './graft.ts';
import { BUDGETS, type Verdict } from './judge.ts';

const SHOWN = [1, 0.1];

/** One line a method: the share caught at 1 and at 0.1 false alerts a token-month, of all thefts and of each kind. */
export function headOf({ caught }: Verdict): string {
  const columns = columnsOf(caught).map((kind) => titleOf(kind, caught).padEnd(widthOf(kind, caught)));
  return `${'share caught at 1 and at 0.1 a token-month'.padEnd(56)}${columns.join('')}events at 1   s`;
}

export function lineOf({ method, variant, verdict: { caught }, seconds }: Compared): string {
  const shares = columnsOf(caught).map((kind) => {
    const at = caught[kind]?.at ?? [];
    return SHOWN.map((budget) => at.find((one) => one.budget === budget)?.share.toFixed(2) ?? '-')
      .join('  ')
      .padEnd(widthOf(kind, caught));
  });
  const events = caught['all']?.at.find(({ budget }) => budget === 1)?.medianEvents ?? Number.NaN;
  return `${`${method} (${variant})`.padEnd(56)}${shares.join('')}${String(events).padEnd(14)}${seconds.toFixed(0)}`;
}

/** What the budgets come to, in the method's own thresholds. */
export function pricesOf({ caught }: Verdict): string {
  const lines = BUDGETS.map((budget) => {
    const {
      threshold = Number.NaN,
      share = Number.NaN,
      medianEvents = Number.NaN,
    } = caught['all']?.at.find((one) => one.budget === budget) ?? {};
    const numbers = [threshold.toFixed(2).padStart(9), share.toFixed(3).padStart(6), medianEvents];
    return `${String(budget).padStart(26)}   ${numbers.join('   ')}`;
  });
  return ['false alerts a token-month   threshold   caught   median events until then', ...lines].join('\n');
}

function titleOf(kind: string, caught: Verdict['caught']): string {
  return `${kind} (${caught[kind]?.theftCount})`;
}

function widthOf(kind: string, caught: Verdict['caught']): number {
  return Math.max(18, titleOf(kind, caught).length + 2);
}

function columnsOf(caught: Verdict['caught']): readonly string[] {
  const others = Object.keys(caught).filter((kind) => kind !== 'all' && !THEFTS.some((theft) => theft === kind));
  return ['all', ...THEFTS, ...others].filter((kind) => caught[kind] !== undefined);
}

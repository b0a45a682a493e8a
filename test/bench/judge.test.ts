import { describe, expect, it } from 'vitest';
import { judge } from '../../bench/detection/judge.ts';
import type { Label } from '../../src/backtest/labels.ts';
import { DAY_MS } from '../../src/baseline/time.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';

/** One event a day for 301 days: ten token-months. Of the scores, each from 0 to 300 comes once. */
const events = Array.from({ length: 301 }, (_, day) => blankEvent(`a/${day}`, 'a', day * DAY_MS));
const scores = Float64Array.from(events, (_, day) => (day * 5) % 301);

function caughtWith(thefts: readonly number[], scale = (score: number) => score, budgets?: readonly number[]) {
  const labels = thefts.map((_, day): Label => {
    return { scenario: 'graft', kind: 'theft', token: 'a', from: day * DAY_MS, until: day * DAY_MS };
  });
  const stolen = scores.slice();
  stolen.set(thefts);
  const verdict = judge(
    { events, scores: scores.map(scale) },
    [{ events, labels, scores: stolen.map(scale) }],
    -1,
    budgets,
  );
  return Object.fromEntries(verdict.caught['all']?.at.map(({ budget, share }) => [budget, share]) ?? []);
}

describe('judge', () => {
  it('takes the lowest threshold that keeps the budget', () => {
    // Ten alerts at 1 a token-month: 291 and above. One at 0.1: 300.
    expect(caughtWith([290, 291, 299, 300])).toEqual({ 1: 0.75, 0.1: 0.25 });
  });

  it('takes the budgets that it is given', () => {
    expect(caughtWith([290, 291, 299, 300], undefined, [10, 0.2])).toEqual({ 10: 1, 0.2: 0.5 });
  });

  it('does not care for the scale', () => {
    expect(caughtWith([290, 291, 299, 300], (score) => Math.exp(score / 50) - 7)).toEqual({ 1: 0.75, 0.1: 0.25 });
  });

  it('catches nothing by what is missing', () => {
    expect(caughtWith([Number.NaN, 300])).toMatchObject({ 1: 0.5 });
  });
});

import { expect, it } from 'vitest';
import { binOf, DayTail, emptyBins } from '../../src/baseline/day-tail.ts';
import { createRandom } from '../../src/domain/random.ts';

const PRIOR = { mean: 2, days: 50 };

/** Dates on which so many tokens have a day each, exponential with a mean, or nothing at all. */
function dates(tail: DayTail, count: number, mean: number, silentShare = 0): void {
  const random = createRandom(`${count}/${mean}`);
  for (let date = 0; date < count; date++) {
    const bins = emptyBins();
    for (let i = 0; i < 20; i++) {
      const value = random.next() < silentShare ? 0 : -mean * Math.log(1 - random.next());
      const bin = binOf(value);
      bins[bin] = (bins[bin] as number) + 1;
    }
    tail.add(bins, 1);
  }
}

it('is the prior while nothing is known', () => {
  const tail = new DayTail(PRIOR);
  for (const value of [0, 1, 5, 20]) expect(tail.bits(value)).toBeCloseTo(value / 2 / Math.LN2, 0);
});

it('finds how seldom days are, far beyond those it has seen', () => {
  for (const mean of [1, 4]) {
    const tail = new DayTail(PRIOR);
    dates(tail, 200, mean);
    for (const value of [2, 8, 30]) {
      const bits = value / mean / Math.LN2;
      expect(tail.bits(value)).toBeGreaterThan(0.85 * bits - 0.5);
      expect(tail.bits(value)).toBeLessThan(1.15 * bits + 0.5);
    }
  }
});

it('rises with the value, without a step', () => {
  const tail = new DayTail(PRIOR);
  dates(tail, 50, 3, 0.5);
  for (let value = 0; value < 40; value += 0.01) {
    const step = tail.bits(value + 0.01) - tail.bits(value);
    expect(step).toBeGreaterThanOrEqual(0);
    expect(step).toBeLessThan(0.2);
  }
});

it('does not take many quiet days for a promise of how high a loud one gets', () => {
  const tail = new DayTail(PRIOR);
  dates(tail, 200, 3, 0.95);
  const perUnit = (tail.bits(30) - tail.bits(20)) / 10;
  expect(perUnit).toBeLessThan(1.5 / 3 / Math.LN2);
});

it('counts a date’s days for no more than twenty, however many tokens there are', () => {
  const [few, many] = [new DayTail(PRIOR), new DayTail(PRIOR)];
  for (const [tail, count] of [[few, 20] as const, [many, 20_000] as const]) {
    const bins = emptyBins();
    bins[0] = count;
    tail.add(bins, 1);
  }
  expect(many.bits(5)).toBeCloseTo(few.bits(5), 9);
});

it('is shifted by one loud day only so far, and gets used to many', () => {
  const tail = new DayTail(PRIOR);
  dates(tail, 50, 1);
  const before = tail.bits(10);
  const loud = emptyBins();
  loud[binOf(59)] = 1;
  tail.add(loud, 1);
  expect(tail.bits(10)).toBeGreaterThan(0.8 * before);
  for (let date = 0; date < 100; date++) tail.add(loud, 1);
  expect(tail.bits(10)).toBeLessThan(4.5);
});

it('comes back as it was', () => {
  const tail = new DayTail(PRIOR);
  dates(tail, 30, 2.5);
  const restored = new DayTail(PRIOR);
  restored.restore(JSON.parse(JSON.stringify(tail)) as ReturnType<DayTail['toJSON']>);
  for (const value of [0.1, 3, 12]) expect(restored.bits(value)).toBe(tail.bits(value));
});

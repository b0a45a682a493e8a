import { mean, standardDeviation } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { type Moments, moments, type Prior } from '../../src/baseline/moments.ts';
import { type RateWindowRead, rateWindow, rateWindows } from '../../src/baseline/rate-window.ts';
import { deviationsOf, tailBits } from '../../src/baseline/tail.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import { createRandom } from '../../src/domain/random.ts';
import { openField } from './open-field.ts';

const NOTHING: Prior = { mean: 0, deviation: 1, weight: 0 };
const START = Date.UTC(2026, 8, 7);

describe('moments', () => {
  it('are those of the values while these are few', () => {
    const random = createRandom('moments');
    const values = Array.from({ length: 200 }, () => 5 + 2 * random.next());
    const { field } = openField(moments({ weightMax: 1000 }));
    for (const value of values) field.add(value);
    expect(field.weight).toBe(200);
    expect(field.mean(NOTHING)).toBeCloseTo(mean(values), 3);
    expect(field.deviation(NOTHING, 0)).toBeCloseTo(standardDeviation(values), 3);
  });

  it('are shrunk to the prior as if it were so many values more', () => {
    const { field } = openField(moments({ weightMax: 1000 }));
    const values = [4, 6];
    for (const value of values) field.add(value);
    // Eight more values, half of them at 10 and half at 14: mean 12, deviation 2.
    const prior: Prior = { mean: 12, deviation: 2, weight: 8 };
    const all = [...values, 10, 10, 10, 10, 14, 14, 14, 14];
    expect(field.mean(prior)).toBeCloseTo(mean(all), 4);
    expect(field.deviation(prior, 0)).toBeCloseTo(standardDeviation(all), 4);
  });

  it('let the old fade once the weight is full', () => {
    const { field } = openField(moments({ weightMax: 20 }));
    for (let i = 0; i < 100; i++) field.add(0);
    for (let i = 0; i < 100; i++) field.add(10);
    expect(field.weight).toBe(20);
    expect(field.mean(NOTHING)).toBeGreaterThan(9.9);
  });

  it('take half of a value for half a value', () => {
    const { field } = openField(moments({ weightMax: 20 }));
    (field as Moments).add(0, 1);
    (field as Moments).add(9, 0.5);
    expect(field.mean(NOTHING)).toBeCloseTo(3, 5);
  });
});

describe('rateWindow', () => {
  const PRIOR: Prior = { mean: 3, deviation: 2, weight: 5 };

  it('keeps the running sum of the open window apart from the closed ones', () => {
    const { field } = openField(rateWindow({ windowMs: MINUTE_MS }));
    field.add(10, START);
    field.add(5, START + 59_999);
    expect(field.open(START + 59_999)).toBe(15);
    expect(field.closedCount).toBe(0);
    expect(field.open(START + MINUTE_MS)).toBe(0);
    field.add(1, START + MINUTE_MS);
    expect(field.closedCount).toBe(1);
    expect(field.open(START + MINUTE_MS)).toBe(1);
  });

  it('is surprised inside the open window, the more the more it holds', () => {
    const { field } = openField(rateWindow({ windowMs: HOUR_MS }));
    for (let i = 0; i < 100; i++) field.add(90 + (i % 20), START + i * HOUR_MS);
    const bits = [100, 200, 1000, 100_000].map((total) => field.surprise(total, PRIOR));
    expect(bits[0]).toBeLessThan(3);
    expect(bits).toEqual(bits.toSorted((a, b) => a - b));
    expect(bits[3]).toBeGreaterThan(20);
    expect(field.usual(PRIOR, 2)).toBeGreaterThan(100);
    expect(field.usual(PRIOR, 2)).toBeLessThan(1000);
  });

  it('counts a late event in the open window: what was closed stays', () => {
    const { field } = openField(rateWindow({ windowMs: MINUTE_MS }));
    field.add(1, START);
    field.add(1, START + MINUTE_MS);
    field.add(7, START);
    expect(field.open(START + MINUTE_MS)).toBe(8);
    expect(field.closedCount).toBe(1);
  });

  it('teaches a window as little as its most suspicious event', () => {
    const { field, view } = openField(rateWindow({ windowMs: MINUTE_MS }));
    field.add(1, START);
    view.weight = 0.03;
    field.add(1e6, START + 1);
    view.weight = 1;
    field.add(1, START + MINUTE_MS);
    expect(field.closedCount).toBeCloseTo(0.03, 5);
  });
});

describe('isOrdinary', () => {
  it('never says yes to what is more surprising, and no only close to it', () => {
    const random = createRandom('ordinary');
    const priors = [
      { mean: 3, deviation: 2, weight: 5 },
      { mean: 14, deviation: 4, weight: 3 },
    ];
    let sparedCount = 0;
    let ordinaryCount = 0;
    for (let token = 0; token < 40; token++) {
      const { field } = openField(rateWindow({ windowMs: HOUR_MS }));
      for (let i = 0; i < token; i++) field.add(random.logNormal(500, 0.2 + random.next()), START + i * HOUR_MS);
      for (let i = 0; i < 200; i++) {
        const prior = priors[i % 2]!;
        const bits = 1 + 6 * random.next();
        const total = Math.round(2 ** (36 * random.next()));
        const isOrdinary = field.isOrdinary(total, prior, deviationsOf(bits));
        const surprise = field.surprise(total, prior);
        if (isOrdinary) expect(surprise).toBeLessThanOrEqual(bits + 0.03);
        else expect(field.surprise(1.07 * total + 1, prior)).toBeGreaterThan(bits - 0.03);
        ordinaryCount += Number(surprise <= bits);
        sparedCount += Number(isOrdinary);
      }
    }
    expect(sparedCount / ordinaryCount).toBeGreaterThan(0.95);
  });
});

describe('rateWindows', () => {
  it('are windows of their own, over the same amounts', () => {
    const { field } = openField(rateWindows({ windowsMs: [MINUTE_MS, HOUR_MS] }));
    const [minute, hour] = field.windows as [RateWindowRead, RateWindowRead];
    field.add(5, START);
    field.add(7, START + MINUTE_MS);
    expect([minute.open(START + MINUTE_MS), hour.open(START + MINUTE_MS)]).toEqual([7, 12]);
    expect([minute.closedCount, hour.closedCount]).toEqual([1, 0]);
  });

  it('add up, and call ordinary, what each would by itself', () => {
    const windowsMs = [MINUTE_MS, HOUR_MS];
    const together = openField(rateWindows({ windowsMs }));
    const alone = windowsMs.map((windowMs) => openField(rateWindow({ windowMs })).field);
    const priors = [
      { mean: 4, deviation: 2, weight: 3 },
      { mean: 6, deviation: 2, weight: 2 },
    ];
    const random = createRandom('rate-windows');
    const answers = new Set<boolean>();
    for (let i = 0, at = START; i < 3000; i++) {
      at += random.below(120) * 1000 - (i % 50 === 0 ? HOUR_MS / 2 : 0);
      const amount = Math.round(random.logNormal(20, 1.5));
      for (const deviations of [-1, 0.5, 2, 3.5]) {
        const each = alone.map((window, k) =>
          window.isOrdinary(window.open(at) + amount, priors[k] as Prior, deviations),
        );
        const answer = together.field.areOrdinary(amount, at, priors, deviations);
        expect(answer).toBe(each.every((isOrdinary) => isOrdinary));
        answers.add(answer);
      }
      together.field.add(amount, at);
      for (const window of alone) window.add(amount, at);
    }
    expect(answers.size).toBe(2);
    expect(together.field.windows.map(({ closedCount }) => closedCount > 10)).toEqual([true, true]);
  });
});

describe('deviationsOf', () => {
  it('is tailBits the other way round', () => {
    for (let bits = 0.2; bits < 40; bits += 0.1) expect(tailBits(deviationsOf(bits))).toBeCloseTo(bits, 1);
  });
});

describe('tailBits', () => {
  it('is −log₂ of the Gaussian’s upper tail in the core', () => {
    expect(tailBits(0)).toBeCloseTo(1, 5);
    expect(tailBits(1)).toBeCloseTo(-Math.log2(0.158655), 2);
    expect(tailBits(-9)).toBeCloseTo(0, 0);
  });

  it('never falls, has no step, and ends in a straight line', () => {
    const values = Array.from({ length: 2000 }, (_, i) => tailBits(-5 + i / 100));
    for (let i = 1; i < values.length; i++) {
      const step = values[i]! - values[i - 1]!;
      expect(step).toBeGreaterThanOrEqual(0);
      expect(step).toBeLessThan(0.06);
    }
    expect(tailBits(21) - tailBits(20)).toBeCloseTo(tailBits(11) - tailBits(10), 6);
  });
});

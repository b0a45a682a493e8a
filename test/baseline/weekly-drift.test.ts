import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { weeklyDrift } from '../../src/baseline/weekly-drift.ts';
import { openField } from './open-field.ts';

const START = Date.UTC(2026, 8, 7);

/** A field after days with these amounts, and what it says when the next begins. */
function lived(amounts: readonly number[]) {
  const { field, view } = openField(weeklyDrift());
  amounts.forEach((amount, day) => {
    for (let hour = 0; hour < 4; hour++) field.add(amount / 4, START + day * DAY_MS + hour * HOUR_MS);
  });
  return { field, view, drift: field.closing(START + amounts.length * DAY_MS) ?? Number.NaN };
}

/** Five weeks of working days and quiet weekends. */
const steady = Array.from({ length: 35 }, (_, day) => (day % 7 >= 5 ? 100 : 1000) + (day % 3) * 10);

describe('weeklyDrift', () => {
  it('sees nothing in weeks that are alike, weekends included', () => {
    expect(lived(steady).drift).toBeLessThan(0.1);
    expect(lived(steady).field.observations).toBe(27);
  });

  it('sums growth that no day by itself shows', () => {
    const growing = Array.from({ length: 12 }, (_, day) => (steady[day] ?? 0) * 1.06 ** (day + 1));
    const drifts = [0, 4, 8, 12].map((days) => lived([...steady, ...growing.slice(0, days)]).drift);
    expect(drifts.toSorted((a, b) => a - b)).toEqual(drifts);
    expect(drifts[3]).toBeGreaterThan(10);
  });

  it('takes one loud day for one, and forgets it', () => {
    const loud = lived([...steady, 1_000_000]).drift;
    expect(loud).toBeCloseTo(2.6, 1);
    expect(lived([...steady, 1_000_000, ...steady.slice(1, 8)]).drift).toBeLessThan(0.1);
  });

  it('is not blinded by one loud day to the drift after it', () => {
    const growing = Array.from({ length: 8 }, (_, day) => (steady[day + 1] ?? 0) * 1.08 ** (day + 1));
    expect(lived([...steady, 1_000_000, ...growing]).drift).toBeGreaterThan(7);
  });

  it('gets used to a new level', () => {
    const weeks = (count: number) =>
      Array.from({ length: count }, () => steady.slice(0, 7).map((amount) => 2 * amount)).flat();
    expect(lived([...steady, ...weeks(1)]).drift).toBeGreaterThan(8);
    expect(lived([...steady, ...weeks(9)]).drift).toBeLessThan(lived([...steady, ...weeks(2)]).drift);
  });

  it('says by how much the day that is over exceeds its weekday, not the one before it', () => {
    const { field } = lived([...steady, 3 * (steady[0] ?? 0)]);
    expect(field.growth).toBeGreaterThan(2.5);
    expect(lived([...steady, 3 * (steady[0] ?? 0), steady[1] ?? 0]).field.growth).toBeLessThan(1.2);
  });

  it('says nothing while a day is open, nor of a late event', () => {
    const { field } = lived(steady);
    expect(field.closing(START + 34 * DAY_MS + 5 * HOUR_MS)).toBeUndefined();
    expect(field.closing(START)).toBeUndefined();
  });

  it('hardly follows days that are suspicious', () => {
    const trusting = lived(steady);
    const wary = lived(steady);
    for (let day = 35; day < 49; day++) {
      for (const { field, view } of [trusting, wary]) {
        view.weight = field === wary.field ? 0.03 : 1;
        field.add(3000, START + day * DAY_MS);
      }
    }
    const at = START + 49 * DAY_MS;
    expect(wary.field.closing(at)).toBeGreaterThan(trusting.field.closing(at) ?? 0);
  });
});

import { describe, expect, it } from 'vitest';
import { hourOfWeek } from '../../src/baseline/hour-of-week.ts';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { openField } from './open-field.ts';

/** A Monday. */
const START = Date.UTC(2026, 8, 7);
const UNIFORM = 1 / 168;
const PRIOR_WEIGHT = 12;

function learned(times: readonly number[]) {
  const { field } = openField(hourOfWeek());
  for (const at of times) field.add(at);
  return { field, bits: (at: number) => Math.log2(UNIFORM / field.probability(at, PRIOR_WEIGHT)) };
}

const days = (count: number) => Array.from({ length: count }, (_, day) => START + day * DAY_MS);
const isWorkday = (at: number) => new Date(at).getUTCDay() % 6 > 0;

describe('hourOfWeek', () => {
  it('is a probability: its 168 hours add up to one', () => {
    const { field } = learned(days(17).flatMap((day) => [day + 2 * HOUR_MS, day + 9 * HOUR_MS, day + 10 * HOUR_MS]));
    const total = Array.from({ length: 168 }, (_, hour) => field.probability(START + hour * HOUR_MS, PRIOR_WEIGHT));
    expect(total.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  });

  it('knows nothing at first: every hour is alike', () => {
    expect(learned([]).bits(START)).toBeCloseTo(0, 5);
  });

  it('counts an hour once, however busy', () => {
    const { field } = learned(Array.from({ length: 500 }, (_, i) => START + i));
    expect(field.observations).toBe(1);
    expect(field.counted(START + 30 * 60_000)).toBe(true);
    expect(field.counted(START + HOUR_MS)).toBe(false);
  });

  it('counts an hour once, though two lanes that are minutes apart take turns around its end', () => {
    const { field } = learned(
      Array.from({ length: 200 }, (_, i) => START + 10 * HOUR_MS + (i % 2 === 0 ? 60_000 : -60_000)),
    );
    expect(field.observations).toBe(1);
    expect(field.counted(START + 9 * HOUR_MS)).toBe(true);
  });

  it('knows a nightly job after ten nights, also on a weekday it has not seen often', () => {
    const { bits } = learned(days(10).map((day) => day + 2 * HOUR_MS));
    expect(bits(START + 10 * DAY_MS + 2 * HOUR_MS)).toBeLessThan(-2);
    expect(bits(START + 10 * DAY_MS + 14 * HOUR_MS)).toBeGreaterThan(2);
  });

  it('tells workdays from weekends once it has seen some of each', () => {
    const office = days(28)
      .filter(isWorkday)
      .flatMap((day) => Array.from({ length: 9 }, (_, i) => day + (8 + i) * HOUR_MS));
    const { bits } = learned(office);
    const [monday, saturday] = [START + 28 * DAY_MS, START + 33 * DAY_MS];
    expect(bits(monday + 10 * HOUR_MS)).toBeLessThan(-1);
    expect(bits(saturday + 10 * HOUR_MS)).toBeGreaterThan(2);
    expect(bits(saturday + 3 * HOUR_MS)).toBeGreaterThan(bits(saturday + 10 * HOUR_MS));
  });

  it('takes the many hours of one day for what they are: one day', () => {
    const { bits } = learned(Array.from({ length: 9 }, (_, i) => START + (9 + i) * HOUR_MS));
    expect(bits(START + DAY_MS + 3 * HOUR_MS)).toBeLessThan(1);
  });

  it('smooths neighbours in: an hour late is no surprise', () => {
    const { bits } = learned(days(20).map((day) => day + 2 * HOUR_MS));
    expect(bits(START + 20 * DAY_MS + 3 * HOUR_MS)).toBeLessThan(0);
  });

  it('follows a new habit, since old weeks are halved away', () => {
    const { bits } = learned([
      ...days(400).map((day) => day + 2 * HOUR_MS),
      ...days(200).map((day) => day + 400 * DAY_MS + 14 * HOUR_MS),
    ]);
    expect(bits(START + 601 * DAY_MS + 14 * HOUR_MS)).toBeLessThan(-2);
  });
});

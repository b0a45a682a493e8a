import { beforeAll, describe, expect, it } from 'vitest';
import { type DayWithThief, dayWithThief } from './day-with-thief.ts';

describe('a day on which all services have four times as much to do, and a thief on it', () => {
  let day: DayWithThief;
  beforeAll(() => {
    day = dayWithThief('busy-day', 'sale', 60);
  }, 300_000);

  it('is told of nobody but the thief', () => {
    expect([...new Set(day.assessments.map(({ token }) => token))]).toEqual([day.thief]);
  });

  it('says of the thief’s volumes how busy all others are', () => {
    const told = day.assessments
      .flatMap(({ findings }) => findings)
      .filter(({ detector }) => detector === 'volume-spike');
    const expected = told.flatMap(({ evidence }) => evidence).map((evidence) => evidence.expected);
    expect(expected.some((text) => /, and others do \d\.\d × as much as usual$/.test(String(text)))).toBe(true);
  });
});

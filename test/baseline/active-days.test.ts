import { describe, expect, it } from 'vitest';
import { activeDays } from '../../src/baseline/active-days.ts';
import { openField } from './open-field.ts';

describe('active days', () => {
  it('takes an unknown token for one that is used every day', () => {
    const { field } = openField(activeDays());
    expect(field.share).toBe(1);
    field.beginDay(1);
    expect(field.share).toBe(1);
  });

  it('stays at one for who comes every day, for years', () => {
    const { field } = openField(activeDays());
    for (let i = 0; i < 1000; i++) field.beginDay(1);
    expect(field.share).toBeGreaterThan(0.999);
  });

  it('comes to the share of days of who comes every fourth', () => {
    const { field } = openField(activeDays());
    const shares = Array.from({ length: 200 }, () => {
      field.beginDay(4);
      return field.share;
    });
    expect(shares[0]).toBeGreaterThan(0.7);
    expect(shares.at(-1)).toBeLessThan(0.32);
    expect(shares.at(-1)).toBeGreaterThan(0.25);
  });

  it('knows a day after a long sleep for a rare one', () => {
    const { field } = openField(activeDays());
    for (let i = 0; i < 30; i++) field.beginDay(1);
    field.beginDay(300);
    expect(field.share).toBeLessThan(0.2);
  });
});

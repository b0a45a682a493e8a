import { describe, expect, it } from 'vitest';
import type { Tellable } from '../../src/baseline/facts.ts';
import { type RhythmWrite, rhythm } from '../../src/baseline/rhythm.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/baseline/time.ts';
import { openField } from './open-field.ts';

const START = Date.UTC(2026, 8, 7);
const DAYS = 30;
const AFTER = START + DAYS * DAY_MS;

/** So many uses a day, from this hour on, ten minutes apart. */
function learn(field: RhythmWrite, usesADay: number, hour: number): void {
  for (let day = 0; day < DAYS; day++)
    for (let i = 0; i < usesADay; i++) field.add(START + day * DAY_MS + hour * HOUR_MS + i * 10 * MINUTE_MS);
}

function opened(usesADay: number, hour: number) {
  const { field, view } = openField(rhythm());
  learn(field, usesADay, hour);
  return { field, view };
}

const factsOf = (field: RhythmWrite) => (field as RhythmWrite & Tellable).facts(String);

describe('rhythm', () => {
  it('finds the usual hour ordinary, and the opposite one odd', () => {
    const { field } = opened(6, 9);
    expect(field.surprise(AFTER + 9 * HOUR_MS)).toBeLessThan(1);
    expect(field.surprise(AFTER + 21 * HOUR_MS)).toBeGreaterThan(4);
    expect(field.hourSurprise(AFTER + 21 * HOUR_MS)).toBeGreaterThan(4);
    expect(field.usualHour).toBeCloseTo(9.4, 1);
  });

  it('takes midnight for what it is: the hour after eleven', () => {
    const { field } = opened(12, 23);
    expect(field.usualHour).toBeCloseTo(23.9, 1);
    expect(field.surprise(AFTER + HOUR_MS)).toBeLessThan(2);
  });

  it('finds many times as many uses within a day odd, and so many as ever ordinary', () => {
    const { field, view } = opened(6, 9);
    // As of what is suspicious.
    view.weight = 0.03;
    const oddities = Array.from({ length: 300 }, (_, i) => {
      const at = AFTER + 9 * HOUR_MS + i * 10 * SECOND_MS;
      const odd = field.surprise(at);
      field.add(at);
      return odd;
    });
    expect(Math.max(...oddities.slice(0, 6))).toBeLessThan(2);
    expect(oddities.at(-1)).toBeGreaterThan(4);
    expect(field.hourSurprise(AFTER + 10 * HOUR_MS)).toBeLessThan(1);
  });

  it('finds no hour odd for who works around the clock', () => {
    const { field } = opened(144, 0);
    for (let hour = 0; hour < 24; hour++) expect(field.hourSurprise(AFTER + hour * HOUR_MS)).toBeLessThan(2.5);
    expect(factsOf(field)).toContainEqual({ what: 'hours', value: 'all over the day' });
  });

  it('counts uses however suspicious, and learns from none of them', () => {
    const { field, view } = opened(6, 9);
    const [usual, uses] = [field.usualUses, field.usesWithinDay(AFTER)];
    view.weight = 0;
    for (let i = 0; i < 100; i++) field.add(AFTER + i);
    expect(field.usualUses).toBe(usual);
    expect(field.usesWithinDay(AFTER + 100)).toBeCloseTo(uses + 100, 0);
  });

  it('is told in words that stay the same while habits do', () => {
    const { field } = opened(6, 9);
    expect(factsOf(field)).toEqual([
      { what: 'uses within a day', value: 'about 7' },
      { what: 'hours', value: 'around 09:00 UTC' },
    ]);
    expect(factsOf(openField(rhythm()).field)).toEqual([]);
  });
});

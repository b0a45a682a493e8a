import { describe, expect, it } from 'vitest';
import { alternation } from '../../src/baseline/alternation.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import { openField } from './open-field.ts';

const START = Date.UTC(2026, 8, 7);
/** What a rate is without any observation, and how much that is worth. */
const PRIOR = [0.1, 10] as const;

describe('alternation', () => {
  it('tells going back to a place in use from staying, moving and being alone', () => {
    const { field } = openField(alternation());
    const steps = ['a', 'a', 'b', 'b', 'a', 'c', 'a'].map((name, i) => {
      const at = START + i * MINUTE_MS;
      const step = field.step(name, at);
      field.add(name, at);
      return step;
    });
    expect(steps).toEqual(['alone', 'alone', 'arrives', 'stays', 'returns', 'arrives', 'returns']);
  });

  it('forgets a place that was left half an hour ago', () => {
    const { field } = openField(alternation());
    field.add('a', START);
    field.add('b', START + MINUTE_MS);
    expect(field.step('a', START + 20 * MINUTE_MS)).toBe('returns');
    expect(field.step('a', START + 31 * MINUTE_MS)).toBe('alone');
    expect(field.step('b', START + 31 * MINUTE_MS)).toBe('alone');
  });

  it('learns how often the owner goes back, by what each event is worth', () => {
    const { field, view } = openField(alternation());
    expect(field.returnRate(...PRIOR)).toBeCloseTo(0.1);
    for (let i = 0; i < 100; i++) field.add(i % 2 === 0 ? 'a' : 'b', START + i * MINUTE_MS);
    expect(field.observations).toBe(98);
    expect(field.returnRate(...PRIOR)).toBeCloseTo((98 + 1) / (98 + 10));
    view.weight = 0.01;
    for (let i = 0; i < 100; i++) field.add('a', START + 2 * HOUR_MS + i * MINUTE_MS);
    expect(field.returnRate(...PRIOR)).toBeGreaterThan(0.9);
  });

  it('follows new habits: old ones fade', () => {
    const { field } = openField(alternation());
    for (let i = 0; i < 5000; i++) field.add(i % 2 === 0 ? 'a' : 'b', START + i * MINUTE_MS);
    for (let i = 0; i < 5000; i++) field.add(i % 10 === 0 ? 'a' : 'b', START + (5000 + i) * MINUTE_MS);
    expect(field.observations).toBeLessThanOrEqual(1000);
    expect(field.returnRate(...PRIOR)).toBeCloseTo(0.2, 1);
  });

  it('is not turned back by a late event', () => {
    const { field } = openField(alternation());
    field.add('a', START + HOUR_MS);
    field.add('b', START + HOUR_MS);
    field.add('b', START + 5 * MINUTE_MS);
    expect(field.step('a', START + HOUR_MS + MINUTE_MS)).toBe('returns');
  });
});

import { describe, expect, it } from 'vitest';
import { sumsOf } from '../../src/detect/gathering.ts';
import type { Suspicion } from '../../src/detect/suspicion.ts';
import { openField } from '../baseline/open-field.ts';
import { detectors } from './tokens-life.ts';

const NO_PRIOR = { mean: 0, deviation: 1, weight: 1 };

/** Where the evidence of this detector comes together. */
function suspicionOf(id: string): Suspicion {
  const field = sumsOf(detectors.map((detector) => ({ detector })))[`sum:${id}`];
  if (field === undefined) throw new Error(`there is no detector ${id}`);
  return openField(field).field;
}

describe('evidence of several events', () => {
  it('adds up, and fades with time, by default', () => {
    const suspicion = suspicionOf('new-table');
    suspicion.accumulate(2, 1);
    expect(suspicion.accumulate(2, 0.5)).toBe(3);
    expect(suspicion.accumulate(-9, 1)).toBe(0);
  });

  it('is the mean of the latest events where each shows a little', () => {
    const suspicion = suspicionOf('off-rhythm');
    for (let i = 0; i < 16; i++) suspicion.accumulate(4, 1);
    expect(suspicion.sum).toBeCloseTo(2, 6);
    for (let i = 0; i < 200; i++) suspicion.accumulate(4, 1);
    expect(suspicion.sum).toBeCloseTo(4, 2);
    for (let i = 0; i < 100; i++) suspicion.accumulate(-1, 1);
    expect(suspicion.sum).toBe(0);
  });

  it('lets a mean fade with time as well: what was odd yesterday says little of today', () => {
    const suspicion = suspicionOf('off-rhythm');
    for (let i = 0; i < 200; i++) suspicion.accumulate(4, 1);
    const before = suspicion.sum;
    expect(suspicion.accumulate(0, 0.1)).toBeLessThan(0.1 * before);
  });

  it('leaves a mean as it is where an event does not concern it', () => {
    const suspicion = suspicionOf('table-mix');
    for (let i = 0; i < 16; i++) suspicion.accumulate(4, 1);
    const before = suspicion.sum;
    for (let i = 0; i < 50; i++) suspicion.accumulate(undefined, 1);
    expect(suspicion.sum).toBe(before);
    expect(suspicion.accumulate(undefined, 0.5)).toBeCloseTo(before / 2, 6);
  });

  it('says of a mean the same whatever the days before', () => {
    const [loud, calm] = [suspicionOf('off-rhythm'), suspicionOf('off-rhythm')];
    for (let day = 0; day < 20; day++) {
      for (let i = 0; i < 30; i++) loud.accumulate(5, 1);
      loud.closeDay(NO_PRIOR, 1);
      calm.closeDay(NO_PRIOR, 1);
    }
    expect(loud.surprise(2, NO_PRIOR)).toBe(calm.surprise(2, NO_PRIOR));
    expect(loud.lately).toBeGreaterThan(calm.lately);
  });

  it('keeps no days where something is certain, but for how many there were', () => {
    const suspicion = suspicionOf('canary');
    suspicion.accumulate(9, 1);
    expect(suspicion).toMatchObject({ sum: 9, days: 0, lately: 0, usualDay: 0 });
    for (let day = 0; day < 70; day++) suspicion.closeDay(NO_PRIOR, 1);
    expect(suspicion).toMatchObject({ sum: 9, days: 60 });
    suspicion.clear(true);
    expect(suspicion).toMatchObject({ sum: 0, days: 60 });
  });
});

import { expect, it } from 'vitest';
import { peak } from '../../src/baseline/peak.ts';
import type { Answerable } from '../../src/baseline/record.ts';
import { DAY_MS, dayOf, HOUR_MS } from '../../src/baseline/time.ts';
import { openField } from './open-field.ts';

const START = Date.UTC(2026, 8, 7);

function opened() {
  return openField(peak({ halfLifeMs: 4 * HOUR_MS })).field;
}

it('halves with time, and is raised only by what is higher than what is left', () => {
  const field = opened();
  expect(field.of(START)).toBe(0);
  field.raise(8, START);
  field.raise(3, START + HOUR_MS);
  expect(field.of(START + 4 * HOUR_MS)).toBeCloseTo(4, 6);
  field.raise(5, START + 4 * HOUR_MS);
  expect(field.of(START + 8 * HOUR_MS)).toBeCloseTo(2.5, 6);
});

it('is not turned back by what comes late', () => {
  const field = opened();
  field.raise(2, START + DAY_MS);
  field.raise(9, START);
  expect(field.of(START)).toBe(9);
  expect(field.of(START + DAY_MS)).toBe(9);
});

it('forgets a thief’s, and no other', () => {
  const field = opened() as ReturnType<typeof opened> & Answerable;
  field.raise(8, START);
  field.forgetSince(dayOf(START) + 1);
  expect(field.of(START)).toBe(8);
  field.forgetSince(dayOf(START));
  expect(field.of(START)).toBe(0);
});

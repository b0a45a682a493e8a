import { describe, expect, it } from 'vitest';
import { nameMix } from '../../src/baseline/name-mix.ts';
import { DAY_MS } from '../../src/baseline/time.ts';
import { createRandom } from '../../src/domain/random.ts';
import { openField } from './open-field.ts';

const NAMES = 24;
const TODAY = 1000 * DAY_MS;

describe('a mix of names', () => {
  it('knows shares, and what is left for names that it has not seen', () => {
    const { field } = openField(nameMix({ capacity: 16 }));
    for (let i = 0; i < 400; i++) field.add(i % 4 === 0 ? 'seldom' : 'often', TODAY);
    expect(field.observations).toBe(400);
    expect(field.probability('often', NAMES)).toBeCloseTo(0.75, 1);
    expect(field.probability('seldom', NAMES)).toBeCloseTo(0.25, 1);
    expect(field.probability('never', NAMES)).toBeLessThan(0.001);
  });

  it('gives probabilities that add up to one', () => {
    const { field } = openField(nameMix({ capacity: 16 }));
    const names = Array.from({ length: NAMES }, (_, i) => `name ${i}`);
    for (let i = 0; i < 3000; i++) field.add(names[(i * i) % 12] as string, TODAY);
    const sum = names.reduce((total, name) => total + field.probability(name, NAMES), 0);
    expect(sum).toBeCloseTo(1, 5);
  });

  it('takes none of many names for rare when there is no place for all', () => {
    const { field } = openField(nameMix({ capacity: 16 }));
    const random = createRandom('names');
    for (let i = 0; i < 3000; i++) field.add(`name ${random.below(60)}`, TODAY);
    for (let i = 0; i < 60; i++) expect(field.probability(`name ${i}`, NAMES)).toBeGreaterThan(1 / 100);
  });

  it('keeps the names that are used most, whatever else is thrown at it', () => {
    const { field } = openField(nameMix({ capacity: 16 }));
    for (let i = 0; i < 900; i++) field.add(`often ${i % 3}`, TODAY);
    for (let i = 0; i < 200; i++) field.add(`invented ${i}`, TODAY);
    for (let i = 0; i < 3; i++) expect(field.probability(`often ${i}`, NAMES)).toBeGreaterThan(0.12);
    expect(field.observations).toBeLessThanOrEqual(400);
  });

  it('finds what is seldom strange, and what is usual the owner’s, by a bit at most', () => {
    const { field } = openField(nameMix({ capacity: 16 }));
    for (let i = 0; i < 500; i++) field.add(i % 50 === 0 ? 'seldom' : 'often', TODAY);
    expect(field.strangeness('often', 1 / NAMES, NAMES)).toBeGreaterThan(-1);
    expect(field.strangeness('often', 1 / NAMES, NAMES)).toBeLessThan(-0.8);
    expect(field.strangeness('seldom', 1 / NAMES, NAMES)).toBeGreaterThan(0.3);
    expect(field.strangeness('never', 1 / NAMES, NAMES)).toBeGreaterThan(field.strangeness('seldom', 1 / NAMES, NAMES));
  });

  it('finds little strange in what has just been used, whoever used it', () => {
    const { field } = openField(nameMix({ capacity: 16 }));
    for (let i = 0; i < 500; i++) field.add('often', TODAY);
    const before = field.strangeness('seldom', 1 / NAMES, NAMES);
    for (let i = 0; i < 4; i++) field.add('seldom', TODAY);
    expect(field.strangeness('seldom', 1 / NAMES, NAMES)).toBeLessThan(before / 4);
    for (let i = 0; i < 8; i++) field.add('often', TODAY);
    expect(field.strangeness('seldom', 1 / NAMES, NAMES)).toBeGreaterThan(0.5);
  });

  it('comes to know new habits, however long it has known the old ones', () => {
    const { field } = openField(nameMix({ capacity: 16 }));
    for (let i = 0; i < 20_000; i++) field.add(`old ${i % 2}`, TODAY);
    for (let i = 0; i < 200; i++) field.add(`new ${i % 4}`, TODAY + i * 60_000);
    expect(field.strangeness('new 1', 1 / NAMES, NAMES)).toBeLessThan(0);
  });

  it('forgets half in a half-life', () => {
    const { field } = openField(nameMix({ capacity: 16 }));
    for (let i = 0; i < 100; i++) field.add('before', TODAY);
    for (let i = 0; i < 100; i++) field.add('now', TODAY + 45 * DAY_MS);
    expect(field.observations).toBeCloseTo(150, 3);
    expect(field.probability('now', NAMES)).toBeGreaterThan(field.probability('before', NAMES));
  });

  it('learns less from what is suspicious', () => {
    const { field, view } = openField(nameMix({ capacity: 16 }));
    view.weight = 0.25;
    for (let i = 0; i < 8; i++) field.add('table', TODAY);
    expect(field.observations).toBe(2);
  });
});

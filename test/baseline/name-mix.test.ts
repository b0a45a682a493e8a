import { describe, expect, it } from 'vitest';
import { GROUPS } from '../../src/baseline/name-groups.ts';
import { type NameMixWrite, nameMix } from '../../src/baseline/name-mix.ts';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { openField } from './open-field.ts';

const TODAY = 1000 * DAY_MS;
/** What a stranger is taken to do with any of some hundred names. */
const STRANGER = 0.01;

/** So many days with two tables, and on each seventh a third one. @returns when the next one begins */
function work(field: NameMixWrite, days: number): number {
  for (let day = 0; day < days; day++) {
    for (const name of ['orders', 'carts']) field.add(name, TODAY + day * DAY_MS);
    if (day % 7 === 0) field.add('weekly', TODAY + day * DAY_MS);
  }
  return TODAY + days * DAY_MS;
}

describe('a mix of names', () => {
  it('knows on how many days each is used, however often in a day', () => {
    const { field } = openField(nameMix());
    for (let day = 0; day < 28; day++) {
      for (let i = 0; i < 1000; i++) field.add('orders', TODAY + day * DAY_MS + i);
      if (day % 7 === 0) field.add('weekly', TODAY + day * DAY_MS + HOUR_MS);
    }
    expect(field.observations).toBe(32);
    expect(field.share('orders')).toBe(28 / 32);
    expect(field.share('weekly')).toBe(4 / 32);
    expect(field.share('never')).toBe(0);
  });

  it('has no opinion before it knows a use', () => {
    expect(openField(nameMix()).field.strangeness('any', STRANGER, TODAY)).toBe(0);
  });

  it('finds what is seldom strange, and what is usual the owner’s, by a bit at most', () => {
    const { field } = openField(nameMix());
    const now = work(field, 60) + 9 * HOUR_MS;
    const strangeness = (name: string) => field.strangeness(name, STRANGER, now);
    expect(strangeness('orders')).toBeGreaterThan(-1);
    expect(strangeness('orders')).toBeLessThan(-0.8);
    expect(strangeness('weekly')).toBeGreaterThan(strangeness('orders'));
    expect(strangeness('never')).toBeGreaterThan(strangeness('weekly') + 3);
  });

  it('finds the same in what is new whether all use it or few: who does something else does as all do', () => {
    const { field } = openField(nameMix());
    const now = work(field, 60) + 9 * HOUR_MS;
    expect(field.strangeness('never', 0.1, now)).toBeCloseTo(field.strangeness('never', 0.001, now), 6);
  });

  it('finds little strange in what has just been used, whoever used it, until work has paused', () => {
    const { field } = openField(nameMix());
    const now = work(field, 60) + 9 * HOUR_MS;
    const before = field.strangeness('never', STRANGER, now);
    for (const name of ['orders', 'never', 'carts']) field.add(name, now);
    const after = field.strangeness('never', STRANGER, now + HOUR_MS);
    expect(after).toBeLessThan(before / 4);
    expect(field.strangeness('never', STRANGER, now - HOUR_MS)).toBe(after);
    for (const hours of [5, 30, 250, 256, 260])
      expect(field.strangeness('never', STRANGER, now + hours * HOUR_MS), `after ${hours} h`).toBeGreaterThan(after);
    for (let i = 0; i < 8; i++) field.add('orders', now);
    expect(field.strangeness('never', STRANGER, now + HOUR_MS)).toBeGreaterThan(after);
  });

  it('comes to know new habits, however long it has known the old ones', () => {
    const { field } = openField(nameMix());
    const now = work(field, 3000);
    expect(field.strangeness('new', STRANGER, now)).toBeGreaterThan(3);
    for (let day = 0; day < 60; day++) field.add('new', now + day * DAY_MS);
    expect(field.strangeness('new', STRANGER, now + 60 * DAY_MS)).toBeLessThan(0);
  });

  it('forgets what was used on one day when others have filled up', () => {
    const { field } = openField(nameMix());
    field.add('once', TODAY);
    work(field, 300);
    expect(field.share('once')).toBe(0);
    expect(field.share('weekly')).toBeGreaterThan(0);
  });

  it('tells a hundred names apart from what was never used, as well as groups can', () => {
    const { field } = openField(nameMix());
    for (let i = 0; i < 100; i++) field.add(`known ${i}`, TODAY);
    const unknown = Array.from({ length: 1000 }, (_, i) => field.share(`unknown ${i}`)).filter((share) => share === 0);
    expect(unknown.length / 1000).toBeCloseTo((1 - 1 / GROUPS) ** 100, 1);
    for (let i = 0; i < 100; i++) expect(field.share(`known ${i}`)).toBeGreaterThan(0);
  });

  it('learns less from what is suspicious', () => {
    const { field, view } = openField(nameMix());
    view.weight = 0.25;
    for (let i = 0; i < 8; i++) field.add(`table ${i}`, TODAY);
    expect(field.observations).toBe(2);
  });
});

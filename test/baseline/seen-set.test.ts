import { describe, expect, it } from 'vitest';
import { type NameTracesWrite, nameTraces } from '../../src/baseline/name-traces.ts';
import type { Answerable } from '../../src/baseline/record.ts';
import { seenSet } from '../../src/baseline/seen-set.ts';
import { DAY_MS, dayOf, MINUTE_MS } from '../../src/baseline/time.ts';
import { openField } from './open-field.ts';

const START = Date.UTC(2026, 8, 7);

/** A set of an owner who has used `home` for ten days. */
function mature(options = { capacity: 8, forgetAfterDays: 100 }) {
  const opened = openField(seenSet(options));
  for (let day = 0; day < 10; day++) for (let i = 0; i < 5; i++) opened.field.add('home', START + day * DAY_MS + i);
  return { ...opened, now: START + 10 * DAY_MS };
}

describe('seenSet: standing', () => {
  it('knows on the very first day what is used again and again', () => {
    const { field } = openField(seenSet({ capacity: 8, forgetAfterDays: 100 }));
    expect(field.standing('home')).toBe('new');
    field.add('home', START);
    expect(field.standing('home')).toBe('fresh');
    field.add('home', START + 1);
    field.add('home', START + 2);
    expect(field.standing('home')).toBe('known');
  });

  it('later takes a name for the owner’s only on its second day, however busy the first', () => {
    const { field, now } = mature();
    for (let i = 0; i < 1000; i++) field.add('thief', now + i * MINUTE_MS);
    expect(field.standing('thief')).toBe('fresh');
    field.add('thief', now + DAY_MS);
    expect(field.standing('thief')).toBe('known');
  });

  it('needs many suspicious uses for one good one', () => {
    const { field, view, now } = mature();
    view.weight = 0.03;
    for (let day = 0; day < 20; day++) field.add('thief', now + day * DAY_MS);
    expect(field.standing('thief')).toBe('fresh');
  });

  it('takes no name for the owner’s by suspicious uses alone, whatever day they come on', () => {
    const { field, view, now } = mature();
    view.weight = 0.03;
    const midnight = now + DAY_MS;
    for (let i = -100; i < 100; i++) field.add('thief', midnight + i * 1000);
    expect(field.standing('thief')).toBe('fresh');
    view.weight = 1;
    field.add('thief', midnight + 2 * DAY_MS);
    expect(field.standing('thief')).toBe('known');
  });

  it('knows on its second day what is used after each long sleep', () => {
    const { field, now } = mature();
    for (let month = 1; month <= 3; month++) {
      field.add('home', now + month * 30 * DAY_MS);
      for (let i = 0; i < 50; i++) field.add('closing', now + month * 30 * DAY_MS + i * MINUTE_MS);
      expect(field.standing('closing')).toBe(month === 1 ? 'fresh' : 'known');
    }
  });

  it('forgets what was not used for long while others were, and finds it new again', () => {
    const { field, now } = mature({ capacity: 8, forgetAfterDays: 30 });
    for (let day = 0; day <= 29; day++) field.add('away', now + day * DAY_MS);
    expect(field.standing('home')).toBe('known');
    field.add('away', now + 30 * DAY_MS);
    expect(field.standing('home')).toBe('new');
  });

  it('forgets nothing while the token sleeps, and counts nothing as new when it wakes', () => {
    const { field, now } = mature({ capacity: 8, forgetAfterDays: 30 });
    const rate = field.noveltyRate(0.1, 8);
    field.add('home', now + 400 * DAY_MS);
    expect(field.standing('home')).toBe('known');
    expect(field.noveltyRate(0.1, 8)).toBeLessThan(Math.max(rate, 0.1));
  });

  it('forgets none of several names when the first of them is used again', () => {
    const { field, now } = mature({ capacity: 8, forgetAfterDays: 30 });
    for (let day = 0; day < 5; day++) for (const name of ['a', 'b']) field.add(name, now + day * DAY_MS);
    const wakesAt = now + 200 * DAY_MS;
    field.add('home', wakesAt);
    expect(['home', 'a', 'b'].map((name) => field.standing(name))).toEqual(['known', 'known', 'known']);
    for (let day = 1; day < 40; day++) field.add('home', wakesAt + day * DAY_MS);
    expect(field.standing('a')).toBe('new');
  });

  it('makes room by dropping what was used longest ago', () => {
    const { field, now } = mature({ capacity: 4, forgetAfterDays: 100 });
    for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) field.add(name, now + (i + 1) * DAY_MS);
    expect(field.size).toBe(4);
    expect(field.standing('home')).toBe('new');
    expect(field.standing('a')).toBe('fresh');
  });

  it('hashes with a key, so that names that collide cannot be constructed', () => {
    const { field, view } = mature();
    (view as { hashSeed: number }).hashSeed = 8;
    expect(field.standing('home')).toBe('new');
  });
});

describe('seenSet: traces of names that found no place any more', () => {
  const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

  /** Six tables, each used for two days, again and again, of which four have a place; for sixty days. */
  function inTurn(traces: NameTracesWrite | undefined) {
    const { field } = openField(seenSet({ capacity: 4, forgetAfterDays: 100 }));
    for (let day = 0; day < 60; day++)
      for (let i = 0; i < 5; i++)
        field.add(NAMES[(day >> 1) % NAMES.length] as string, START + day * DAY_MS + i, traces);
    return { field, now: START + 60 * DAY_MS };
  }

  function standings(names: readonly string[], { field }: ReturnType<typeof inTurn>, traces?: NameTracesWrite) {
    return names.map((name) => field.standing(name, traces));
  }

  it('know the owner’s names beyond the capacity, so that coming back to them is nothing new', () => {
    const { field: traces } = openField(nameTraces({ capacity: 3 }));
    const set = inTurn(traces);
    expect(standings(NAMES, set, traces)).toEqual(NAMES.map(() => 'known'));
    expect(set.field.novelties).toBeLessThan(inTurn(undefined).field.novelties / 2);
  });

  it('give way, the oldest first', () => {
    const { field: traces } = openField(nameTraces({ capacity: 3 }));
    const set = inTurn(traces);
    const more = ['g', 'h', 'i', 'j', 'k', 'l', 'm'];
    for (const [i, name] of more.entries())
      for (const day of [0, 1])
        for (let use = 0; use < 5; use++) set.field.add(name, set.now + (2 * i + day) * DAY_MS + use, traces);
    expect(standings(more, set, traces)).toEqual(more.map(() => 'known'));
    expect(standings(NAMES, set, traces)).toEqual(NAMES.map(() => 'new'));
  });

  it('are kept of the owner’s names only: whoever invents names has none of them known', () => {
    const { field: traces } = openField(nameTraces({ capacity: 3 }));
    const set = inTurn(traces);
    const invented = Array.from({ length: 200 }, (_, i) => `invented ${i}`);
    for (const [i, name] of invented.entries()) set.field.add(name, set.now + i, traces);
    expect(standings(invented, set, traces)).not.toContain('known');
    expect(standings(NAMES, set, traces).filter((standing) => standing === 'known')).toHaveLength(3);
  });
});

describe('seenSet: rate of novelty', () => {
  it('begins at the prior', () => {
    const { field } = openField(seenSet({ capacity: 8, forgetAfterDays: 100 }));
    expect(field.noveltyRate(0.1, 8)).toBeCloseTo(0.1, 5);
  });

  it('falls with every use of something known, and the first name of all is no novelty', () => {
    const { field } = mature();
    expect(field.noveltyRate(0.1, 8)).toBeCloseTo(0.8 / (field.observations + 8), 5);
    expect(field.noveltyRate(0.1, 8)).toBeLessThan(0.02);
  });

  it('stays high for one who always explores', () => {
    const { field } = openField(seenSet({ capacity: 8, forgetAfterDays: 100 }));
    for (let i = 0; i < 400; i++) field.add(i % 2 === 0 ? `sheet ${i}` : 'orders', START + i * MINUTE_MS);
    expect(field.noveltyRate(0.1, 8)).toBeCloseTo(0.5, 1);
  });

  it('follows present habits: counts fade by half in 45 days', () => {
    const { field, now } = mature();
    const before = field.observations;
    field.add('home', now - DAY_MS + 45 * DAY_MS);
    expect(field.observations).toBeCloseTo(before / 2 + 1, 0);
  });
});

describe('seenSet: what a person says', () => {
  it('accept makes what is fresh the owner’s, and brings nothing back that was forgotten', () => {
    const { field, view, now } = mature({ capacity: 8, forgetAfterDays: 5 });
    view.weight = 0.03;
    field.add('moved', now);
    expect(field.standing('moved')).toBe('fresh');
    (field as never as Answerable).accept();
    expect(field.standing('moved')).toBe('known');
    view.weight = 1;
    for (let day = 1; day < 20; day++) field.add('home', now + day * DAY_MS);
    (field as never as Answerable).accept();
    expect(field.standing('moved')).toBe('new');
  });

  it('forgetSince takes out what is fresh since that day, and leaves the rest as it was', () => {
    const { field, view, now, bytes } = mature();
    field.add('before', now - DAY_MS);
    view.weight = 0.03;
    for (const name of ['a', 'b', 'c']) field.add(name, now);
    field.add('home', now);
    (field as never as Answerable).forgetSince(dayOf(now));
    expect(['home', 'before', 'a', 'b', 'c'].map((name) => field.standing(name))).toEqual([
      'known',
      'fresh',
      'new',
      'new',
      'new',
    ]);
    expect(field.size).toBe(2);
    // What is empty is zero again.
    expect(bytes.subarray(16 + 8 * 2).every((byte) => byte === 0)).toBe(true);
    for (const name of ['d', 'e', 'f', 'g', 'h', 'i']) field.add(name, now);
    expect(field.size).toBe(8);
  });
});

import { describe, expect, it } from 'vitest';
import { kindSet } from '../../src/baseline/kind-set.ts';
import type { Answerable } from '../../src/baseline/record.ts';
import { DAY_MS, dayOf } from '../../src/baseline/time.ts';
import { openField } from './open-field.ts';

const START = Date.UTC(2026, 8, 7);
const RATES = { strangerRate: 0.4, priorRate: 0.1, priorWeight: 8 };

function openSet() {
  const opened = openField(kindSet({ kinds: ['a', 'b', 'c', 'd'], forgetAfterDays: 100 }));
  const use = (kind: number, day: number, weight = 1) => {
    opened.view.weight = weight;
    opened.field.add(kind, START + day * DAY_MS);
  };
  return { ...opened, use };
}

describe('kindSet', () => {
  it('takes what is begun for the owner’s from the second day on', () => {
    const { field, use } = openSet();
    use(0, 0);
    expect(field.knownKinds()).toEqual([0]);
    for (let i = 0; i < 50; i++) use(2, 1);
    expect(field.standing(2)).toBe('fresh');
    use(2, 2);
    expect(field.standing(2)).toBe('known');
    expect(field.standing(3)).toBe('new');
  });

  it('learns nothing from days on which the token is suspected', () => {
    const { field, use } = openSet();
    use(0, 0);
    for (const day of [1, 2, 3]) use(1, day, 0.1);
    expect(field.standing(1)).toBe('fresh');
  });

  it('forgets a kind while others are done, and nothing while the token sleeps', () => {
    const { field, use } = openSet();
    use(0, 0);
    use(1, 1);
    use(1, 2);
    // A year later.
    for (let day = 367; day <= 465; day += 7) use(0, day);
    expect(field.standing(1)).toBe('known');
    use(0, 468);
    use(0, 469);
    expect(field.standing(1)).toBe('new');
    expect(field.standing(0)).toBe('known');
    use(1, 470);
    expect(field.standing(1)).toBe('fresh');
  });

  it('knows what is said to be the owner’s, and forgets what is said to be a thief’s', () => {
    const grown = () => {
      const opened = openSet();
      for (const day of [0, 5, 10]) opened.use(0, day);
      opened.use(1, 2);
      opened.use(2, 10);
      return opened;
    };
    const owners = grown();
    (owners.field as unknown as Answerable).accept();
    expect(owners.field.knownKinds()).toEqual([0, 1, 2]);
    expect(owners.field.standing(3)).toBe('new');
    const stolen = grown();
    (stolen.field as unknown as Answerable).forgetSince(dayOf(START) + 10);
    expect([0, 1, 2].map((kind) => stolen.field.standing(kind))).toEqual(['known', 'fresh', 'new']);
    // And has to be begun anew.
    stolen.use(2, 11);
    expect(stolen.field.standing(2)).toBe('fresh');
    expect(owners.outside() || stolen.outside()).toBe(false);
  });

  it('is surprised the more, the longer the token did the same few', () => {
    const { field, use } = openSet();
    for (let i = 0; i < 100; i++) use(0, i / 10);
    const bits = field.strangeness(RATES);
    expect(bits).toBeCloseTo(Math.log2(0.4 * 108 * (1 / 0.8)));
    use(1, 11);
    use(1, 12);
    expect(field.strangeness(RATES)).toBeLessThan(bits);
  });
});

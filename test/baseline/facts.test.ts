import { describe, expect, it } from 'vitest';
import { alternation } from '../../src/baseline/alternation.ts';
import { aboutText, oftenText, spanText, type Tellable } from '../../src/baseline/facts.ts';
import { hourOfWeek } from '../../src/baseline/hour-of-week.ts';
import { kindSet } from '../../src/baseline/kind-set.ts';
import { moments } from '../../src/baseline/moments.ts';
import { nameMix } from '../../src/baseline/name-mix.ts';
import type { Field } from '../../src/baseline/record.ts';
import { seenSet } from '../../src/baseline/seen-set.ts';
import { share } from '../../src/baseline/share.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/baseline/time.ts';
import { timestamp } from '../../src/baseline/timestamp.ts';
import { weeklyDrift } from '../../src/baseline/weekly-drift.ts';
import { openField } from './open-field.ts';

/** A Monday. */
const START = Date.UTC(2026, 8, 7);
const nameOf = (hash: number) => String(hash).slice(0, 2);

function told<Write>(declared: Field<unknown, Write>, learn: (field: Write) => void): readonly unknown[] {
  const { field } = openField(declared);
  const facts = () => (field as Partial<Tellable>).facts?.(nameOf);
  expect(facts()).toEqual([]);
  learn(field);
  return facts() ?? [];
}

describe('what fields tell', () => {
  it('names: known, fresh, and how often there is a new one', () => {
    const facts = told(seenSet({ capacity: 8, forgetAfterDays: 9 }), (field) => {
      for (let i = 0; i < 100; i++) field.add('orders', START + i * HOUR_MS);
      field.add('payroll', START + 4 * DAY_MS);
    });
    expect(facts).toEqual([
      { what: 'known', value: [expect.any(String)] },
      { what: 'fresh, not known yet', value: [expect.any(String)] },
      { what: 'new ones', value: '1 in about 100' },
      { what: 'watched since', value: '2026-09-07' },
    ]);
  });

  it('what is forgotten is not told', () => {
    const [known] = told(seenSet({ capacity: 8, forgetAfterDays: 9 }), (field) => {
      for (let i = 0; i < 9; i++) field.add('old', START + i * HOUR_MS);
      for (let i = 0; i < 20; i++) field.add('young', START + i * DAY_MS);
    });
    expect(known).toMatchObject({ what: 'known', value: [expect.any(String)] });
  });

  it('kinds, by their names', () => {
    const facts = told(kindSet({ kinds: ['reading', 'writing'], forgetAfterDays: 9 }), (field) => {
      for (const day of [0, 1]) field.add(0, START + day * DAY_MS);
      field.add(1, START + DAY_MS);
    });
    expect(facts).toEqual([
      { what: 'known', value: ['reading'] },
      { what: 'fresh, not known yet', value: ['writing'] },
    ]);
  });

  it('proportions, by how many there are and what the most frequent one has of them', () => {
    const facts = told(nameMix(), (field) => {
      for (let day = 0; day < 30; day++) {
        field.add('a', START + day * DAY_MS);
        if (day % 3 === 0) field.add('b', START + day * DAY_MS);
      }
    });
    expect(facts).toEqual([{ what: '', value: 'about 2 different, the most frequent 75 % of them' }]);
  });

  it('hours, days of the week that are alike together', () => {
    const facts = told(hourOfWeek(), (field) => {
      for (let hour = 0; hour < 28 * 24; hour++) {
        const [day, ofDay] = [Math.floor(hour / 24) % 7, hour % 24];
        if ((day < 5 && ofDay >= 8 && ofDay < 18) || (day === 6 && ofDay === 23)) field.add(START + hour * HOUR_MS);
      }
    });
    expect(facts).toEqual([{ what: 'UTC', value: ['Mon–Fri 8–18', 'Sun 23–24'] }]);
  });

  it('amounts by weekday', () => {
    const facts = told(weeklyDrift(), (field) => {
      for (let day = 0; day < 9; day++) field.add(day % 7 === 0 ? 3000 : 40, START + day * DAY_MS);
    });
    const value = ['Thu', 'Fri', 'Sat', 'Sun'].map((day) => `${day} about 40`);
    expect(facts).toEqual([{ what: 'in a day', value: [...value, 'Mon about 3,000', 'Tue about 40', 'Wed about 40'] }]);
  });

  it('times, shares, spreads and goings back and forth', () => {
    expect(told(timestamp(), (field) => field.advance(START))).toEqual([
      { what: '', value: '2026-09-07T00:00:00.000Z' },
    ]);
    const asked = told(share(), (field) => {
      for (let i = 0; i < 30; i++) field.add(i < 12);
    });
    expect(asked).toEqual([{ what: '', value: '40 %' }]);
    const spread = told(moments({ weightMax: 20 }), (field) => {
      for (const value of [1, 3]) field.add(value);
    });
    expect(spread).toEqual([
      { what: 'mean', value: '2.0' },
      { what: 'mostly', value: '1.0 to 3.0' },
      { what: 'observations', value: 'about 2' },
    ]);
    const pauses = told(moments({ weightMax: 20, told: (value) => `${2 ** value} hours` }), (field) => {
      for (const value of [1, 3]) field.add(value);
    });
    expect(pauses[1]).toEqual({ what: 'mostly', value: '2 hours to 8 hours' });
    const places = told(alternation(), (field) => {
      for (let i = 0; i < 22; i++) field.add(i % 2 ? 'a' : 'b', START + i * SECOND_MS);
    });
    expect(places).toEqual([{ what: 'back and forth', value: '100 %' }]);
  });
});

it.each([
  [aboutText(0), 'about 0'],
  [aboutText(0.034), 'about 0.03'],
  [aboutText(1234), 'about 1,000'],
  [aboutText(9.7e7), 'about 100,000,000'],
  [oftenText(0, 0), 'never asked so far'],
  [oftenText(0, 1200), 'never in about 1,000'],
  [oftenText(0.2, 0.3), 'never in about 1'],
  [oftenText(4, 1200), '1 in about 300'],
  [oftenText(800, 1000), '80 %'],
  [spanText(SECOND_MS), 'a second'],
  [spanText(5 * MINUTE_MS), '5 minutes'],
  [spanText(HOUR_MS), 'an hour'],
  [spanText(90 * MINUTE_MS), '1.5 hours'],
  [spanText(250), '250 milliseconds'],
])('%s', (text, expected) => {
  expect(text).toBe(expected);
});

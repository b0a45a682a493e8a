import { describe, expect, it } from 'vitest';
import { Moments, type Prior } from '../../src/baseline/moments.ts';
import { createSlab } from '../../src/baseline/slab.ts';
import { alarmBudgetSchema, thresholdsOf } from '../../src/detect/budget.ts';
import { mergeEvidence } from '../../src/detect/evidence.ts';
import { readSnapshot, snapshotWriter } from '../../src/detect/snapshot.ts';
import { suspicion } from '../../src/detect/suspicion.ts';
import { openField } from '../baseline/open-field.ts';

describe('alarm budget', () => {
  it.each([
    ['1 per 1000 token-months', { alarms: 1, tokenMonths: 1000 }],
    ['0.5 per token-month', { alarms: 0.5, tokenMonths: 1 }],
    ['3 per 1 token-month', { alarms: 3, tokenMonths: 1 }],
  ])('%s', (text, expected) => {
    expect(alarmBudgetSchema.parse(text)).toEqual(expected);
  });

  it.each([
    '1',
    '1 per day',
    '0 per 1000 token-months',
    '1 per 0 token-months',
    '1e3 per token-month',
    '-1 per token-month',
  ])('refuses %s', (text) => {
    expect(alarmBudgetSchema.safeParse(text).success).toBe(false);
  });

  it('becomes bits: token-days that share one alarm, and ten times as many to revoke', () => {
    const { alert, revoke } = thresholdsOf({ alarms: 1, tokenMonths: 1000 });
    expect(alert).toBeCloseTo(Math.log2(30_000), 6);
    expect(revoke - alert).toBeCloseTo(Math.log2(10), 6);
    expect(thresholdsOf({ alarms: 1000, tokenMonths: 1 }).alert).toBe(3);
  });
});

describe('suspicion', () => {
  const PRIOR: Prior = { mean: 1.5, deviation: 2, weight: 8 };

  it('adds up, loses with time, and never falls below nothing', () => {
    const { field } = openField(suspicion());
    expect(field.accumulate(3, 1)).toBe(3);
    expect(field.accumulate(2, 0.5)).toBe(3.5);
    expect(field.accumulate(-9, 1)).toBe(0);
    expect(field.accumulate(1, 1)).toBe(1);
  });

  it('is less surprised by a token that is loud every day', () => {
    const [loud, calm] = [openField(suspicion()).field, openField(suspicion()).field];
    for (let day = 0; day < 30; day++) {
      loud.accumulate(8 + (day % 3), 0);
      calm.accumulate(0.2, 0);
      loud.closeDay(PRIOR, 1);
      calm.closeDay(PRIOR, 1);
    }
    expect(loud.surprise(10, PRIOR)).toBeLessThan(4);
    expect(calm.surprise(10, PRIOR)).toBeGreaterThan(15);
  });

  it('lets one loud day shift it by a bounded step only', () => {
    const [victim, calm] = [openField(suspicion()).field, openField(suspicion()).field];
    for (let day = 0; day < 20; day++) {
      for (const field of [victim, calm]) {
        field.accumulate(day === 10 && field === victim ? 500 : 0.2, 0);
        field.closeDay(PRIOR, 1);
      }
    }
    expect(victim.surprise(12, PRIOR)).toBeGreaterThan(0.6 * calm.surprise(12, PRIOR));
  });

  it('remembers how high it got lately, and forgets it by half in three days', () => {
    const { field } = openField(suspicion());
    field.accumulate(8, 0);
    field.closeDay(PRIOR, 3);
    expect(field.lately).toBe(4);
    field.accumulate(1, 0);
    field.closeDay(PRIOR, 6);
    expect(field.lately).toBe(1);
    expect(field.days).toBe(2);
  });

  it('keeps its moments where it says', () => {
    const { field, view } = openField(suspicion());
    field.accumulate(2, 0);
    field.closeDay({ mean: 100, deviation: 1, weight: 1 }, 1);
    expect(new Moments(view, 16 + 8, 60).weight).toBe(1);
    expect(field.days).toBe(1);
  });
});

describe('mergeEvidence', () => {
  const list = (...observed: readonly string[]) => ({ what: 'tables', observed, expected: '2', sampleSize: 9 });
  const rows = (observed: number, expected = 10) => ({ what: 'rows', observed, expected, sampleSize: 9 });

  it('lists each thing once, in order, up to a bound', () => {
    expect(mergeEvidence([list('a', 'b')], [list('b', 'c')], false)[0]?.observed).toEqual(['a', 'b', 'c']);
    const many = Array.from({ length: 100 }, (_, i) => `t${i}`);
    expect(mergeEvidence([list('a')], [list(...many)], false)[0]?.observed).toHaveLength(32);
  });

  it('keeps the greatest number beside what was expected at first: a thief must not raise what is usual', () => {
    expect(mergeEvidence([rows(500, 10)], [rows(900, 300)], true)).toEqual([rows(900, 10)]);
    expect(mergeEvidence([rows(500, 10)], [rows(90, 300)], true)).toEqual([rows(500, 10)]);
  });

  it('adds what is new in kind', () => {
    expect(mergeEvidence([rows(5)], [list('a')], false)).toEqual([rows(5), list('a')]);
  });
});

describe('snapshot', () => {
  it('comes back as it was', () => {
    const slab = createSlab({ recordBytes: 64, tokensMax: 2, hashSeed: 1 });
    for (const token of ['a', 'b']) slab.seek(token);
    const record = slab.bytesAt(1);
    for (let i = 0; i < record.length; i++) record[i] = i;
    const write = snapshotWriter('0123456789abcdef', slab);
    const snapshot = write(1, '{"a":"ä"}');
    // Nothing that comes after changes it: neither the next snapshot nor the record.
    write(0, '');
    const before = record.slice();
    record.fill(0);
    const read = readSnapshot(snapshot);
    expect(read).toMatchObject({ fingerprint: '0123456789abcdef', notes: '{"a":"ä"}' });
    expect(Buffer.compare(read.record, before)).toBe(0);
  });

  it('is told from anything else', () => {
    const slab = createSlab({ recordBytes: 8, tokensMax: 1, hashSeed: 1 });
    slab.seek('a');
    const good = snapshotWriter('0123456789abcdef', slab)(0, 'x');
    for (const bad of [
      new Uint8Array(0),
      new Uint8Array(23),
      new Uint8Array(64),
      good.subarray(0, 24).fill(255, 4, 8),
    ]) {
      expect(() => readSnapshot(bad)).toThrow(RangeError);
    }
  });
});

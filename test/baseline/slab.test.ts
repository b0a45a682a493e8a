import { describe, expect, it } from 'vitest';
import { counter } from '../../src/baseline/counter.ts';
import { layOut, movesBetween } from '../../src/baseline/layout.ts';
import { moments } from '../../src/baseline/moments.ts';
import { createSlab } from '../../src/baseline/slab.ts';
import { timestamp } from '../../src/baseline/timestamp.ts';

describe('slab', () => {
  it('keeps each token’s record apart, over many chunks', () => {
    const slab = createSlab({ recordBytes: 16, tokensMax: 5000, hashSeed: 1 });
    const field = timestamp().open(slab.view, 8);
    for (let i = 0; i < 5000; i++) {
      expect(slab.seek(`token ${i}`)).toBe(true);
      field.advance(i + 1);
    }
    for (let i = 0; i < 5000; i += 7) {
      expect(slab.find(`token ${i}`)).toBe(true);
      expect(field.value).toBe(i + 1);
      expect(slab.tokenAt(slab.slot)).toBe(`token ${i}`);
      expect(new Float64Array(slab.bytesAt(slab.slot).slice().buffer)[1]).toBe(i + 1);
    }
  });

  it('refuses tokens beyond its bound, and keeps those it knows', () => {
    const slab = createSlab({ recordBytes: 8, tokensMax: 3, hashSeed: 1 });
    expect(['a', 'b', 'c', 'd', 'e'].map((token) => slab.seek(token))).toEqual([true, true, true, false, false]);
    expect(slab.find('d')).toBe(false);
    expect([...slab.tokens()]).toEqual(['a', 'b', 'c']);
    expect(slab.seek('a')).toBe(true);
  });

  it.each([
    '__proto__',
    'constructor',
    '',
    '\u0000',
    'é',
    '\ud800',
    '令牌',
    't'.repeat(31),
    't'.repeat(32),
    't'.repeat(300),
  ])('takes %j for a token like any other', (token) => {
    const slab = createSlab({ recordBytes: 8, tokensMax: 3, hashSeed: 1 });
    expect(slab.find(token)).toBe(false);
    expect(slab.seek(token)).toBe(true);
    expect(slab.tokenAt(slab.slot)).toBe(token);
    expect(slab.seek('another')).toBe(true);
    expect(slab.find(token)).toBe(true);
    slab.drop(slab.slot);
    expect(slab.find(token)).toBe(false);
    expect([...slab.tokens()]).toEqual(['another']);
  });

  it('gives a slot that was emptied to another token, with nothing left in it', () => {
    const slab = createSlab({ recordBytes: 16, tokensMax: 2, hashSeed: 1 });
    const field = timestamp().open(slab.view, 8);
    slab.seek('令牌');
    field.advance(7);
    const { slot } = slab;
    slab.seek('b');
    slab.drop(slot);
    expect(() => slab.tokenAt(slot)).toThrow(RangeError);
    expect(slab.seek('c')).toBe(true);
    expect([slab.slot, slab.tokenAt(slab.slot), field.value]).toEqual([slot, 'c', 0]);
  });
});

describe('layout', () => {
  const before = layOut([
    { id: 'engine', fields: { seen: counter() } },
    { id: 'a', fields: { last: timestamp(), days: moments({ weightMax: 9 }) } },
    { id: 'b', fields: { last: timestamp() } },
  ]);

  it('places fields without overlap, aligned', () => {
    let end = 0;
    for (const { offset, sizeBytes } of before.places) {
      expect(offset).toBe(end);
      expect(offset % 8).toBe(0);
      end = offset + sizeBytes;
    }
    expect(before.sizeBytes).toBe(end);
  });

  it('finds fields again when detectors are added, removed and reordered', () => {
    const after = layOut([
      { id: 'b', fields: { last: timestamp() } },
      { id: 'new', fields: { last: timestamp() } },
      { id: 'a', fields: { days: moments({ weightMax: 9 }) } },
    ]);
    const place = (layout: typeof before, name: string) => layout.places.find((candidate) => candidate.name === name)!;
    expect(movesBetween(before, after)).toEqual(
      ['b/last', 'a/days'].map((name) => {
        const { offset: from, sizeBytes } = place(before, name);
        return { name, from, to: place(after, name).offset, sizeBytes };
      }),
    );
    expect(after.fingerprint).not.toBe(before.fingerprint);
  });

  it('starts a field anew whose kind, version or size is another', () => {
    const changed = { ...timestamp(), version: 2 };
    expect(movesBetween(before, layOut([{ id: 'b', fields: { last: changed } }]))).toEqual([]);
    expect(movesBetween(before, layOut([{ id: 'b', fields: { last: counter() } }]))).toEqual([]);
  });
});

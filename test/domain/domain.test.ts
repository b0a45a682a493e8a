import { createRequire } from 'node:module';
import fc from 'fast-check';
import { mean, standardDeviation } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { deriveId } from '../../src/domain/identifier.ts';
import { partitionOf } from '../../src/domain/partition.ts';
import { createRandom } from '../../src/domain/random.ts';
import { countText, observedText } from '../../src/domain/words.ts';

/** What kafkajs itself does with keys. */
const murmur2 = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2') as (
  key: Buffer,
) => number;

describe('partitionOf', () => {
  it('is what Kafka’s clients do, so that anyone can tell where a token’s events are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 1, max: 100 }), (key, count) => {
        expect(partitionOf(key, count)).toBe((murmur2(Buffer.from(key)) & 0x7fffffff) % count);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('deriveId', () => {
  it('is the same for the same parts, and tells their boundaries apart', () => {
    expect(deriveId('alr', 'a', 'bc')).toBe(deriveId('alr', 'a', 'bc'));
    expect(deriveId('alr', 'a', 'bc')).not.toBe(deriveId('alr', 'ab', 'c'));
    expect(deriveId('alr', 'a')).toMatch(/^alr_[0-9a-hjkmnp-tv-z]{16}$/);
  });

  it('does not collide over a million coordinates', () => {
    const ids = new Set<string>();
    for (let i = 0; i < 1_000_000; i++) ids.add(deriveId('x', 'source/3', String(i)));
    expect(ids.size).toBe(1_000_000);
  });
});

describe('createRandom', () => {
  const draw = <T>(count: number, one: (random: ReturnType<typeof createRandom>) => T, seed = 'seed') => {
    const random = createRandom(seed);
    return Array.from({ length: count }, () => one(random));
  };

  it('repeats itself by its seed, and differs by it', () => {
    const first = draw(50, ({ next }) => next());
    expect(draw(50, ({ next }) => next())).toEqual(first);
    expect(draw(50, ({ next }) => next(), 'seed2')).not.toEqual(first);
  });

  it('is uniform', () => {
    const values = draw(20_000, ({ next }) => next());
    expect(mean(values)).toBeCloseTo(0.5, 1);
    expect(standardDeviation(values)).toBeCloseTo(Math.sqrt(1 / 12), 1);
    expect(new Set(draw(5000, ({ below }) => below(7)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
  });

  it('has the means it says', () => {
    for (const expected of [0.3, 4, 80])
      expect(mean(draw(20_000, ({ poisson }) => poisson(expected))) / expected).toBeCloseTo(1, 1);
    const logs = draw(20_000, ({ logNormal }) => Math.log(logNormal(100, 0.5)));
    expect(mean(logs)).toBeCloseTo(Math.log(100), 1);
    expect(standardDeviation(logs)).toBeCloseTo(0.5, 1);
  });

  it.each([1, 2, 5])('picks each of %d items, the first ones more often', (count) => {
    const items = Array.from({ length: count }, (_, i) => i);
    const picks = draw(20_000, ({ pickZipf }) => pickZipf(items));
    const shares = items.map((item) => picks.filter((pick) => pick === item).length / picks.length);
    const expected = items.map((i) => Math.log((i + 2) / (i + 1)) / Math.log(count + 1));
    for (const [i, share] of shares.entries()) expect(share).toBeCloseTo(expected[i] ?? 0, 1);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
  });
});

describe('words', () => {
  it('count and list', () => {
    expect([countText(1, 'country', 'countries'), countText(2000, 'country', 'countries')]).toEqual([
      '1 country',
      '2,000 countries',
    ]);
    expect(observedText(['a', 'b', 'c', 'd', 'e', 'f'])).toBe('a, b, c, d, e, f');
    expect(observedText(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a, b, c, d, e and 2 more');
    expect(observedText(1234.5)).toBe('1,234.5');
  });
});

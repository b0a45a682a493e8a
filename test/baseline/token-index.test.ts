import { describe, expect, it } from 'vitest';
import { TokenIndex } from '../../src/baseline/token-index.ts';
import { createRandom } from '../../src/domain/random.ts';

/** An index, and the tokens that it is told of. */
function createIndex(seed = 1) {
  const tokens: string[] = [];
  const index = new TokenIndex(seed, (slot, token) => tokens[slot] === token);
  return { tokens, index };
}

describe('TokenIndex', () => {
  it('finds what a Map finds, whatever is added and removed', () => {
    const random = createRandom('index');
    const { tokens, index } = createIndex();
    const known = new Map<string, number>();
    for (let i = 0; i < 40_000; i++) {
      const token = `token ${random.below(6000)}`;
      const slot = known.get(token);
      expect(index.find(token)).toBe(slot ?? -1);
      if (slot === undefined) {
        known.set(token, tokens.push(token) - 1);
        index.add(token, tokens.length - 1);
      } else if (random.next() < 0.7) {
        known.delete(token);
        index.remove(token, slot);
      }
      expect(index.size).toBe(known.size);
    }
    for (const [token, slot] of known) expect(index.find(token)).toBe(slot);
  });

  it('removes nothing for a token that it does not hold', () => {
    const { tokens, index } = createIndex();
    tokens.push('a');
    index.add('a', 0);
    index.remove('b', 1);
    expect([index.size, index.find('a'), index.find('b')]).toEqual([1, 0, -1]);
  });

  it('tells long tokens apart that begin alike, and those that end in NULs', () => {
    const { tokens, index } = createIndex();
    const alike = Array.from({ length: 50 }, (_, i) => 'x'.repeat(512) + i);
    const zeros = Array.from({ length: 50 }, (_, i) => `a${'\u0000'.repeat(i)}`);
    for (const token of [...alike, ...zeros]) index.add(token, tokens.push(token) - 1);
    expect([...alike, ...zeros].map((token) => index.find(token))).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('asks about hardly any other token than the one that is meant', () => {
    let askedCount = 0;
    const tokens = Array.from({ length: 100_000 }, (_, i) => `token-${i}`);
    const index = new TokenIndex(7, (slot, token) => {
      askedCount += 1;
      return tokens[slot] === token;
    });
    for (const [slot, token] of tokens.entries()) index.add(token, slot);
    for (const token of tokens) index.find(token);
    expect(askedCount).toBeLessThan(100_020);
  });
});

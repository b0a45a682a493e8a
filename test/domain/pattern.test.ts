import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesPattern, PatternList } from '../../src/domain/pattern.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });

describe('matchesPattern', () => {
  it('agrees with the regular expression that says the same', () => {
    fc.assert(
      fc.property(pattern, text, (glob, value) => {
        const expression = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 's');
        expect(matchesPattern(glob, value)).toBe(expression.test(value));
      }),
      { numRuns: 5000 },
    );
  });

  it('is quick on what makes regular expressions slow', () => {
    const startedAt = performance.now();
    expect(matchesPattern(`${'*a'.repeat(250)}*b`, 'a'.repeat(100_000))).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

describe('PatternList', () => {
  const several = fc.array(pattern, { maxLength: 5 });

  it('matches what one of its patterns matches', () => {
    fc.assert(
      fc.property(several, text, (patterns, value) => {
        expect(new PatternList(patterns).matches(value)).toBe(patterns.some((one) => matchesPattern(one, value)));
      }),
    );
  });

  it('is written as it was read', () => {
    expect(JSON.stringify(new PatternList(['a', 'b*']))).toBe('["a","b*"]');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matches, matchesPattern } from '../../src/decide/match.ts';
import { sampleAlert, sampleAssessment } from '../deliver/sample.ts';

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

describe('matches', () => {
  const alert = sampleAlert({ severity: 'high' });

  it.each([
    [{}, true],
    [{ token: 'svc-*' }, true],
    [{ token: 'SVC-*' }, false],
    [{ principal: 'billing', owner: 'team *', environment: 'production', database: 'ledger' }, true],
    [{ token: 'svc-*', environment: 'staging' }, false],
    [{ severity: 'medium' }, true],
    [{ severity: 'high' }, true],
    [{ severity: 'critical' }, false],
  ] as const)('%j: %s', (match, expected) => {
    expect(matches(match, alert)).toBe(expected);
  });

  it('finds nothing in what is not known, not even with a star', () => {
    const unknown = sampleAlert({ latest: sampleAssessment({ owner: null }) });
    expect(matches({ owner: '*' }, unknown)).toBe(false);
  });
});

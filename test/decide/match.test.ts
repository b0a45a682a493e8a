import { describe, expect, it } from 'vitest';
import { matches } from '../../src/decide/match.ts';
import { sampleAlert, sampleAssessment } from '../deliver/sample.ts';

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

import { describe, expect, it } from 'vitest';
import type { GuardRails, Policy } from '../../src/decide/policy.ts';
import { decideRevocation, type Surroundings } from '../../src/decide/revoke.ts';
import type { Assessment, Finding } from '../../src/domain/finding.ts';
import { AT, sampleAlert, sampleAssessment, sampleFinding } from '../deliver/sample.ts';
import { samplePolicy } from './policy.ts';

const NOW = AT + 61_000;
const NOTHING: Surroundings = {
  standing: null,
  approvedAt: [],
  suspects: new Map([['svc-billing', NOW]]),
  caution: null,
  explained: null,
};

interface Situation {
  readonly worst?: Partial<Assessment>;
  /** The worst one, if nothing is said. */
  readonly latest?: Partial<Assessment>;
  readonly policy?: Partial<Policy>;
  readonly guardRails?: Partial<GuardRails>;
  readonly around?: Partial<Surroundings>;
}

function decide({ worst, latest, policy, guardRails, around }: Situation) {
  const assessment = sampleAssessment(worst);
  const alert = sampleAlert({
    worst: assessment,
    latest: latest === undefined ? assessment : sampleAssessment(latest),
  });
  return decideRevocation(alert, samplePolicy(policy, guardRails), { ...NOTHING, ...around }, NOW);
}

/** So many tokens that went over the threshold so long ago. */
const suspects = (count: number, agoMs = 0) =>
  new Map(Array.from({ length: count }, (_, i) => [`token ${i}`, NOW - agoMs] as const));

describe('decideRevocation', () => {
  it('approves strong evidence of two dimensions, and says why', () => {
    expect(decide({})).toEqual({
      state: 'approved',
      revoker: 'gateway',
      reason: { code: 'policy-revokes', text: 'score 31.4 bits (20.5 needed), unusual in where, how-much' },
    });
  });

  it('only writes down what it would do while it observes', () => {
    expect(decide({ policy: { mode: 'observe' } })).toMatchObject({
      state: 'shadow',
      revoker: 'gateway',
      reason: { code: 'observe-mode' },
    });
  });

  it.each<[string, Situation, string]>([
    ['a revocation that stands', { around: { standing: 'accepted' } }, 'already-revoked'],
    ['no rule', { policy: { revocationRules: [] } }, 'no-policy-matches'],
    [
      'no rule that matches',
      { policy: { revocationRules: [{ match: { token: 'x*' }, revoker: 'gateway' }] } },
      'no-policy-matches',
    ],
    ['a score below the limit', { worst: { score: 20.4 } }, 'below-revoke-threshold'],
    ['one dimension', { worst: { findings: [sampleFinding(), sampleFinding({ id: 'b' })] } }, 'one-dimension-only'],
    [
      'a second dimension that hardly counts',
      { worst: { findings: [sampleFinding(), sampleFinding({ dimension: 'when', contribution: 0.9 })] } },
      'one-dimension-only',
    ],
    [
      'a second dimension of which one day in sixteen has as much',
      { worst: { findings: [sampleFinding(), sampleFinding({ dimension: 'how-much', contribution: 3.9 })] } },
      'one-dimension-only',
    ],
    [
      'a second dimension that the client made up',
      { worst: { findings: [sampleFinding(), sampleFinding({ dimension: 'how', trust: 'claimed' })] } },
      'one-dimension-only',
    ],
    [
      'a second dimension of an experimental detector',
      { worst: { findings: [sampleFinding(), sampleFinding({ dimension: 'how', status: 'experimental' })] } },
      'one-dimension-only',
    ],
    [
      'nothing but claims',
      {
        worst: {
          findings: [sampleFinding({ trust: 'claimed' }), sampleFinding({ dimension: 'how', trust: 'claimed' })],
        },
      },
      'claimed-evidence-only',
    ],
  ])('does nothing on %s', (_, situation, code) => {
    expect(decide(situation)).toMatchObject({ state: 'none', reason: { code } });
  });

  it('lets no claims make a second dimension too small', () => {
    const where = sampleFinding({ contribution: 16, scoreWithout: 10 });
    const when = sampleFinding({ id: 'b', dimension: 'when', contribution: 5.4, scoreWithout: 24 });
    const honest = {
      score: 21.4,
      findings: [
        { ...where, scoreWithout: 8 },
        { ...when, scoreWithout: 18 },
      ],
    };
    expect(decide({ worst: honest })).toMatchObject({ state: 'approved' });
    // The same, and so many claims that all else has a smaller share of a score that grows ever slower.
    const claims = sampleFinding({
      id: 'c',
      dimension: 'failures',
      trust: 'claimed',
      contribution: 10,
      scoreWithout: 21.4,
    });
    const findings = [{ ...where, contribution: 11.3 }, { ...when, contribution: 3.8 }, claims];
    expect(decide({ worst: { score: 25.1, findings } })).toMatchObject({ state: 'approved' });
  });

  const canary = (facts: Parameters<typeof sampleFinding>[0] = {}) =>
    sampleFinding({ title: 'Canary touched', isCertain: true, ...facts });

  it('needs neither a second dimension nor a baseline for what must not happen at all', () => {
    const worst = { findings: [canary()], baseline: { firstSeenAt: AT, eventCount: 1 } };
    expect(decide({ worst })).toMatchObject({
      state: 'approved',
      reason: { text: 'canary touched: no matter of odds' },
    });
    expect(decide({ worst, policy: { stopped: true } })).toMatchObject({ state: 'held' });
  });

  it('adds up what is unusual beside the strongest dimension', () => {
    const weak = (id: string, dimension: Finding['dimension']) => sampleFinding({ id, dimension, contribution: 2.1 });
    const findings = [sampleFinding(), weak('b', 'how-much'), weak('c', 'when')];
    expect(decide({ worst: { findings } })).toMatchObject({ state: 'approved' });
    expect(decide({ worst: { findings: findings.slice(0, 2) } })).toMatchObject({
      state: 'none',
      reason: { text: expect.stringContaining('the rest has 2.1 bits of the score') },
    });
  });

  it('goes by the latest assessment where only that is in two dimensions, though the score was higher before', () => {
    const worst = { score: 35, findings: [sampleFinding()] };
    expect(decide({ worst, latest: { score: 30 } })).toMatchObject({
      state: 'approved',
      reason: { text: expect.stringContaining('score 30.0 bits') },
    });
    expect(decide({ worst, latest: { score: 20 } })).toMatchObject({
      state: 'none',
      reason: { code: 'one-dimension-only' },
    });
    expect(decide({ latest: { score: 20 } })).toMatchObject({
      reason: { text: expect.stringContaining('score 31.4') },
    });
  });

  describe('goes by the score without what anybody may claim', () => {
    const [where, howMuch] = [
      sampleFinding({ contribution: 6, scoreWithout: 13.5 }),
      sampleFinding({ id: 'b', dimension: 'how-much', contribution: 6, scoreWithout: 13.5 }),
    ];
    const claimed = sampleFinding({ id: 'c', dimension: 'how', contribution: 7, scoreWithout: 12, trust: 'claimed' });
    const of = (score: number, findings: readonly Finding[]) => ({
      worst: { score, revokeThreshold: 14, findings },
    });

    it('does nothing where that is too little, and says so', () => {
      expect(decide(of(19, [claimed, where, howMuch]))).toMatchObject({
        state: 'none',
        reason: {
          code: 'below-revoke-threshold',
          text: 'without what the client claims or experimental detectors say, score 12.0 is below the 14.0 bits that revoking takes',
        },
      });
      const experimental = { ...claimed, trust: 'reported', status: 'experimental' } as const;
      expect(decide(of(19, [experimental, where, howMuch]))).toMatchObject({ state: 'none' });
      expect(decide(of(19, [{ ...claimed, trust: 'reported' }, where, howMuch]))).toMatchObject({ state: 'approved' });
    });

    it('lets what must not happen at all stand, whatever is claimed beside it', () => {
      const certain = canary({ contribution: 14, scoreWithout: 5 });
      expect(decide(of(19, [certain, { ...claimed, contribution: 5, scoreWithout: 14 }]))).toMatchObject({
        state: 'approved',
      });
    });

    it('goes by shares where an earlier release has written the assessment', () => {
      const without = (one: Finding) => ({ ...one, scoreWithout: undefined as never });
      const [a, b, c] = [without(where), without(howMuch), without(claimed)];
      expect(decide(of(19, [a, b, c]))).toMatchObject({ reason: { text: expect.stringContaining('score 12.0 is') } });
      expect(decide(of(23, [a, b, c]))).toMatchObject({ state: 'approved' });
    });

    it('lets no thief escape by making many claims', () => {
      // What is claimed has half of the score, and yet it would be 16 bits without: large sums count by their logarithms.
      const loud = { ...claimed, contribution: 10, scoreWithout: 16 };
      const [a, b] = [
        { ...where, contribution: 5, scoreWithout: 18.5 },
        { ...howMuch, contribution: 5, scoreWithout: 18.5 },
      ];
      expect(decide(of(20, [loud, a, b]))).toMatchObject({ state: 'approved' });
      const halves = [loud, { ...loud, id: 'd' }].map((one) => ({ ...one, contribution: 5, scoreWithout: 18.5 }));
      // Each leaves three quarters of the sum; half of it is at least two thirds of that.
      expect(decide({ worst: { ...of(20, [...halves, a, b]).worst, revokeThreshold: 12.3 } })).toMatchObject({
        state: 'approved',
      });
      expect(decide({ worst: { ...of(20, [...halves, a, b]).worst, revokeThreshold: 12.4 } })).toMatchObject({
        reason: { text: expect.stringContaining('score 12.3 is below') },
      });
    });
  });

  it('believes nobody who merely claims, or an experimental detector, that it happened', () => {
    expect(decide({ worst: { findings: [canary({ trust: 'claimed' })] } })).toMatchObject({ state: 'none' });
    expect(decide({ worst: { findings: [canary({ status: 'experimental' })] } })).toMatchObject({ state: 'none' });
    const claimed = { findings: [canary({ trust: 'claimed' }), sampleFinding()] };
    expect(decide({ worst: claimed })).toMatchObject({ state: 'none', reason: { code: 'one-dimension-only' } });
  });

  it.each<[string, Situation, string]>([
    ['a protected token', { guardRails: { protectedTokens: ['other', 'svc-*'] } }, 'token-protected'],
    [
      'a baseline of few days',
      { worst: { baseline: { firstSeenAt: AT - 6 * 86_400_000, eventCount: 999 } } },
      'baseline-too-young',
    ],
    [
      'a baseline of few events, those since the alert opened not counted',
      { worst: { baseline: { firstSeenAt: 0, eventCount: 63 }, since: { eventCount: 14, rowCount: 0, byteCount: 0 } } },
      'baseline-too-young',
    ],
    ['a global stop', { policy: { stopped: true } }, 'stopped-globally'],
    [
      'what a person has said',
      { around: { caution: { code: 'called-expected', text: 'a release' } } },
      'called-expected',
    ],
    ['many tokens that deviate at once', { around: { suspects: suspects(5) } }, 'many-tokens-at-once'],
    ['a spent budget', { around: { approvedAt: [NOW - 1, NOW - 2, NOW - 599_000] } }, 'budget-spent'],
  ])('asks a person about %s', (_, situation, code) => {
    expect(decide(situation)).toMatchObject({ state: 'held', revoker: 'gateway', reason: { code } });
    // Observing shows what enforcing would do, reasons to hold included.
    const observed = { ...situation, policy: { ...situation.policy, mode: 'observe' as const } };
    expect(decide(observed)).toMatchObject({ state: 'held', reason: { code } });
  });

  it('lets windows pass', () => {
    expect(decide({ around: { approvedAt: [NOW - 1, NOW - 2, NOW - 600_000] } })).toMatchObject({ state: 'approved' });
    expect(decide({ around: { suspects: suspects(50, 600_000) } })).toMatchObject({ state: 'approved' });
    expect(decide({ around: { suspects: suspects(4) } })).toMatchObject({ state: 'approved' });
  });

  it('takes the first rule that matches', () => {
    const revocationRules = [
      { match: { database: 'other' }, revoker: 'first' },
      { match: { token: 'svc-*' }, revoker: 'second' },
      { match: {}, revoker: 'third' },
    ];
    expect(decide({ policy: { revocationRules } })).toMatchObject({ state: 'approved', revoker: 'second' });
  });
});

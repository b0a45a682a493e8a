import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextStepsFor } from '../../src/deliver/next-steps.ts';
import { renderAlert } from '../../src/deliver/render.ts';
import { REVOCATION_STATES } from '../../src/domain/action.ts';
import {
  AT,
  sampleAlert,
  sampleAssessment,
  sampleFinding,
  sampleFleet,
  sampleNotification,
  sampleRevocation,
} from './sample.ts';

const STATES = REVOCATION_STATES;

describe('renderAlert', () => {
  const text = renderAlert(sampleNotification());

  it('says who, what is unusual beside what is usual, what left and what was done', () => {
    expect(text.headline).toBe('Critical: token "svc-billing" revoked and out of use');
    expect(text.who).toBe(
      'Token "svc-billing" (principal "billing", owner "team payments", environment "production") was used on database "ledger" from address 203.0.113.9, by a client that calls itself "psql", last at 2026-09-07 02:15:03.120 UTC.',
    );
    expect(text.unusual).toEqual([
      'Used from a new network: it came from 203.0.113.9 in 203.0.113.0/24, which is not among its 2 networks in 4210 events.',
      'Read far more than ever: it reached 48211 rows in 1 min; usual is up to 900 (2016 such windows known).',
    ]);
    expect(text.situation).toEqual([
      'Its rightful owner would look this odd on one day in about 2.9 billion (score 31.4 bits; alerts begin at 17.2, revoking at 20.5).',
      'It would not be told if this were usual: "Used from a new network" (13.2 bits without it).',
      'What is usual rests on 4,210 events of this token since 2026-06-01 02:14:03.120 UTC, 98 days before.',
      'Since this began at 2026-09-07 02:14:03.120 UTC: 14 events, 48,211 rows, 9.1 MiB.',
      'The token was revoked through "ledger roles" and proven to be out of use. Reason: score 31.4 bits (20.5 needed), unusual in where, how-much.',
    ]);
  });

  it('sets what was observed beside what was expected', () => {
    expect(text.evidenceRows).toEqual([
      { what: 'network', observed: '203.0.113.0/24 (AS64511)', expected: '2 networks in DE', basis: '4,210 known' },
      { what: 'rows in 1 min', observed: '48,211', expected: 'up to 900', basis: '2,016 known' },
    ]);
  });

  it('marks what is only the client’s word', () => {
    const worst = sampleAssessment({ findings: [sampleFinding({ trust: 'claimed' })] });
    const [row] = renderAlert(sampleNotification({ alert: sampleAlert({ worst }) })).evidenceRows;
    expect(row?.basis).toContain('the client’s own word');
  });

  it('shows the five stamps with what lies between', () => {
    expect(text.stampRows).toEqual([
      { label: 'event', at: '2026-09-07 02:14:03.120 UTC', sinceLast: '', sinceEvent: '' },
      { label: 'in the log', at: '2026-09-07 02:14:03.160 UTC', sinceLast: '+40 ms', sinceEvent: '+40 ms' },
      { label: 'decided', at: '2026-09-07 02:14:03.172 UTC', sinceLast: '+12 ms', sinceEvent: '+52 ms' },
      { label: 'issuer accepted', at: '2026-09-07 02:14:03.370 UTC', sinceLast: '+198 ms', sinceEvent: '+250 ms' },
      { label: 'verified', at: '2026-09-07 02:14:06.570 UTC', sinceLast: '+3.2 s', sinceEvent: '+3.5 s' },
    ]);
    const early = renderAlert(sampleNotification({ alert: sampleAlert({ stamps: { event: AT, log: AT } }) }));
    expect(early.stampRows.map(({ at }) => at).slice(2)).toEqual(['–', '–', '–']);
  });

  it('says less when less is known', () => {
    const bare = sampleAssessment({
      principal: null,
      owner: null,
      environment: null,
      address: null,
      database: null,
      application: null,
    });
    const alert = sampleAlert({ worst: bare, latest: bare });
    expect(renderAlert(sampleNotification({ alert })).who).toBe(
      'Token "svc-billing" was used, last at 2026-09-07 02:15:03.120 UTC.',
    );
  });

  it('says what would have to be usual', () => {
    const situationOf = (...scoresWithout: readonly number[]) => {
      const findings = scoresWithout.map((scoreWithout, i) => sampleFinding({ title: `Finding ${i}`, scoreWithout }));
      return renderAlert(sampleNotification({ alert: sampleAlert({ worst: sampleAssessment({ findings }) }) }))
        .situation;
    };
    expect(situationOf(12, 3, 20)).toContain(
      'It would not be told if this were usual: "Finding 1" (3.0 bits without it; 1 other would do as well).',
    );
    expect(situationOf(25, 18)).toContain(
      'Any one finding could be explained away, and it would still be told: 18.0 bits without "Finding 1".',
    );
    expect(situationOf(0).filter((sentence) => sentence.includes('without'))).toEqual([]);
  });

  it('gives no odds for what must not happen at all', () => {
    const worst = sampleAssessment({ findings: [sampleFinding({ isCertain: true })] });
    const alert = sampleAlert({ worst });
    const { situation, headline } = renderAlert({ ...sampleNotification({ alert }), revocation: null });
    expect(situation[0]).toContain('no matter of odds');
    expect(headline).toBe('Critical: token "svc-billing" did what must not happen');
    expect(nextStepsFor(alert, null).at(-1)).toContain('Nothing gets used to this');
  });

  it('says of many tokens what they share, what that may be, and what to do once for all of them', () => {
    const fleet = sampleFleet({ revoked: [{ token: 'svc-orders', alertId: 'alr_2' }] });
    const { headline, shared } = renderAlert({ ...sampleNotification({ fleet }), revocation: null });
    expect(headline).toBe('Critical: token "svc-billing" and 11 others turn to the same that is new');
    expect(shared).toEqual([
      '12 tokens since 2026-09-07 02:14:03.120 UTC have the same that is new ("tables not used before": "shop.*"): more like a release or a move than a theft.',
      'If nobody knows of a change, these tokens are stolen together: revoke them.',
      'They are not told one by one, and for this none is revoked without a person: "svc-billing", "svc-orders", "svc-stock", "svc-mail", "svc-ads" and 7 more.',
      'Token "svc-orders" was revoked all the same: tokenwarden revoke alr_2 --undo',
    ]);
    const steps = nextStepsFor(sampleAlert(), null, fleet).join('\n');
    for (const command of ['verdict', 'revoke']) expect(steps).toContain(`tokenwarden ${command} alr_0123456789abcdef`);
    expect(nextStepsFor(sampleAlert(), sampleRevocation({ state: 'refused' }), fleet)[0]).toContain('ACT NOW');
    expect(renderAlert(sampleNotification({ partOf: 'alr_1' })).shared).toEqual([
      'Many tokens have the same that is new: alert alr_1 tells of them all.',
    ]);
    expect(renderAlert(sampleNotification()).shared).toEqual([]);
  });

  it('contributions as shown add up to the score as shown', () => {
    const bits = fc.float({ min: 0, max: 60, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(bits, { minLength: 1, maxLength: 9 }),
        fc.float({ min: -1, max: 1, noNaN: true }),
        (parts, off) => {
          const score = Math.max(0, parts.reduce((sum, part) => sum + part, 0) + off);
          const findings = parts.map((contribution) => sampleFinding({ contribution }));
          const alert = sampleAlert({ worst: sampleAssessment({ findings, score }) });
          const shown = renderAlert(sampleNotification({ alert }));
          const sum = shown.contributionRows.reduce((total, row) => total + Number(row.bits), 0);
          expect(`${sum.toFixed(1)} bits`.replace('-0.0', '0.0')).toBe(shown.score);
        },
      ),
      { seed: 20_260_901, numRuns: 1000 },
    );
  });

  it('has a headline, a sentence and a first step of its own for every state', () => {
    const said = STATES.map((state) => {
      const revocation = sampleRevocation({ state });
      const { headline, situation } = renderAlert(sampleNotification({ revocation }));
      return { headline, sentence: situation.at(-1)!, step: nextStepsFor(sampleAlert(), revocation)[0]! };
    });
    for (const part of ['headline', 'sentence', 'step'] as const) {
      expect(new Set(said.map((row) => row[part])).size).toBe(STATES.length);
    }
    for (const { sentence } of said) expect(sentence).not.toContain('{');
  });

  it('never claims more than was done', () => {
    for (const state of STATES) {
      const { headline, situation } = renderAlert(sampleNotification({ revocation: sampleRevocation({ state }) }));
      expect(headline.includes('out of use')).toBe(state === 'verified');
      expect(situation.at(-1)!.includes('proven')).toBe(state === 'verified');
    }
    expect(renderAlert(sampleNotification({ revocation: null })).situation.at(-1)).toBe(
      'Nothing was done about the token.',
    );
  });
});

describe('nextStepsFor', () => {
  it('puts acting first when the token still works against our will', () => {
    for (const state of ['ineffective', 'refused', 'expired'] as const) {
      expect(nextStepsFor(sampleAlert(), sampleRevocation({ state }))[0]).toMatch(/^ACT NOW/);
    }
    expect(nextStepsFor(sampleAlert(), null)[0]).toContain('Nothing has been done');
  });
});

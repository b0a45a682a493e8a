import { describe, expect, it } from 'vitest';
import type { ActionEntry, Decided, Noted } from '../../src/decide/entries.ts';
import type { Policy } from '../../src/decide/policy.ts';
import { Responder } from '../../src/decide/responder.ts';
import type { Assessment, Finding } from '../../src/domain/finding.ts';
import { AT, sampleAssessment, sampleFinding } from '../deliver/sample.ts';
import { samplePolicy } from './policy.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

function newTables(...names: readonly string[]): Finding {
  const row = { what: 'tables not used before', observed: names, expected: '4 known tables', sampleSize: 900 };
  return sampleFinding({
    id: 'fnd_t',
    detector: 'new-table',
    dimension: 'what',
    trust: 'reported',
    contribution: 17,
    scoreWithout: 5,
    evidence: [{ ...row, newNames: names }],
  });
}

/** What else a thief does. */
const LOUD = sampleFinding({ id: 'fnd_v', detector: 'volume-spike', dimension: 'how-much', contribution: 13 });

/** A token that has moved to other tables, and does no more than that but for an honest day's bits. */
function moved(token: string, at: number, findings: readonly Finding[] = [newTables('shop.*')]): Assessment {
  const score = 5 + findings.reduce((sum, { contribution }) => sum + contribution, 0);
  const rest = sampleFinding({ id: 'fnd_q', detector: 'table-mix', contribution: 5, scoreWithout: score - 5 });
  // All but one finding weighs the same without the others.
  const all = [...findings.map((one) => ({ ...one, scoreWithout: score - one.contribution })), rest];
  return sampleAssessment({ id: `${token}/${at}`, token, episode: token, openedAt: AT, at, score, findings: all });
}

/** A responder for which neither brake nor budget do anything. */
function responderOf(overrides: Partial<Policy> = {}) {
  const many = { tokenCount: 1_000_000, windowMs: MINUTE_MS };
  const policy = samplePolicy(overrides, { brake: many, budget: { revocationCount: 1_000_000, windowMs: MINUTE_MS } });
  const responder = new Responder(policy);
  let offset = 0;
  const take = (assessment: Assessment) => {
    const decided = responder.onAssessment(assessment, offset, assessment.at);
    offset += 1;
    if (decided === undefined) throw new Error('taken before');
    return decided;
  };
  return { policy, responder, take };
}

/** `token: reason` of each notification. */
const tellings = ({ actions }: Noted) =>
  actions
    .filter(({ action }) => action.kind === 'notify')
    .map(({ action }) => `${action.token}: ${action.reason.code}`);
const revoked = (decided: Decided) => decided.actions.find(({ action }) => action.kind === 'revoke')?.state;

describe('what is new for many tokens', () => {
  it('is told by the first of them, and the others are not told and not revoked', () => {
    const { take } = responderOf();
    expect(tellings(take(moved('a', AT)))).toEqual(['a: first-notification']);
    expect(tellings(take(moved('b', AT + 1)))).toEqual(['b: first-notification']);
    const third = take(moved('c', AT + 2));
    expect(tellings(third)).toEqual(['a: new-for-everybody']);
    expect(third.leader).toMatchObject({
      alert: { token: 'a' },
      fleet: { cause: { detector: 'new-table', name: 'shop.*' }, tokenCount: 3, tokens: ['a', 'b', 'c'], since: AT },
    });
    expect(third.alert).toMatchObject({
      partOf: third.leader?.alert.id,
      suppression: { reason: { code: 'new-for-everybody' } },
      revocation: { state: 'held', reason: { code: 'new-for-everybody' } },
    });
    expect(third.alert.suppression?.reason.text).toContain(
      '3 tokens share what is new (tables not used before: shop.*)',
    );
    expect(revoked(third)).toBe('held');
  });

  it('is told again when twice as many have it, and when one is severer', () => {
    const { take } = responderOf();
    const told = Array.from({ length: 12 }, (_, i) => tellings(take(moved(`t${i}`, AT + i))));
    expect(told.map((some) => some.length)).toEqual([1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    const quiet = moved(
      'q',
      AT,
      [newTables('auth.*')].map((one) => ({ ...one, severity: 'medium', contribution: 14 })),
    );
    const { take: other } = responderOf({ revocationRules: [] });
    const mild = (token: string, at: number) => {
      const findings = quiet.findings.map((one) => ({ ...one, severity: 'medium' as const }));
      return { ...quiet, findings, id: `${token}/${at}`, token, episode: token, at };
    };
    for (const [i, token] of ['a', 'b', 'c'].entries()) other(mild(token, AT + i));
    const severe = mild('d', AT + 3);
    const high = severe.findings.map((one) => ({ ...one, severity: 'high' as const }));
    const last = other({ ...severe, findings: high });
    expect(tellings(last)).toEqual(['a: severity-raised']);
    expect(last.leader?.alert.severity).toBe('high');
  });

  it('goes by what was named before where the event at hand leaves nothing to be named', () => {
    const { take } = responderOf();
    for (const [i, token] of ['a', 'b', 'c'].entries()) take(moved(token, AT + i));
    const later = take(moved('c', AT + 9, [newTables()]));
    expect(tellings(later)).toEqual([]);
    expect(revoked(later)).toBeUndefined();
    const another = take(moved('c', AT + 10, [newTables('shop.*', 'public.salaries')]));
    expect(tellings(another)).toEqual(['c: first-notification']);
  });

  it('explains nothing else: whoever does more is told by itself, and revoked', () => {
    const { take } = responderOf();
    for (const [i, token] of ['a', 'b', 'c', 'd'].entries()) take(moved(token, AT + i));
    const network = sampleFinding({ id: 'fnd_n', contribution: 15 });
    const thief = take(moved('thief', AT + 9, [newTables('shop.*'), network, LOUD]));
    expect(tellings(thief)).toEqual(['thief: first-notification']);
    expect(revoked(thief)).toBe('approved');
    expect(thief.leader).toBeUndefined();
    // One that was quiet until now.
    const member = take(moved('c', AT + 10, [newTables('shop.*'), network, LOUD]));
    expect(tellings(member)).toEqual(['c: first-notification']);
    expect(member.alert.partOf).toBeUndefined();
    // And the one that leads: its reader took it for a release.
    const leader = take(moved('a', AT + 11, [newTables('shop.*'), network, LOUD]));
    expect(tellings(leader)).toEqual(['a: more-than-new-for-everybody']);
    expect(leader.alert.fleet).toBeUndefined();
    // Then another leads.
    expect(tellings(take(moved('b', AT + 12)))).toEqual(['b: new-for-everybody']);
  });

  it('does not explain a finding that names anything of its own, or more than it can list', () => {
    const { take } = responderOf();
    for (const [i, token] of ['a', 'b', 'c', 'd'].entries()) take(moved(token, AT + i));
    const own = take(moved('e', AT + 5, [newTables('shop.*', 'auth.password_hashes')]));
    expect(tellings(own)).toEqual(['e: first-notification']);
    const names = Array.from({ length: 32 }, (_, i) => `shop.t${i}`);
    for (const [i, token] of ['k', 'l', 'm', 'n'].entries())
      expect(tellings(take(moved(token, AT + 10 + i, [newTables(...names)])))).toEqual([
        `${token}: first-notification`,
      ]);
  });

  it('never explains what must not happen at all', () => {
    const { take } = responderOf();
    for (const [i, token] of ['a', 'b', 'c', 'd'].entries()) take(moved(token, AT + i));
    const canary = { ...newTables('shop.*'), id: 'fnd_c', detector: 'canary', isCertain: true };
    const decided = take(moved('e', AT + 5, [newTables('shop.*'), canary]));
    expect(tellings(decided)).toEqual(['e: first-notification']);
    expect(revoked(decided)).toBe('approved');
  });

  it('takes as many tokens, within the window: one token shows whatever it likes', () => {
    const { take } = responderOf();
    for (let i = 0; i < 30; i++) {
      const decided = take({ ...moved('thief', AT + i, [newTables('shop.*')]), episode: `e${i}` });
      expect(decided.alert.partOf).toBeUndefined();
      expect(decided.alert.fleet).toBeUndefined();
    }
    expect(take(moved('b', AT + 40)).leader).toBeUndefined();
    expect(take(moved('c', AT + 41 + DAY_MS)).leader).toBeUndefined();
  });

  it('explains nothing any more once a person says that one of them was a theft', () => {
    const { responder, take } = responderOf();
    for (const [i, token] of ['a', 'b', 'c', 'd'].entries()) take(moved(token, AT + i));
    const about = take(moved('d', AT + 5)).alert.alert.id;
    const verdict = {
      kind: 'verdict',
      about,
      verdict: 'true-positive',
      by: 'ann',
      why: '',
      at: AT,
      until: null,
    } as const;
    responder.onVerdict(verdict, AT + 6);
    expect(tellings(take(moved('e', AT + 7)))).toEqual(['e: first-notification']);
    expect(tellings(take(moved('c', AT + 8)))).toEqual(['c: first-notification']);
  });

  it('is told to everybody who would be told of one of them, and by none that is silenced', () => {
    const routes = [
      { match: { token: 'x*' }, receivers: ['others'] },
      { match: {}, receivers: ['people'] },
    ];
    const silences = [{ match: { token: 'a' }, until: AT + DAY_MS, reason: 'known' }];
    const { take } = responderOf({ routes, silences });
    const told = ['a', 'b', 'c', 'x1', 'x2'].map((token, i) => tellings(take(moved(token, AT + i))));
    expect(told).toEqual([[], ['b: first-notification'], ['b: new-for-everybody'], ['x1: first-notification'], []]);
  });

  it('names what was revoked before it was known', () => {
    const { take, responder } = responderOf();
    const loud = (token: string, at: number) => moved(token, at, [newTables('shop.*'), { ...LOUD, contribution: 6 }]);
    const first = take(loud('a', AT));
    const { action } = first.actions.find((entry) => entry.action.kind === 'revoke') as ActionEntry;
    responder.onOutcome(action.id, 'accepted', 'done', 1, AT + 1);
    expect(revoked(take(loud('b', AT + 2)))).toBe('approved');
    const third = take(loud('c', AT + 3));
    expect(revoked(third)).toBe('held');
    expect(third.leader?.fleet?.revoked.map(({ token }) => token)).toEqual(['a', 'b']);
  });

  it('is the same after a restart, wherever it falls', () => {
    const days = ['a', 'b', 'c', 'd', 'b', 'e', 'f', 'a', 'g', 'c', 'h'].map((token, i) => {
      const findings = i === 9 ? [newTables('shop.*'), { ...LOUD, contribution: 15 }] : [newTables('shop.*')];
      return moved(token, AT + i, findings);
    });
    const undisturbed = responderOf().take;
    const wanted = days.map((assessment) => undisturbed(assessment));
    for (let crash = 1; crash < days.length; crash++) {
      const ledger = wanted.slice(0, crash);
      const successor = responderOf().responder;
      for (const { actions, leader, alert } of ledger) {
        for (const entry of actions) successor.restoreAction(entry);
        for (const entry of [leader, alert]) if (entry) successor.restoreAlert(entry);
      }
      const found = days.map((assessment, i) => successor.onAssessment(assessment, i, assessment.at)).slice(crash);
      expect(found).toEqual(wanted.slice(crash));
    }
  });

  it('is told once when a crash forgot who it was told of', () => {
    const { take } = responderOf();
    const before = [take(moved('a', AT)), take(moved('b', AT + 1))];
    const third = take(moved('c', AT + 2));
    for (const kept of [[], [third.leader]]) {
      const successor = responderOf().responder;
      for (const { actions, alert } of before) {
        for (const entry of actions) successor.restoreAction(entry);
        successor.restoreAlert(alert);
      }
      for (const entry of third.actions) successor.restoreAction(entry);
      for (const entry of kept) if (entry) successor.restoreAlert(entry);
      const again = successor.onAssessment(moved('c', AT + 2), 2, AT + 3);
      expect(again && tellings(again)).toEqual([]);
      expect(again?.alert.partOf).toBe(third.leader?.alert.id);
    }
  });
});

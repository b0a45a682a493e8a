import { describe, expect, it } from 'vitest';
import type { ActionEntry, Noted } from '../../src/decide/entries.ts';
import type { LeakRequest } from '../../src/decide/notices.ts';
import type { Policy } from '../../src/decide/policy.ts';
import { Responder } from '../../src/decide/responder.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import type { GivenNotice } from '../../src/domain/notice.ts';
import { AT, sampleAssessment, sampleFinding } from '../deliver/sample.ts';
import { samplePolicy } from './policy.ts';

const MINUTE_MS = 60_000;
const NOW = AT + MINUTE_MS;
const VERIFIED_AT = NOW + MINUTE_MS;
const TOKEN = 'svc-billing';

const kinds = (decided: Noted | undefined) =>
  decided?.actions.map(({ action, state }) => `${action.kind} ${action.target} ${state}`);

/** The token is used after its revocation was proven. */
function use(afterMs: number, overrides: Partial<Assessment> = {}, bits = 8): Assessment {
  const finding = sampleFinding({
    detector: 'use-after-revoke',
    title: 'Used after it was revoked',
    dimension: 'how',
    severity: 'critical',
    trust: 'reported',
    isCertain: true,
    bits,
    contribution: 20.5,
  });
  return sampleAssessment({
    id: `use_${afterMs}`,
    at: VERIFIED_AT + afterMs,
    score: 20.5,
    findings: [finding],
    ...overrides,
  });
}

/** A responder whose revocation of the sample's token is proven. */
function proven(policy: Partial<Policy> = {}, guardRails: Partial<Policy['guardRails']> = {}) {
  const responder = new Responder(samplePolicy(policy, guardRails));
  const opened = responder.onAssessment(sampleAssessment(), 0, NOW) as Noted;
  const actionId = opened.alert?.revocation?.actionId ?? '';
  const accepted = responder.onOutcome(actionId, 'accepted', '200', 1, NOW + 500) as Noted;
  const verified = responder.onOutcome(actionId, 'verified', 'gone', 1, VERIFIED_AT) as Noted;
  return { responder, opened, accepted, verified, actionId, alertId: opened.alert?.alert.id ?? '' };
}

/** A successor that reads what the ledger has. */
function successorOf(ledger: readonly Noted[], policy: Partial<Policy> = {}): Responder {
  const successor = new Responder(samplePolicy(policy));
  for (const { alert, actions } of JSON.parse(JSON.stringify(ledger)) as Noted[]) {
    for (const entry of actions) successor.restoreAction(entry);
    if (alert) successor.restoreAlert(alert);
  }
  return successor;
}

describe('Responder: revocations that are proven', () => {
  it('are a notice to the token’s baseline, and undone take it back, each later than the one before', () => {
    const { responder, accepted, verified, alertId } = proven();
    expect(accepted.aside).toBeUndefined();
    expect(verified.aside).toEqual({ notice: { kind: 'revoked', token: TOKEN, at: VERIFIED_AT, stands: true } });
    const undo = responder.onRequest({ kind: 'undo', alertId, by: 'ann', at: NOW }, NOW)?.actions[0] as ActionEntry;
    // A clock that goes back.
    const undone = responder.onOutcome(undo.action.id, 'accepted', '200', 1, VERIFIED_AT - 5000);
    expect(undone?.aside).toEqual({ notice: { kind: 'revoked', token: TOKEN, at: VERIFIED_AT + 1, stands: false } });
    expect(undone?.alert?.revocation?.state).toBe('undone');
  });

  it('and undone stand no more for a successor either', () => {
    const { responder, opened, accepted, verified, alertId } = proven();
    const asked = responder.onRequest({ kind: 'undo', alertId, by: 'ann', at: NOW }, VERIFIED_AT) as Noted;
    const undone = responder.onOutcome(
      asked.actions[0]?.action.id ?? '',
      'accepted',
      '200',
      1,
      VERIFIED_AT + 1,
    ) as Noted;
    // The ledger gives each entry where it was last written, which may have been once more.
    for (const ledger of [
      [opened, accepted, verified, asked, undone],
      [opened, accepted, asked, undone, verified],
    ]) {
      const successor = successorOf(ledger);
      const again = successor.onAssessment(sampleAssessment({ episode: 'main/0/99' }), 1, VERIFIED_AT + 2);
      expect(kinds(again)).toContain('revoke gateway approved');
    }
  });

  it('and refuted by a use are taken up again, under another id, in the alert at hand', () => {
    const { responder, actionId, alertId } = proven();
    const again = responder.onAssessment(use(2 * MINUTE_MS), 1, VERIFIED_AT + 3 * MINUTE_MS);
    expect(kinds(again)).toEqual(['revoke gateway approved', 'notify people approved']);
    expect(again?.alert).toMatchObject({
      alert: { id: alertId, severity: 'critical' },
      revocation: { state: 'approved', reason: { text: 'used after it was revoked: no matter of odds' } },
    });
    expect(again?.alert.revocation?.actionId).not.toBe(actionId);
    // It is under way: what follows adds nothing.
    expect(kinds(responder.onAssessment(use(2.5 * MINUTE_MS), 2, VERIFIED_AT + 3 * MINUTE_MS))).toEqual([]);
  });

  it('and refuted in a later episode are taken up again in an alert of their own', () => {
    const { responder, alertId } = proven();
    const other = responder.onAssessment(use(2 * MINUTE_MS, { episode: 'main/0/99' }), 1, VERIFIED_AT + 3 * MINUTE_MS);
    expect(kinds(other)).toEqual(['revoke gateway approved', 'notify people approved']);
    expect(other?.alert.alert.id).not.toBe(alertId);
    expect(responder.alert(alertId)?.revocation?.state).toBe('verified');
  });

  it('and proven once more are refuted only by what came after that', () => {
    const { responder } = proven();
    const again = responder.onAssessment(use(2 * MINUTE_MS), 1, VERIFIED_AT + 3 * MINUTE_MS);
    const second = again?.alert.revocation?.actionId ?? '';
    responder.onOutcome(second, 'accepted', '200', 1, VERIFIED_AT + 4 * MINUTE_MS);
    responder.onOutcome(second, 'verified', 'gone', 1, VERIFIED_AT + 5 * MINUTE_MS);
    const now = VERIFIED_AT + 10 * MINUTE_MS;
    // Still on its way when the second one was proven; and one whose sum is of a use before.
    expect(kinds(responder.onAssessment(use(4.5 * MINUTE_MS), 2, now))).toEqual([]);
    expect(kinds(responder.onAssessment(use(6 * MINUTE_MS, {}, 0), 3, now))).toEqual([]);
    const third = responder.onAssessment(use(7 * MINUTE_MS), 4, now);
    expect(kinds(third)).toContain('revoke gateway approved');
    expect(third?.alert.revocation?.actionId).not.toBe(second);
  });

  it('become ineffective, and are told, where nothing is done by itself', () => {
    const { responder, opened, accepted, verified, actionId } = proven();
    const observing = successorOf([opened, accepted, verified], { mode: 'observe' });
    for (const [successor, code] of [
      [observing, 'observe-mode'],
      [successorOf([opened, accepted, verified], { revocationRules: [] }), 'no-policy-matches'],
    ] as const) {
      const decided = successor.onAssessment(use(2 * MINUTE_MS), 1, VERIFIED_AT + 3 * MINUTE_MS);
      expect(kinds(decided)).toEqual(['notify people approved']);
      expect(decided?.alert.revocation).toMatchObject({ actionId, state: 'ineffective', reason: { code } });
      expect(kinds(successor.onAssessment(use(3 * MINUTE_MS), 2, VERIFIED_AT + 4 * MINUTE_MS))).toEqual([]);
    }
    expect(responder.alert(opened.alert?.alert.id ?? '')?.revocation?.state).toBe('verified');
  });

  it('wait for a person where a guard rail objects, who may have it done', () => {
    const { opened, accepted, verified, alertId } = proven();
    const stopped = successorOf([opened, accepted, verified], { stopped: true });
    const held = stopped.onAssessment(use(2 * MINUTE_MS), 1, VERIFIED_AT + 3 * MINUTE_MS);
    expect(kinds(held)).toEqual(['revoke gateway held', 'notify people approved']);
    const asked = stopped.onRequest({ kind: 'revoke', alertId, by: 'ann', at: NOW }, VERIFIED_AT + 4 * MINUTE_MS);
    expect(kinds(asked)).toContain('revoke gateway approved');
  });

  it('come to the same when a crash kept the second revocation, and not the alert that was to name it', () => {
    const { responder, opened, accepted, verified } = proven();
    const again = responder.onAssessment(use(2 * MINUTE_MS), 1, VERIFIED_AT + 3 * MINUTE_MS) as Noted;
    const successor = successorOf([opened, accepted, verified, { alert: null, actions: again.actions.slice(0, 1) }]);
    const second = again.alert?.revocation?.actionId ?? '';
    const settled = successor.onOutcome(second, 'accepted', '200', 1, VERIFIED_AT + 4 * MINUTE_MS);
    expect(settled?.alert?.revocation).toMatchObject({ actionId: second, state: 'accepted' });
    const read = successor.onAssessment(use(2 * MINUTE_MS), 1, VERIFIED_AT + 5 * MINUTE_MS);
    expect(kinds(read)).toEqual([]);
    expect(read?.alert.revocation).toMatchObject({ actionId: second, state: 'accepted' });
  });
});

describe('Responder: reports of leaks', () => {
  const report: LeakRequest = { kind: 'leaked', token: TOKEN, stands: true, by: 'ann', why: 'a bounty', at: NOW };

  it('are kept and passed on, and no second one excuses what was done since the first', () => {
    const responder = new Responder(samplePolicy());
    const notice: GivenNotice = { kind: 'leaked', token: TOKEN, at: NOW, stands: true, by: 'ann', why: 'a bounty' };
    expect(responder.onLeak(report)).toEqual({ alert: null, actions: [], notice, aside: { notice } });
    expect(responder.onLeak({ ...report, at: NOW + 1 })).toBeUndefined();
    expect(responder.leak(TOKEN)).toEqual(notice);
  });

  it('are withdrawn once, and by what is later', () => {
    const responder = new Responder(samplePolicy());
    expect(responder.onLeak({ ...report, stands: false })).toBeUndefined();
    responder.restoreNotice({ kind: 'leaked', token: TOKEN, at: NOW, stands: true, by: 'ann', why: '' });
    expect(responder.onLeak({ ...report, stands: false })).toBeUndefined();
    expect(responder.onLeak({ ...report, stands: false, at: NOW + 1 })?.notice?.stands).toBe(false);
    expect(responder.onLeak({ ...report, stands: false, at: NOW + 2 })).toBeUndefined();
    expect(responder.onLeak({ ...report, at: NOW + 2 })?.notice?.stands).toBe(true);
  });

  it('have the next use revoked for that alone', () => {
    const leaked = sampleFinding({ detector: 'leaked-report', isCertain: true, dimension: 'how', contribution: 20.5 });
    const responder = new Responder(samplePolicy());
    const decided = responder.onAssessment(sampleAssessment({ score: 20.5, findings: [leaked] }), 0, NOW);
    expect(kinds(decided)).toEqual(['revoke gateway approved', 'notify people approved']);
    expect(decided?.alert.alert.severity).toBe('critical');
  });
});

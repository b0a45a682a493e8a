import { describe, expect, it } from 'vitest';
import type { ActionEntry, Decided, Noted } from '../../src/decide/entries.ts';
import type { Policy } from '../../src/decide/policy.ts';
import { Responder, refusalOf } from '../../src/decide/responder.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import { AT, sampleAssessment, sampleFinding } from '../deliver/sample.ts';
import { samplePolicy } from './policy.ts';

const MINUTE_MS = 60_000;
const NOW = AT + MINUTE_MS;

const kinds = (decided: Noted | undefined) =>
  decided?.actions.map(({ action, state }) => `${action.kind} ${action.target} ${state}`);

function revocationOf(decided: Noted | undefined): ActionEntry {
  const found = decided?.actions.find(({ action }) => action.kind === 'revoke');
  if (found === undefined) throw new Error('nothing is revoked');
  return found;
}

/** A responder that has revoked the sample's token. */
function revoked(policy: Partial<Policy> = {}) {
  const responder = new Responder(samplePolicy(policy));
  const decided = responder.onAssessment(sampleAssessment(), 0, NOW);
  return { responder, decided, actionId: revocationOf(decided).action.id, alertId: decided?.alert.alert.id ?? '' };
}

describe('Responder: assessments', () => {
  it('opens an alert, revokes and tells', () => {
    const { decided } = revoked();
    expect(kinds(decided)).toEqual(['revoke gateway approved', 'notify people approved']);
    expect(decided?.alert).toMatchObject({
      alert: {
        token: 'svc-billing',
        severity: 'critical',
        stamps: { event: AT + 60_000, log: AT + 60_040, decided: NOW },
      },
      revocation: { state: 'approved', revoker: 'gateway' },
      offset: 0,
    });
  });

  it('takes each once: what a restart reads again decides nothing', () => {
    const { responder } = revoked();
    expect(responder.onAssessment(sampleAssessment(), 0, NOW)).toBeUndefined();
  });

  it('gives the same ids when a crash forgot the decision', () => {
    const ids = (decided: Decided | undefined) => decided?.actions.map(({ action }) => action.id);
    expect(ids(revoked().decided)).toEqual(ids(revoked().decided));
  });

  it('leaves actions as they were decided when a crash kept only them, not their alert', () => {
    const { decided } = revoked();
    const accepted = decided?.actions.map((entry) => ({ ...entry, state: 'accepted' as const, attemptCount: 1 })) ?? [];
    const successor = new Responder(samplePolicy());
    for (const entry of accepted) successor.restoreAction(entry);
    const again = successor.onAssessment(sampleAssessment(), 0, NOW + MINUTE_MS);
    // The one telling that is new: that the revocation was accepted.
    expect(again?.actions.map(({ action }) => action.reason.code)).toEqual(['state-changed']);
    expect(again?.actions.map(({ action }) => action.id)).not.toContain(accepted[1]?.action.id);
    expect(again?.alert.revocation).toMatchObject({ actionId: accepted[0]?.action.id, state: 'accepted' });
    expect(successor.action(accepted[1]?.action.id ?? '')).toEqual(accepted[1]);
  });

  it('keeps the outcome of an action whose alert a crash has kept from the ledger', () => {
    const { decided } = revoked();
    const [, notification] = decided?.actions ?? [];
    const id = notification?.action.id ?? '';
    const successor = new Responder(samplePolicy());
    for (const entry of decided?.actions ?? []) successor.restoreAction(entry);
    const noted = successor.onOutcome(id, 'accepted', '200', 1, NOW);
    expect(noted).toMatchObject({ alert: null, actions: [{ action: { id }, state: 'accepted', attemptCount: 1 }] });
  });

  it('groups an episode in one alert, keeps its worst moment, and revokes once', () => {
    const { responder, alertId } = revoked();
    const weaker = sampleAssessment({ id: 'asm_2', score: 22, at: AT + 90_000 });
    const decided = responder.onAssessment(weaker, 1, NOW + 30_000);
    expect(kinds(decided)).toEqual([]);
    expect(decided?.alert.alert).toMatchObject({
      id: alertId,
      assessmentCount: 2,
      worst: { id: 'asm_1' },
      latest: { id: 'asm_2' },
      updatedAt: AT + 90_000,
    });
    const another = responder.onAssessment(sampleAssessment({ id: 'asm_3', episode: 'main/0/99' }), 2, NOW + 60_000);
    expect(another?.alert.alert.id).not.toBe(alertId);
    expect(another?.alert.revocation).toMatchObject({ state: 'none', reason: { code: 'already-revoked' } });
  });

  it('spends no more than the budget, however many tokens are stolen', () => {
    const responder = new Responder(samplePolicy({}, { brake: { tokenCount: 1000, windowMs: MINUTE_MS } }));
    const states = Array.from({ length: 6 }, (_, i) =>
      responder.onAssessment(sampleAssessment({ token: `t${i}`, episode: `e${i}` }), i, NOW + i),
    ).map((decided) => decided?.alert.revocation?.state);
    expect(states).toEqual(['approved', 'approved', 'approved', 'held', 'held', 'held']);
  });

  it('holds when many tokens deviate, and looks again when they no longer do', () => {
    const responder = new Responder(samplePolicy());
    const assessment = (i: number, score: number): Assessment =>
      sampleAssessment({ token: `t${i}`, episode: `e${i}`, id: `${i}/${score}`, score });
    // Too weak to revoke, but they are many.
    for (let i = 1; i < 5; i++) responder.onAssessment(assessment(i, 18), i, NOW);
    const held = responder.onAssessment(assessment(5, 30), 5, NOW);
    expect(held?.alert.revocation).toMatchObject({
      state: 'held',
      actionId: null,
      reason: { code: 'many-tokens-at-once' },
    });
    expect(kinds(responder.onAssessment(assessment(5, 31), 6, NOW + 1))).toEqual([]);
    const later = responder.onAssessment(assessment(5, 32), 7, NOW + 11 * MINUTE_MS);
    expect(later?.alert.revocation).toMatchObject({ state: 'approved' });
    expect(revocationOf(later).action.id).toBe(revocationOf(held).action.id);
  });

  it('holds nothing because somebody fails in the names of many', () => {
    const responder = new Responder(samplePolicy());
    const claims = [sampleFinding({ dimension: 'failures', trust: 'claimed', contribution: 18, scoreWithout: 0 })];
    for (let i = 1; i < 9; i++)
      responder.onAssessment(
        sampleAssessment({ token: `t${i}`, episode: `e${i}`, score: 18, findings: claims }),
        i,
        NOW,
      );
    const stolen = responder.onAssessment(sampleAssessment(), 9, NOW);
    expect(stolen?.alert.revocation).toMatchObject({ state: 'approved' });
  });
});

describe('Responder: telling', () => {
  it('tells again when it matters: severity, what is being done, and after an hour', () => {
    const responder = new Responder(samplePolicy({ revocationRules: [] }));
    const tell = (overrides: Partial<Assessment>, offset: number, now: number) =>
      responder.onAssessment(sampleAssessment(overrides), offset, now)?.actions.map(({ action }) => action.reason.code);
    expect(tell({ score: 18, findings: sampleAssessment().findings.slice(0, 1) }, 0, NOW)).toEqual([
      'first-notification',
    ]);
    expect(tell({ score: 19, findings: sampleAssessment().findings.slice(0, 1) }, 1, NOW + 1)).toEqual([]);
    expect(tell({}, 2, NOW + 2)).toEqual(['severity-raised']);
    expect(tell({}, 3, NOW + 3)).toEqual([]);
    expect(tell({}, 4, NOW + 2 + 60 * MINUTE_MS)).toEqual(['repeat-interval-elapsed']);
  });

  it('routes by the first match, and tells nobody about what is silenced, yet revokes', () => {
    const routes = [
      { match: { token: 'other' }, receivers: ['x'] },
      { match: { owner: 'team *' }, receivers: ['payments', 'security'] },
    ];
    expect(kinds(revoked({ routes }).decided)).toEqual([
      'revoke gateway approved',
      'notify payments approved',
      'notify security approved',
    ]);
    const silences = [{ match: { token: 'svc-*' }, until: NOW + 1, reason: 'a release' }];
    expect(kinds(revoked({ silences }).decided)).toEqual(['revoke gateway approved']);
    expect(kinds(revoked({ silences: [{ ...silences[0]!, until: NOW }] }).decided)).toHaveLength(2);
  });
});

describe('Responder: outcomes', () => {
  it('stamps and tells what became of a revocation', () => {
    const { responder, actionId, alertId } = revoked();
    const accepted = responder.onOutcome(actionId, 'accepted', '204', 1, NOW + 100);
    expect(kinds(accepted)).toEqual(['revoke gateway accepted', 'notify people approved']);
    const verified = responder.onOutcome(actionId, 'verified', 'quiet', 1, NOW + 3000);
    expect(verified?.alert?.alert.stamps).toMatchObject({ decided: NOW, accepted: NOW + 100, verified: NOW + 3000 });
    expect(responder.alert(alertId)?.revocation?.state).toBe('verified');
    expect(responder.unsettled().map(({ action }) => action.kind)).toEqual(['notify', 'notify', 'notify']);
  });

  it('says nothing to receivers about what became of telling them', () => {
    const { responder, decided } = revoked();
    const notification = decided?.actions.at(-1)?.action.id ?? '';
    expect(kinds(responder.onOutcome(notification, 'accepted', '200', 1, NOW))).toEqual(['notify people accepted']);
  });

  it('knows nothing of actions it did not decide', () => {
    expect(revoked().responder.onOutcome('act_unknown', 'accepted', '', 1, NOW)).toBeUndefined();
  });
});

describe('Responder: requests', () => {
  const request = (kind: 'revoke' | 'undo', alertId: string, at = NOW) => ({ kind, alertId, by: 'ada', at });

  it('undoes a revocation, after which the token may be revoked again', () => {
    const { responder, actionId, alertId } = revoked();
    responder.onOutcome(actionId, 'verified', '', 1, NOW);
    const asked = responder.onRequest(request('undo', alertId), NOW);
    expect(kinds(asked)).toEqual(['undo gateway approved']);
    expect(asked?.alert.revocation?.state).toBe('verified');
    expect(asked?.actions[0]?.action.reason).toEqual({ code: 'asked-by-person', text: 'asked by ada' });
    const undone = responder.onOutcome(asked?.actions[0]?.action.id ?? '', 'accepted', '', 1, NOW);
    expect(undone?.alert?.revocation).toMatchObject({ state: 'undone', reason: { text: 'asked by ada' } });
    expect(kinds(undone)).toEqual(['undo gateway accepted', 'notify people approved']);
    const next = responder.onAssessment(sampleAssessment({ episode: 'main/0/99' }), 9, NOW);
    expect(next?.alert.revocation?.state).toBe('approved');
  });

  it('leaves a revocation as it is when undoing it fails', () => {
    const { responder, actionId, alertId } = revoked();
    responder.onOutcome(actionId, 'verified', '', 1, NOW);
    const asked = responder.onRequest(request('undo', alertId), NOW);
    const refused = responder.onOutcome(asked?.actions[0]?.action.id ?? '', 'refused', 'not reversible', 1, NOW);
    expect(kinds(refused)).toEqual(['undo gateway refused']);
    expect(refused?.alert?.revocation?.state).toBe('verified');
  });

  it('revokes what was held, and does it once however often the request is read', () => {
    const responder = new Responder(samplePolicy({}, { protectedTokens: ['*'] }));
    const held = responder.onAssessment(sampleAssessment(), 0, NOW);
    const alertId = held?.alert.alert.id ?? '';
    expect(kinds(responder.onRequest(request('revoke', alertId), NOW))).toEqual([
      'revoke gateway approved',
      'notify people approved',
    ]);
    expect(responder.onRequest(request('revoke', alertId), NOW)).toBeUndefined();
  });

  it('refuses what makes no sense: undoing what was not revoked, revoking twice, an unknown alert', () => {
    const { responder, alertId } = revoked();
    const observed = revoked({ mode: 'observe' });
    expect(observed.responder.onRequest(request('undo', observed.alertId), NOW)).toBeUndefined();
    expect(responder.onRequest(request('revoke', alertId), NOW)).toBeUndefined();
    expect(responder.onRequest(request('undo', 'alr_unknown'), NOW)).toBeUndefined();
    expect(refusalOf('undo', { revocation: null })).toBe('its token was not revoked');
  });
});

describe('Responder: restart', () => {
  it('leaves alone what is done: notifications and undos that were accepted, revocations that are proven', () => {
    const { responder, decided, actionId, alertId } = revoked();
    const accept = (id: string) => responder.onOutcome(id, 'accepted', '', 1, NOW);
    const open = () => responder.unsettled().map(({ action, state }) => `${action.kind} ${state}`);
    accept(decided?.actions.at(-1)?.action.id ?? '');
    accept(actionId);
    // Its acceptance is told, and its proof awaited.
    expect(open()).toEqual(['revoke accepted', 'notify approved']);
    responder.onOutcome(actionId, 'ineffective', '', 1, NOW);
    expect(open()).toContain('revoke ineffective');
    responder.onOutcome(actionId, 'verified', '', 1, NOW);
    accept(responder.onRequest({ kind: 'undo', alertId, by: 'ada', at: NOW }, NOW)?.actions[0]?.action.id ?? '');
    for (const { action } of responder.unsettled()) accept(action.id);
    expect(open()).toEqual([]);
  });

  it('leaves alone a revocation that is not proven and is being undone, unless that fails', () => {
    const { responder, actionId, alertId } = revoked();
    const open = () => responder.unsettled().flatMap(({ action }) => (action.kind === 'notify' ? [] : [action.kind]));
    responder.onOutcome(actionId, 'accepted', '', 1, NOW);
    const undo = responder.onRequest({ kind: 'undo', alertId, by: 'ada', at: NOW }, NOW)?.actions[0]?.action.id ?? '';
    expect(open()).toEqual(['undo']);
    responder.onOutcome(undo, 'accepted', '', 1, NOW);
    expect(open()).toEqual([]);
    responder.onOutcome(undo, 'refused', '', 1, NOW);
    expect(open()).toEqual(['revoke']);
  });

  it('leaves alone a revocation that is not proven and was asked for once more, unless that is refused', () => {
    const { responder, actionId, alertId } = revoked();
    const open = () => responder.unsettled().flatMap(({ action }) => (action.kind === 'revoke' ? [action.id] : []));
    responder.onOutcome(actionId, 'ineffective', '', 1, NOW);
    const asked = responder.onRequest({ kind: 'revoke', alertId, by: 'ada', at: NOW }, NOW + 1);
    const again = asked?.actions[0]?.action.id ?? '';
    expect(open()).toEqual([again]);
    responder.onOutcome(again, 'verified', '', 1, NOW);
    expect(open()).toEqual([]);
    responder.onOutcome(again, 'refused', '', 1, NOW);
    expect(open()).toEqual([actionId]);
  });

  it('goes on from the ledger as if it had never stopped', () => {
    const { responder, decided, actionId, alertId } = revoked();
    const restarted = new Responder(samplePolicy());
    for (const entry of decided?.actions ?? []) restarted.restoreAction(entry);
    restarted.restoreAlert(decided!.alert);
    expect(restarted.unsettled()).toEqual(responder.unsettled());
    expect(restarted.onAssessment(sampleAssessment(), 0, NOW)).toBeUndefined();
    const [before, after] = [responder, restarted].map((each) =>
      each.onOutcome(actionId, 'accepted', '204', 2, NOW + 5),
    );
    expect(after).toEqual(before);
    expect(restarted.alert(alertId)).toEqual(responder.alert(alertId));
  });
});

import { describe, expect, it } from 'vitest';
import type { AlertEntry, Noted } from '../../src/decide/entries.ts';
import { Responder, refusalOf } from '../../src/decide/responder.ts';
import { VERDICTS_MAX, type VerdictRequest } from '../../src/decide/verdicts.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import type { VerdictKind } from '../../src/domain/verdict.ts';
import { AT, sampleAssessment, sampleFinding } from '../deliver/sample.ts';
import { samplePolicy } from './policy.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NOW = AT + MINUTE_MS;
const WEEK_MS = 7 * DAY_MS;

const kinds = (decided: Noted | undefined) =>
  decided?.actions.map(({ action, state }) => `${action.kind} ${action.target} ${state}`);
const CANARY = sampleFinding({ id: 'c', detector: 'canary', title: 'Canary touched', isCertain: true });

/** An alert that somebody answers. Nothing is revoked unless `isProtected` is false. */
function answered(verdict: VerdictKind, { isProtected = true, more = {} as Partial<VerdictRequest> } = {}) {
  const responder = new Responder(samplePolicy({}, { protectedTokens: isProtected ? ['svc-*'] : [] }));
  const opened = responder.onAssessment(sampleAssessment(), 0, NOW);
  const about = opened?.alert.alert.id ?? '';
  const request: VerdictRequest = {
    kind: 'verdict',
    about,
    verdict,
    by: 'ann',
    why: 'release 12',
    at: NOW + 1000,
    until: verdict === 'true-positive' ? null : NOW + WEEK_MS,
    ...more,
  };
  const decided = responder.onVerdict(request, NOW + 1000);
  return { responder, opened, request, decided, about };
}

/** Answered as noise, of a token whose revocation was refused: it may be tried again. */
function refused(): Responder {
  const { responder, opened } = answered('noise', { isProtected: false });
  const id = opened?.actions.find(({ action }) => action.kind === 'revoke')?.action.id ?? '';
  responder.onOutcome(id, 'refused', 'no', 1, NOW);
  return responder;
}

/** Another alert of the same token, or more of the same. */
const next = (overrides: Partial<Assessment> = {}) =>
  sampleAssessment({ id: 'asm_9', episode: 'main/0/99', score: 33, at: AT + 2 * MINUTE_MS, ...overrides });
const more = (overrides: Partial<Assessment> = {}) => next({ episode: 'main/0/17', ...overrides });

describe('Responder: expected', () => {
  it('marks the alert, and has detect told of what belongs to it', () => {
    const { decided, about } = answered('expected');
    expect(decided?.alert.verdicts).toEqual([
      {
        kind: 'expected',
        token: 'svc-billing',
        episode: 'main/0/17',
        openedAt: AT,
        at: NOW + 1000,
        until: NOW + WEEK_MS,
        alertId: about,
        by: 'ann',
        why: 'release 12',
        score: 31.44,
        isCertain: false,
      },
    ]);
    expect(decided?.aside).toEqual({ verdict: decided?.alert.verdicts?.[0] });
  });

  it('gives up a revocation that is held, and one that is approved and has no outcome', () => {
    const held = answered('expected');
    expect(kinds(held.opened)).toContain('revoke gateway held');
    expect(kinds(held.decided)).toEqual(['revoke gateway withdrawn']);
    expect(held.decided?.alert.revocation).toMatchObject({ state: 'none', reason: { code: 'called-expected' } });
    expect(refusalOf('undo', held.responder.alert(held.about) as AlertEntry)).toBe('its token was not revoked');
    const waiting = answered('expected', { isProtected: false });
    expect(kinds(waiting.decided)).toEqual(['revoke gateway withdrawn']);
    expect(waiting.responder.unsettled().map(({ action }) => action.kind)).toEqual(['notify']);
    // The issuer may have been asked: a person may undo it, or want it after all.
    const entry = waiting.responder.alert(waiting.about) as AlertEntry;
    expect(refusalOf('undo', entry)).toBeUndefined();
    expect(refusalOf('revoke', entry)).toBeUndefined();
  });

  it('says what the issuer answered after all', () => {
    const { responder, decided } = answered('expected', { isProtected: false });
    const noted = responder.onOutcome(decided?.actions[0]?.action.id ?? '', 'accepted', '200', 1, NOW + 2000);
    expect(noted?.alert?.revocation?.state).toBe('accepted');
    expect(kinds(noted)).toContain('notify people approved');
  });

  it('undoes nothing that is revoked', () => {
    const responder = new Responder(samplePolicy());
    const opened = responder.onAssessment(sampleAssessment(), 0, NOW);
    const id = opened?.actions.find(({ action }) => action.kind === 'revoke')?.action.id ?? '';
    responder.onOutcome(id, 'accepted', '200', 1, NOW);
    const { request } = answered('expected');
    const decided = responder.onVerdict(request, NOW + 1000);
    expect(decided?.actions).toEqual([]);
    expect(decided?.alert.revocation?.state).toBe('accepted');
  });

  it('tells no more of the alert, unless something certain comes or it gets far louder', () => {
    const { responder } = answered('expected', { isProtected: false });
    expect(kinds(responder.onAssessment(more(), 1, NOW + 2 * DAY_MS))).toEqual([]);
    const certain = more({ score: 20, findings: [CANARY] });
    expect(kinds(responder.onAssessment(certain, 2, NOW + 2 * DAY_MS))).toContain('notify people approved');
    const louder = answered('expected').responder.onAssessment(more({ score: 37.5 }), 1, NOW + 2 * DAY_MS);
    expect(kinds(louder)).toContain('notify people approved');
  });

  it('lets a revocation that was withdrawn be done after all, under another id, when something graver comes', () => {
    const { responder, opened } = answered('expected', { isProtected: false });
    const idOf = (decided: Noted | undefined) =>
      decided?.actions.find(({ action }) => action.kind === 'revoke')?.action.id;
    const same = responder.onAssessment(more(), 1, NOW + 2 * DAY_MS);
    expect(same?.alert.revocation?.state).toBe('withdrawn');
    const decided = responder.onAssessment(more({ score: 21, findings: [CANARY] }), 2, NOW + 2 * DAY_MS);
    expect(decided?.alert.revocation?.state).toBe('approved');
    expect(idOf(decided)).toMatch(/^act_/);
    expect(idOf(decided)).not.toBe(idOf(opened));
  });

  it('tells of another alert of the token, and has a person look before it is revoked, while it holds', () => {
    const { responder } = answered('expected', { isProtected: false });
    const decided = responder.onAssessment(next(), 1, NOW + DAY_MS);
    expect(kinds(decided)).toEqual(['revoke gateway held', 'notify people approved']);
    expect(decided?.alert.revocation?.reason.code).toBe('called-expected');
    const later = answered('expected', { isProtected: false }).responder.onAssessment(next(), 1, NOW + WEEK_MS);
    expect(kinds(later)).toContain('revoke gateway approved');
  });
});

describe('Responder: noise', () => {
  it('opens the token’s alerts, tells nobody, revokes nothing, and says why and until when', () => {
    const { responder } = answered('noise', { isProtected: false });
    for (const assessment of [more(), next()]) {
      const decided = responder.onAssessment(assessment, 1, NOW + DAY_MS);
      expect(kinds(decided)).toEqual([]);
      expect(decided?.alert.suppression).toMatchObject({ until: NOW + WEEK_MS, reason: { code: 'called-noise' } });
    }
    const another = responder.onAssessment(next({ episode: 'main/0/100' }), 2, NOW + DAY_MS);
    expect(another?.alert.revocation).toMatchObject({ state: 'none', reason: { code: 'called-noise' } });
    expect(another?.alert.revocation?.reason.text).toContain(new Date(NOW + WEEK_MS).toISOString());
    expect(kinds(responder.onAssessment(next({ token: 'other' }), 3, NOW))).toContain('notify people approved');
  });

  it('ends when it was said to', () => {
    const responder = refused();
    responder.onAssessment(next(), 1, NOW + DAY_MS);
    const decided = responder.onAssessment(next({ id: 'asm_10' }), 2, NOW + WEEK_MS);
    expect(kinds(decided)).toEqual(['revoke gateway approved', 'notify people approved']);
    expect(decided?.alert.suppression).toBeUndefined();
  });

  it('is broken by a theft of an ordinary score when it was said of claims that anybody can make loud', () => {
    const responder = new Responder(samplePolicy());
    const claims = { trust: 'claimed', dimension: 'failures', contribution: 24, scoreWithout: 0 } as const;
    const flood = sampleAssessment({ score: 24, findings: [sampleFinding(claims)] });
    const about = responder.onAssessment(flood, 0, NOW)?.alert.alert.id ?? '';
    const request = {
      kind: 'verdict',
      about,
      verdict: 'noise',
      by: 'ann',
      why: '',
      at: NOW + 1,
      until: NOW + WEEK_MS,
    } as const;
    responder.onVerdict(request, NOW + 1);
    const louder = { ...flood, id: 'asm_8', score: 40, findings: [sampleFinding({ ...claims, contribution: 40 })] };
    expect(kinds(responder.onAssessment(louder, 1, NOW + 2))).toEqual([]);
    expect(kinds(responder.onAssessment(next({ score: 25 }), 2, NOW + 3))).toContain('notify people approved');
  });

  it('is broken by a canary, and by a score far above what was answered', () => {
    expect(kinds(refused().onAssessment(next({ findings: [CANARY] }), 1, NOW))).toEqual([
      'revoke gateway approved',
      'notify people approved',
    ]);
    const { responder } = answered('noise');
    expect(kinds(responder.onAssessment(next({ score: 37.4 }), 1, NOW))).toEqual([]);
    expect(kinds(responder.onAssessment(next({ score: 37.5 }), 2, NOW))).toContain('notify people approved');
    // And stays so, when it calms down.
    expect(kinds(responder.onAssessment(next({ score: 20 }), 3, NOW + 2 * 3_600_000))).toContain(
      'notify people approved',
    );
  });

  it('is not for a claim that anybody can make', () => {
    const claimed = sampleFinding({ isCertain: true, trust: 'claimed' });
    expect(kinds(answered('noise').responder.onAssessment(next({ findings: [claimed] }), 1, NOW))).toEqual([]);
  });

  it('does not keep the outcome of a revocation from those who were told of it', () => {
    const { responder, opened } = answered('noise', { isProtected: false });
    const id = opened?.actions.find(({ action }) => action.kind === 'revoke')?.action.id ?? '';
    expect(kinds(responder.onOutcome(id, 'accepted', '200', 1, NOW + DAY_MS))).toContain('notify people approved');
  });
});

describe('Responder: verdicts', () => {
  it('true-positive marks, and keeps on telling and revoking', () => {
    const { responder, decided } = answered('true-positive', { isProtected: false });
    expect(decided?.actions).toEqual([]);
    expect(decided?.alert.revocation?.state).toBe('approved');
    expect(kinds(responder.onAssessment(next(), 1, NOW + DAY_MS))).toContain('notify people approved');
  });

  it('takes each once; the last one holds; all are kept, up to a limit', () => {
    const { responder, request } = answered('noise');
    expect(responder.onVerdict(request, NOW + 5000)).toBeUndefined();
    expect(responder.onVerdict({ ...request, about: 'alr_nobody' }, NOW)).toBeUndefined();
    expect(responder.onVerdict({ ...request, verdict: 'expected', at: request.at - 1 }, NOW)).toBeUndefined();
    const again = responder.onVerdict({ ...request, verdict: 'true-positive', until: null, at: NOW + 2000 }, NOW);
    expect(again?.alert.verdicts?.map(({ kind }) => kind)).toEqual(['noise', 'true-positive']);
    expect(again?.alert.suppression).toBeUndefined();
    expect(kinds(responder.onAssessment(next(), 1, NOW))).toContain('notify people approved');
    let last = again;
    for (let i = 0; i < 30; i++) last = responder.onVerdict({ ...request, at: NOW + 3000 + i }, NOW);
    expect(last?.alert.verdicts?.length).toBe(VERDICTS_MAX);
    expect(last?.alert.verdicts?.at(-1)?.at).toBe(NOW + 3029);
  });

  it('holds after a restart, and what was taken before it is not taken again', () => {
    const { decided, request } = answered('noise', { isProtected: false });
    const successor = new Responder(samplePolicy());
    successor.restoreAlert(JSON.parse(JSON.stringify(decided?.alert)) as AlertEntry);
    expect(successor.onVerdict(request, NOW)).toBeUndefined();
    expect(kinds(successor.onAssessment(next(), 1, NOW))).toEqual([]);
  });

  it('comes to the same when a crash kept the withdrawn action only', () => {
    const { opened, decided, request } = answered('expected', { isProtected: false });
    const successor = new Responder(samplePolicy());
    for (const entry of [...(opened?.actions ?? []), ...(decided?.actions ?? [])]) successor.restoreAction(entry);
    if (opened) successor.restoreAlert(opened.alert);
    const again = successor.onVerdict(request, NOW + 1000);
    expect(again?.alert).toEqual(decided?.alert);
    expect(again?.aside).toEqual(decided?.aside);
  });
});

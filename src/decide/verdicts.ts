import { DAY_MS } from '../baseline/time.ts';
import type { Reason } from '../domain/action.ts';
import type { Alert } from '../domain/alert.ts';
import type { Assessment } from '../domain/finding.ts';
import type { GivenVerdict, VerdictKind } from '../domain/verdict.ts';
import { certainFinding } from './group.ts';
import { solidScore } from './solid-score.ts';

/** A person answers an alert. */
export interface VerdictRequest {
  readonly kind: 'verdict';
  /** Id of the alert. Not called as in other requests: a release that does not know verdicts must not take one for something else. */
  readonly about: string;
  readonly verdict: VerdictKind;
  readonly by: string;
  readonly why: string;
  readonly at: number;
  readonly until: number | null;
}

/** Why an alert is not told and revokes nothing, and until when; `null`: for as long as it lasts. */
export interface Suppression {
  readonly reason: Reason;
  readonly until: number | null;
}

/** How long a verdict holds if nothing is said, ms; `null`: it is done at once. */
export const VERDICT_MS: Readonly<Record<VerdictKind, number | null>> = {
  expected: DAY_MS,
  noise: 7 * DAY_MS,
  'true-positive': null,
};
/** The longest that may be asked for, ms. */
export const VERDICT_MAX_MS = 90 * DAY_MS;
/** Verdicts of an alert that are kept: the last ones. */
export const VERDICTS_MAX = 20;
/** Longest reason that is kept. */
export const WHY_CHARS_MAX = 500;
/** An alert that is so much above what was answered, bits, is another one: seen 64 times less often. */
const ABOVE_BITS = 6;

export function verdictOn(alert: Alert, { verdict: kind, by, why, at, until }: VerdictRequest): GivenVerdict {
  const { id: alertId, token, openedAt, worst } = alert;
  const { episode } = worst;
  // By what counts: a thief could have claims make the alert a loud one before it is answered.
  const score = solidScore(worst);
  const isCertain = certainFinding(worst) !== undefined;
  return { kind, token, episode, openedAt, at, until, alertId, by, why: why.slice(0, WHY_CHARS_MAX), score, isCertain };
}

/**
 * Whether a verdict speaks against telling of an alert and revoking its token: `expected` of the alert it was given about, `noise` of all alerts of the
 * token for as long as it holds. Something certain, or a score far above what was answered, is not what the person has seen.
 *
 * @param verdict the last one about the token
 * @param assessment the one that has just come
 */
export function suppressionOf(
  verdict: GivenVerdict | undefined,
  alert: Alert,
  assessment: Assessment,
  now: number,
): Suppression | null {
  if (verdict === undefined || isBeyond(verdict, alert, assessment)) return null;
  if (verdict.kind === 'expected' && verdict.alertId === alert.id) {
    return { reason: { code: 'called-expected', text: `${saidBy(verdict)} it was the owner` }, until: null };
  }
  if (verdict.kind !== 'noise' || verdict.until === null || now >= verdict.until) return null;
  const text = `${saidBy(verdict)} the token's alerts are noise, until ${new Date(verdict.until).toISOString()}`;
  return { reason: { code: 'called-noise', text }, until: verdict.until };
}

/** Why a person should look before a token is revoked that, for as long as `expected` holds, does what was expected; `null`: nothing was said. */
export function cautionOf(
  verdict: GivenVerdict | undefined,
  alert: Alert,
  assessment: Assessment,
  now: number,
): Reason | null {
  if (verdict?.kind !== 'expected' || verdict.until === null || now >= verdict.until) return null;
  if (isBeyond(verdict, alert, assessment)) return null;
  return { code: 'called-expected', text: `${saidBy(verdict)} it was the owner, ${hoursText(now - verdict.at)} ago` };
}

function hoursText(ms: number): string {
  const hours = Math.max(0, ms) / 3_600_000;
  return hours < 1 ? 'less than an hour' : `${Math.floor(hours)} h`;
}

function isBeyond(verdict: GivenVerdict, alert: Alert, assessment: Assessment): boolean {
  if (Math.max(solidScore(alert.worst), solidScore(assessment)) >= verdict.score + ABOVE_BITS) return true;
  const wasSeen = verdict.isCertain && verdict.alertId === alert.id;
  if (certainFinding(alert.worst) && !wasSeen) return true;
  // What must not happen at all is never noise.
  return verdict.kind === 'noise' && certainFinding(assessment) !== undefined;
}

function saidBy({ by, why }: GivenVerdict): string {
  return why === '' ? `${by} says that` : `${by} says ("${why}") that`;
}

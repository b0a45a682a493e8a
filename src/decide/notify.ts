import type { Reason } from '../domain/action.ts';
import type { Alert } from '../domain/alert.ts';
import type { Severity } from '../domain/finding.ts';
import { matches, severityRank } from './match.ts';
import type { Policy } from './policy.ts';
import type { Suppression } from './verdicts.ts';

/** What a receiver was last told about an alert. */
export interface Told {
  readonly at: number;
  readonly severity: Severity;
  /** State of the revocation then; empty without one. */
  readonly revocationState: string;
  readonly count: number;
}

/** Who is told about an alert: the first route that matches. */
export function receiversOf(alert: Alert, policy: Policy): readonly string[] {
  return policy.routes.find((route) => matches(route.match, alert))?.receivers ?? [];
}

/**
 * Whether a receiver is to be told about an alert now, and why or why not.
 *
 * @param told what it was told last, if anything
 * @param suppression what a person's answer says against it
 * @param revocationState where the revocation stands; empty without one
 */
export function needsTelling(
  alert: Alert,
  told: Told | undefined,
  suppression: Suppression | null,
  revocationState: string,
  policy: Policy,
  now: number,
): { readonly tell: boolean; readonly reason: Reason } {
  if (suppression) return { tell: false, reason: suppression.reason };
  const silence = policy.silences.find((candidate) => now < candidate.until && matches(candidate.match, alert));
  if (silence) return { tell: false, reason: { code: 'silenced', text: silence.reason } };
  if (told === undefined) return { tell: true, reason: { code: 'first-notification', text: 'a new alert' } };
  // What is being done about the token matters more than what it does.
  if (told.revocationState !== revocationState) {
    return { tell: true, reason: { code: 'state-changed', text: `the revocation is now ${revocationState}` } };
  }
  if (severityRank(alert.severity) > severityRank(told.severity)) {
    return {
      tell: true,
      reason: { code: 'severity-raised', text: `severity rose from ${told.severity} to ${alert.severity}` },
    };
  }
  if (now - told.at >= policy.repeatIntervalMs) {
    return { tell: true, reason: { code: 'repeat-interval-elapsed', text: 'it still goes on' } };
  }
  return { tell: false, reason: { code: 'nothing-new', text: 'told already' } };
}

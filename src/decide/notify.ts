import type { Reason } from '../domain/action.ts';
import type { Alert } from '../domain/alert.ts';
import type { Severity } from '../domain/finding.ts';
import type { AlertEntry } from './entries.ts';
import { matches, severityRank } from './match.ts';
import type { Policy, Silence } from './policy.ts';

/** What a receiver was last told about an alert. */
export interface Told {
  readonly at: number;
  readonly severity: Severity;
  /** State of the revocation then; empty without one. */
  readonly revocationState: string;
  readonly count: number;
  /** Of how many tokens it was told to be, or was known to be by then; absent: it was told by itself. */
  readonly tokenCount?: number;
}

/** Of how many more tokens is news. */
const GROWTH = 2;

/** Who is told about an alert: the first route that matches. */
export function receiversOf(alert: Alert, policy: Policy): readonly string[] {
  return policy.routes.find((route) => matches(route.match, alert))?.receivers ?? [];
}

/** Because of what nobody is told about an alert now. */
export function silenceOf(alert: Alert, { silences }: Policy, now: number): Silence | undefined {
  return silences.find((candidate) => now < candidate.until && matches(candidate.match, alert));
}

/** An alert as far as telling goes by it. */
export type Tellable = Pick<AlertEntry, 'alert' | 'suppression' | 'fleet' | 'partOf'>;

/**
 * Whether a receiver is to be told about an alert now, and why or why not.
 *
 * @param told what it was told last, if anything
 * @param revocationState where the revocation stands; empty without one
 */
export function needsTelling(
  { alert, suppression, fleet, partOf }: Tellable,
  told: Told | undefined,
  revocationState: string,
  policy: Policy,
  now: number,
): { readonly tell: boolean; readonly reason: Reason } {
  if (suppression) return { tell: false, reason: suppression.reason };
  const silence = silenceOf(alert, policy, now);
  if (silence) return { tell: false, reason: { code: 'silenced', text: silence.reason } };
  if (told === undefined) return { tell: true, reason: { code: 'first-notification', text: 'a new alert' } };
  if (fleet && fleet.tokenCount >= GROWTH * (told.tokenCount ?? 0)) {
    const text = `it is a matter of ${fleet.tokenCount} tokens${told.tokenCount === undefined ? '' : `, no more of ${told.tokenCount}`}`;
    return { tell: true, reason: { code: 'new-for-everybody', text } };
  }
  if (told.tokenCount !== undefined && !fleet && partOf === undefined) {
    const text = 'what is new for many tokens does not explain it any more';
    return { tell: true, reason: { code: 'more-than-new-for-everybody', text } };
  }
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

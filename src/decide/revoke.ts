import { DAY_MS } from '../baseline/time.ts';
import type { ActionState, Reason } from '../domain/action.ts';
import type { Alert } from '../domain/alert.ts';
import type { Finding } from '../domain/finding.ts';
import { matchesPattern } from '../domain/pattern.ts';
import type { Explained } from './causes.ts';
import { certainFinding, certainFindings, countingFindings, isSolid } from './group.ts';
import { matches } from './match.ts';
import type { GuardRails, Policy } from './policy.ts';
import { bitsOf, solidScore } from './solid-score.ts';

/**
 * Bits of the score that all other dimensions have beside the strongest, at least: as much as one honest day in sixteen has. A release has loud
 * minutes as well, and that must not be its second opinion.
 */
const BESIDE_BITS_MIN = 4;

/** What must be known about the rest of the world to decide about one alert. */
export interface Surroundings {
  /** State of the token's latest revocation, if there is one that still stands. */
  readonly standing: ActionState | null;
  /** When revocations were approved lately, ms since the epoch. */
  readonly approvedAt: readonly number[];
  /** Tokens that went over the threshold lately, with when, this one included. */
  readonly suspects: ReadonlyMap<string, number>;
  /** Why a person has to look first, by what one has said of the token; `null`: nothing was said. */
  readonly caution: Reason | null;
  /** What it shares with many tokens, which is no evidence against one; `null`: nothing. */
  readonly explained: Explained | null;
}

/** What to do about the token, and why. `none`: nothing to be written down. */
export interface RevocationDecision {
  readonly state: 'approved' | 'shadow' | 'held' | 'none';
  readonly revoker: string | null;
  readonly reason: Reason;
}

/**
 * Decides whether a token is revoked. A list of reasons against, the ones that make the question moot first, the operator's wish to merely
 * observe last: so the shadow ledger shows exactly what enforcing would have done.
 *
 * @param now ms since the epoch: wall clock live, event time in a replay
 */
export function decideRevocation(told: Alert, policy: Policy, around: Surroundings, now: number): RevocationDecision {
  if (around.standing !== null) return none('already-revoked', `a revocation of this token is ${around.standing}`);
  const rule = policy.revocationRules.find((candidate) => matches(candidate.match, told));
  if (rule === undefined) return none('no-policy-matches', 'no revocation rule matches this alert');
  const weak = weakness(told, policy.guardRails);
  // A later assessment may say a little less in all, and in more dimensions.
  const alert = weak ? { ...told, worst: told.latest } : told;
  if (weak && weakness(alert, policy.guardRails)) return { state: 'none', revoker: rule.revoker, reason: weak };
  const hold = reasonToHold(alert, policy, around, now);
  if (hold) return { state: 'held', revoker: rule.revoker, reason: hold };
  if (policy.mode === 'observe') {
    return {
      state: 'shadow',
      revoker: rule.revoker,
      reason: { code: 'observe-mode', text: 'would be revoked; mode is observe' },
    };
  }
  return { state: 'approved', revoker: rule.revoker, reason: { code: 'policy-revokes', text: strength(alert) } };
}

function none(code: Reason['code'], text: string): RevocationDecision {
  return { state: 'none', revoker: null, reason: { code, text } };
}

/** Why the evidence is not enough, if it is not. */
function weakness(alert: Alert, { dimensionsMin }: GuardRails): Reason | null {
  const { worst } = alert;
  if (worst.score < worst.revokeThreshold) {
    const text = `score ${worst.score.toFixed(1)} is below the ${worst.revokeThreshold.toFixed(1)} bits that revoking takes`;
    return { code: 'below-revoke-threshold', text };
  }
  const solid = countingFindings(worst).filter(isSolid);
  if (solid.length === 0) {
    return {
      code: 'claimed-evidence-only',
      text: 'all evidence rests on what the client claims or on experimental detectors',
    };
  }
  if (certainFinding(worst)) return null;
  const dimensions = dimensionsOf(solid);
  if (dimensions.length < dimensionsMin) {
    const names = dimensions.map(({ dimension }) => dimension).join(' and ');
    const text = `only ${names} is unusual; revoking takes ${dimensionsMin} independent dimensions`;
    return { code: 'one-dimension-only', text };
  }
  const [strongest, ...others] = dimensions;
  const score = solidScore(worst);
  // Each has its share of the whole score, which claims make smaller: a thief must not be able to make it too small.
  const withoutClaims = (score / worst.score) * (bitsOf(worst.findings) / bitsOf(worst.findings.filter(isSolid)));
  const beside = bitsOf(others) * withoutClaims;
  if (dimensionsMin > 1 && strongest !== undefined && beside < BESIDE_BITS_MIN) {
    const text = `nearly all is ${strongest.dimension}: the rest has ${beside.toFixed(1)} bits of the score, and revoking takes ${BESIDE_BITS_MIN}`;
    return { code: 'one-dimension-only', text };
  }
  if (score < worst.revokeThreshold) {
    const text = `without what the client claims or experimental detectors say, score ${score.toFixed(1)} is below the ${worst.revokeThreshold.toFixed(1)} bits that revoking takes`;
    return { code: 'below-revoke-threshold', text };
  }
  return null;
}

/** Why the evidence is not enough without what many tokens share, if it is not. */
function weaknessWithout(explained: Explained | null, alert: Alert, guardRails: GuardRails): Reason | null {
  const weak = explained && weakness({ ...alert, worst: explained.rest }, guardRails);
  if (!weak) return null;
  const { what, name } = explained.cause;
  return {
    code: 'new-for-everybody',
    text: `many tokens share what is new (${what}: ${name}), which speaks against none of them; without it, ${weak.text}`,
  };
}

/** What each dimension has of the score, the strongest first. */
function dimensionsOf(
  findings: readonly Finding[],
): readonly (Pick<Finding, 'contribution'> & { readonly dimension: string })[] {
  return [...Map.groupBy(findings, ({ dimension }) => dimension)]
    .map(([dimension, some]) => ({ dimension, contribution: bitsOf(some) }))
    .sort((a, b) => b.contribution - a.contribution);
}

/** Why a person should look first, if one should. */
function reasonToHold(alert: Alert, policy: Policy, around: Surroundings, now: number): Reason | null {
  const { guardRails } = policy;
  const pattern = guardRails.protectedTokens.find((candidate) => matchesPattern(candidate, alert.token));
  if (pattern !== undefined) return { code: 'token-protected', text: `the token is protected ("${pattern}")` };
  if (around.caution) return around.caution;
  const shared = weaknessWithout(around.explained, alert, guardRails);
  if (shared) return shared;
  const { firstSeenAt } = alert.worst.baseline;
  // What came since the alert opened may be the thief's.
  const eventCount = alert.worst.baseline.eventCount - alert.worst.since.eventCount;
  const days = (alert.worst.at - firstSeenAt) / DAY_MS;
  const isYoung = days < guardRails.baselineDaysMin || eventCount < guardRails.baselineEventsMin;
  if (isYoung && !certainFinding(alert.worst)) {
    const text = `the baseline rests on ${days.toFixed(1)} days and ${eventCount} events; revoking takes ${guardRails.baselineDaysMin} days and ${guardRails.baselineEventsMin} events`;
    return { code: 'baseline-too-young', text };
  }
  if (policy.stopped) return { code: 'stopped-globally', text: 'revocations are stopped for the whole installation' };
  const { brake, budget } = guardRails;
  const suspectCount = [...around.suspects.values()].filter((at) => now - at < brake.windowMs).length;
  if (suspectCount >= brake.tokenCount) {
    return {
      code: 'many-tokens-at-once',
      text: `${suspectCount} tokens deviate at once: more like a migration than a theft`,
    };
  }
  const spent = around.approvedAt.filter((at) => now - at < budget.windowMs).length;
  if (spent >= budget.revocationCount) {
    return {
      code: 'budget-spent',
      text: `${spent} revocations within ${Math.round(budget.windowMs / 60_000)} minutes is the budget`,
    };
  }
  return null;
}

function strength(alert: Alert): string {
  const { worst } = alert;
  const certain = certainFindings(worst).map(({ title }) => title.toLowerCase());
  if (certain.length > 0) return `${certain.join(', ')}: no matter of odds`;
  const dimensions = [...new Set(countingFindings(worst).map((finding) => finding.dimension))];
  return `score ${worst.score.toFixed(1)} bits (${worst.revokeThreshold.toFixed(1)} needed), unusual in ${dimensions.join(', ')}`;
}

import type { Alert, Stamps } from '../domain/alert.ts';
import type { Assessment, Finding, Severity } from '../domain/finding.ts';
import { deriveId } from '../domain/identifier.ts';
import { severityRank } from './match.ts';

/** Contribution from which a finding counts when severity and dimensions are judged, bits. */
const COUNTING_BITS = 1;

/** The alert that an assessment belongs to: the same on every replay and instance. */
export function alertIdOf(assessment: Assessment): string {
  return deriveId('alr', assessment.token, assessment.episode);
}

/** Opens an alert or brings it up to date. */
export function group(previous: Alert | undefined, assessment: Assessment): Alert {
  const severity = severityOf(assessment);
  if (previous === undefined) {
    return {
      id: alertIdOf(assessment),
      token: assessment.token,
      severity,
      worst: assessment,
      latest: assessment,
      openedAt: assessment.openedAt,
      updatedAt: assessment.at,
      assessmentCount: 1,
      stamps: { event: assessment.at, log: assessment.loggedAt },
    };
  }
  return {
    ...previous,
    severity: severityRank(severity) > severityRank(previous.severity) ? severity : previous.severity,
    worst: isWorse(assessment, previous.worst) ? assessment : previous.worst,
    latest: assessment,
    updatedAt: Math.max(previous.updatedAt, assessment.at),
    assessmentCount: previous.assessmentCount + 1,
  };
}

/** With what has come to pass since; what stands already stays. */
export function withStamps(alert: Alert, stamps: Partial<Stamps>): Alert {
  return { ...alert, stamps: { ...stamps, ...alert.stamps } };
}

/** What must not happen at all is worse than any odds. */
function isWorse(assessment: Assessment, than: Assessment): boolean {
  const certainty = Number(isCertain(assessment)) - Number(isCertain(than));
  return certainty === 0 ? assessment.score > than.score : certainty > 0;
}

/** Whether more than anybody's word and an experiment speak for a finding: anyone can fail, or type, in somebody's name. */
export function isSolid({ trust, status }: Finding): boolean {
  return trust !== 'claimed' && status !== 'experimental';
}

/** What was seen that must not happen at all, and not only by what anybody may claim. */
export function certainFindings({ findings }: Assessment): readonly Finding[] {
  return findings.filter((one) => one.isCertain && isSolid(one));
}

/** The first of these. */
export function certainFinding(assessment: Assessment): Finding | undefined {
  return certainFindings(assessment)[0];
}

function isCertain(assessment: Assessment): boolean {
  return certainFinding(assessment) !== undefined;
}

/** Findings that weigh enough to be counted. */
export function countingFindings(assessment: Assessment): readonly Finding[] {
  return assessment.findings.filter((finding) => finding.contribution >= COUNTING_BITS);
}

/** The severest counting finding; critical when the score would allow a revocation and two dimensions agree, or one is certain. */
function severityOf(assessment: Assessment): Severity {
  const findings = countingFindings(assessment);
  const dimensions = new Set(findings.map((finding) => finding.dimension));
  if (isCertain(assessment)) return 'critical';
  if (assessment.score >= assessment.revokeThreshold && dimensions.size >= 2) return 'critical';
  return findings.reduce<Severity>(
    (worst, finding) => (severityRank(finding.severity) > severityRank(worst) ? finding.severity : worst),
    'low',
  );
}

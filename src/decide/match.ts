import type { Alert } from '../domain/alert.ts';
import { SEVERITIES, type Severity } from '../domain/finding.ts';
import { matchesPattern } from '../domain/pattern.ts';

/** Which alerts a route, a revocation rule or a silence is about. What is not given matches everything; `*` stands for any text. */
export interface Match {
  readonly token?: string | undefined;
  readonly principal?: string | undefined;
  readonly owner?: string | undefined;
  readonly environment?: string | undefined;
  readonly database?: string | undefined;
  /** This severity or higher. */
  readonly severity?: Severity | undefined;
}

export function matches(match: Match, alert: Alert): boolean {
  const { latest } = alert;
  return (
    matchesText(match.token, alert.token) &&
    matchesText(match.principal, latest.principal) &&
    matchesText(match.owner, latest.owner) &&
    matchesText(match.environment, latest.environment) &&
    matchesText(match.database, latest.database) &&
    (match.severity === undefined || severityRank(alert.severity) >= severityRank(match.severity))
  );
}

export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

function matchesText(pattern: string | undefined, text: string | null): boolean {
  return pattern === undefined || (text !== null && matchesPattern(pattern, text));
}

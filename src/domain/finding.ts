import type { Trust } from './trust.ts';

/** OCSF severity, as the field orders it. */
export const SEVERITIES = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Sigma's and Falco's word for how far a detector has come. */
export const STATUSES = ['experimental', 'stable', 'deprecated'] as const;
export type Status = (typeof STATUSES)[number];

/** The side of a token's behaviour that a detector watches. Two findings are independent when their dimensions differ. */
export const DIMENSIONS = ['where', 'what', 'when', 'how-much', 'how', 'failures'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** A token that stays below the threshold for so long, ms, has had its episode; what comes then is another alert. */
export const EPISODE_GAP_MS = 6 * 3_600_000;

/** One observed value beside what was to be expected, and from how much experience. */
export interface Evidence {
  /** What was measured: `network`, `rows in 1 min`, `table`. */
  readonly what: string;
  /** A list names each thing once, and grows for as long as the token is suspect. */
  readonly observed: string | number | readonly string[];
  readonly expected: string | number;
  /** How many observations of this token `expected` rests on. */
  readonly sampleSize: number;
  /**
   * What of it is new for the token, by names that another token would give it too: a table, a network. Many tokens to which the same is new at once have
   * one cause. Absent where there is no such name: an hour, a count, one of a handful. A list that grows like `observed`.
   */
  readonly newNames?: readonly string[];
}

/** Of one list in evidence: enough to see what was taken, and no more state than that for a token that tries every table there is. */
export const EVIDENCE_LIST_MAX = 32;

/** One detector's opinion of one event. */
export interface Finding {
  /** Derived from the event's coordinates and the detector: the same on every replay. */
  readonly id: string;
  readonly detector: string;
  readonly title: string;
  readonly dimension: Dimension;
  readonly severity: Severity;
  /** MITRE ATT&CK technique ids. */
  readonly attack: readonly string[];
  readonly trust: Trust;
  /** An experimental detector's finding alerts and never revokes. */
  readonly status: Status;
  /** No matter of odds: what was seen must not happen at all. Alone it may lead to a revocation. */
  readonly isCertain: boolean;
  /** log₂ likelihood ratio, stranger against owner, of this event alone. 0: the event adds nothing, the sum is older. */
  readonly bits: number;
  /** What this detector adds to the assessment's score; the contributions of an assessment add up to its score. */
  readonly contribution: number;
  /** What the assessment's score would be had this detector found nothing, bits. */
  readonly scoreWithout: number;
  readonly evidence: readonly Evidence[];
  /** One plain sentence. Contains attacker's text: escape it where it is shown. */
  readonly explanation: string;
}

/** Whether something was seen that must not happen at all. */
export function hasCertain(findings: readonly Finding[]): boolean {
  return findings.some(({ isCertain }) => isCertain);
}

/**
 * The state of suspicion about one token after one event: what `detect` writes to the findings log when the fused score is above
 * the threshold. Assessments that share `episode` belong to one alert.
 */
export interface Assessment {
  readonly id: string;
  readonly token: string;
  readonly principal: string | null;
  readonly owner: string | null;
  readonly environment: string | null;
  /** Id of the event that opened the episode. The alert's id is derived from it. */
  readonly episode: string;
  readonly openedAt: number;
  /** The event that raised this assessment. */
  readonly eventId: string;
  readonly at: number;
  /** When the events log took that event. */
  readonly loggedAt: number;
  readonly address: string | null;
  readonly database: string | null;
  readonly application: string | null;
  /** Bits: one honest token-day in 2^score looks as odd as this. */
  readonly score: number;
  /** Bits the score had to reach, from the alarm budget. */
  readonly threshold: number;
  /** Bits from which policy may revoke, from a tenth of the alarm budget. */
  readonly revokeThreshold: number;
  /** Contributing findings, largest contribution first. */
  readonly findings: readonly Finding[];
  /** What was done since the episode opened, this event included; a refused login does nothing. */
  readonly since: { readonly eventCount: number; readonly rowCount: number; readonly byteCount: number };
  /** How much the token's baseline rests on. */
  readonly baseline: { readonly firstSeenAt: number; readonly eventCount: number };
}

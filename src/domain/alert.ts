import type { Assessment, Severity } from './finding.ts';

/** Findings about one token, grouped for a person: one per episode, updated while the episode lasts. */
export interface Alert {
  /** Derived from token and episode: the same on every attempt, replay and instance. */
  readonly id: string;
  readonly token: string;
  readonly severity: Severity;
  /** The assessment with the highest score so far. */
  readonly worst: Assessment;
  /** The latest assessment: what left so far. */
  readonly latest: Assessment;
  readonly openedAt: number;
  readonly updatedAt: number;
  /** Assessments grouped into it. */
  readonly assessmentCount: number;
  readonly stamps: Stamps;
}

/** The five times of an alert, ms since the epoch; absent until reached. */
export interface Stamps {
  /** Event time of the event that opened it. */
  readonly event: number;
  /** When the events log took that event. */
  readonly log: number;
  /** When the decision was written to the ledger. */
  readonly decided?: number;
  /** When the issuer accepted the revocation. */
  readonly accepted?: number;
  /** When the token was proven to be out of use. */
  readonly verified?: number;
}

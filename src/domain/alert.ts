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

/** What is new for a token by name, as one detector says it. The name is an attacker's text. */
export interface Cause {
  readonly detector: string;
  /** As the evidence calls it: `tables not used before`. */
  readonly what: string;
  readonly name: string;
}

/** What many tokens show at once, told of as one: what the alert that leads them says. */
export interface FleetAlert {
  /** What most of them share. */
  readonly cause: Cause;
  readonly tokenCount: number;
  /** The first of them. */
  readonly tokens: readonly string[];
  /** When the first of them opened, event time. */
  readonly since: number;
  /** Those that were revoked before, or for more than that; the first of them. */
  readonly revoked: readonly { readonly token: string; readonly alertId: string }[];
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

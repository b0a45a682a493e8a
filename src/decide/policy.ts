import type { Match } from './match.ts';

/** What the operator wants done, as the configuration says it. */
export interface Policy {
  /** `observe`: everything is decided and written down, nothing is revoked. */
  readonly mode: 'observe' | 'enforce';
  /** A global stop: decisions go on, no revocation is approved. */
  readonly stopped: boolean;
  /** The first route that matches says who is told. */
  readonly routes: readonly Route[];
  readonly repeatIntervalMs: number;
  readonly silences: readonly Silence[];
  /** The first rule that matches says how the token is revoked; no match, no revocation. */
  readonly revocationRules: readonly RevocationRule[];
  readonly guardRails: GuardRails;
  /** What is new for so many tokens within the window (event time) has one cause. */
  readonly sharedCause: { readonly tokenCount: number; readonly windowMs: number };
}

export interface Route {
  readonly match: Match;
  readonly receivers: readonly string[];
}

export interface Silence {
  readonly match: Match;
  /** Ms since the epoch. */
  readonly until: number;
  readonly reason: string;
}

export interface RevocationRule {
  readonly match: Match;
  readonly revoker: string;
}

/** What must hold before a token is revoked without a person. */
export interface GuardRails {
  /** Tokens (patterns) that are never revoked automatically: break-glass, replication, our own. */
  readonly protectedTokens: readonly string[];
  /** At most this many revocations within the window. */
  readonly budget: { readonly revocationCount: number; readonly windowMs: number };
  /** This many tokens over the threshold within the window are a migration, not a theft: hold and ask. */
  readonly brake: { readonly tokenCount: number; readonly windowMs: number };
  readonly dimensionsMin: number;
  /** Experience a baseline must rest on. */
  readonly baselineDaysMin: number;
  readonly baselineEventsMin: number;
}

/** How long a revocation is attempted before a person has to take over, and how long a notification stays worth sending. */
export const REVOCATION_EXPIRES_MS = 24 * 3_600_000;
export const NOTIFICATION_EXPIRES_MS = 24 * 3_600_000;

import type { Action, DeliveryOutcome } from '../domain/action.ts';
import type { Alert } from '../domain/alert.ts';

/**
 * What a revoker is given: the action, and the alert as it stood when it was decided. The same on every attempt, so that one action id
 * never gets two bodies. Whom to revoke is said by the action, not by the alert, which goes on changing.
 */
export interface RevocationOrder {
  readonly action: Action;
  readonly alert: Alert;
}

/** Proof, or the lack of it, that a token is out of use. */
export type Verification =
  | { readonly kind: 'verified'; readonly detail: string }
  /** The issuer accepted, and the token can be used all the same: a person has to look. */
  | { readonly kind: 'ineffective'; readonly detail: string }
  /** This revoker cannot tell; the event stream has to. */
  | { readonly kind: 'unknown'; readonly detail: string }
  /** The world failed while looking. */
  | { readonly kind: 'retry'; readonly detail: string; readonly afterMs?: number };

/**
 * Takes a token out of use at its issuer: revoke, kill its live sessions, verify. Every call is idempotent under the action's id. One
 * attempt per call (`retry.ts` repeats); never throws for what the other side does. The signal aborts when the process stops: then a call
 * settles at once, as `retry`.
 */
export interface Revoker {
  readonly kind: string;
  /** How long after acceptance the issuer may still honour the token, ms. */
  readonly propagationMs: number;
  /** Refuses new use of the token, then ends its live sessions. `accepted`: both are done, as far as the issuer says. */
  revoke(order: RevocationOrder, signal: AbortSignal): Promise<DeliveryOutcome>;
  verify(order: RevocationOrder, signal: AbortSignal): Promise<Verification>;
  /** Brings the token back after a mistake; `refused` where that cannot be. */
  undo(order: RevocationOrder, signal: AbortSignal): Promise<DeliveryOutcome>;
  close?(): Promise<void>;
}

/**
 * A thing to do about an alert. An action is written to the ledger before it is tried and its outcome after, under an id that is
 * derived from what it is about, so that a crash or a replay repeats the action and never invents a second one.
 */
export interface Action {
  /** Idempotency key towards the receiver or issuer. */
  readonly id: string;
  readonly kind: ActionKind;
  readonly alertId: string;
  readonly token: string;
  readonly principal: string | null;
  /** Name of the configured receiver or revoker. */
  readonly target: string;
  readonly reason: Reason;
  readonly decidedAt: number;
  /** Not tried after this time. */
  readonly expiresAt: number;
}

export const ACTION_KINDS = ['notify', 'revoke', 'undo'] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];

/** Why something was or was not done: a stable code and one plain sentence. */
export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
}

export const REASON_CODES = [
  'first-notification',
  'severity-raised',
  'state-changed',
  'repeat-interval-elapsed',
  'nothing-new',
  'silenced',
  'policy-revokes',
  'no-policy-matches',
  'observe-mode',
  'below-revoke-threshold',
  'one-dimension-only',
  'claimed-evidence-only',
  'baseline-too-young',
  'token-protected',
  'budget-spent',
  'many-tokens-at-once',
  'new-for-everybody',
  'more-than-new-for-everybody',
  'stopped-globally',
  'already-revoked',
  'asked-by-person',
  'called-expected',
  'called-noise',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/**
 * Where an action stands. `shadow` is what observe mode would have done; `held` waits for a person; `accepted` is acknowledged by the
 * other side; `verified` is proven; `ineffective` was accepted and yet the token was used after; `refused` and `expired` end it;
 * a notification is `superseded` when a newer one of the same alert was sent in its place; a revocation is `withdrawn` when a person said that it was
 * the owner before it was carried out: the issuer may have been asked, and has not answered.
 */
export const ACTION_STATES = [
  'shadow',
  'held',
  'approved',
  'accepted',
  'verified',
  'ineffective',
  'refused',
  'expired',
  'undone',
  'superseded',
  'withdrawn',
] as const;
export type ActionState = (typeof ACTION_STATES)[number];

/** Where a revocation stands. `none`: decided against. */
export const REVOCATION_STATES = ['none', ...ACTION_STATES.filter((state) => state !== 'superseded')] as const;
export type RevocationState = (typeof REVOCATION_STATES)[number];

/** How one attempt went. Only `deliver/retry.ts` acts on `retry`. */
export type DeliveryOutcome =
  | { readonly kind: 'accepted'; readonly detail: string }
  /** The world failed; the same attempt may go through later, not before `afterMs` if given. */
  | { readonly kind: 'retry'; readonly detail: string; readonly afterMs?: number }
  /** It will never go through as it is. */
  | { readonly kind: 'refused'; readonly detail: string };

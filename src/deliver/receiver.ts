import type { Action, DeliveryOutcome, RevocationState } from '../domain/action.ts';
import type { Alert, FleetAlert } from '../domain/alert.ts';

/** An alert with what is being done about it: what there is to tell. */
export interface Situation {
  readonly alert: Alert;
  /** The revocation: done, being done, held with its reason, or what observe mode would have done. `null`: none was weighed. */
  readonly revocation: RevocationSummary | null;
  /** What the reader should do next, most urgent first (`next-steps.ts`). */
  readonly nextSteps: readonly string[];
  /** The alert leads others: what many tokens share is told under it. */
  readonly fleet?: FleetAlert | undefined;
  /** Id of the alert that leads this one. */
  readonly partOf?: string | undefined;
}

/**
 * What a receiver is given: the situation as it was when telling was decided, and the action, which says why it is told. The same on every
 * attempt, so that one action id never gets two bodies.
 */
export interface Notification extends Situation {
  readonly action: Action;
}

export interface RevocationSummary {
  /** `null` while it is only held or weighed. */
  readonly actionId: string | null;
  /** `none`: decided against. */
  readonly state: RevocationState;
  /** Name of the configured revoker. */
  readonly target: string | null;
  /** Why it was or was not done, in plain words. */
  readonly reason: string;
}

/**
 * Tells people or machines about alerts. One attempt per call, safe to repeat under the action's id; never throws for what the other side
 * does. The signal aborts when the process stops: then it settles at once, as `retry`.
 */
export interface Receiver {
  readonly kind: string;
  send(notification: Notification, signal: AbortSignal): Promise<DeliveryOutcome>;
  close?(): Promise<void>;
}

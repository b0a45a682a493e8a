import type { ActionEntry } from '../decide/entries.ts';
import type { ActionState } from '../domain/action.ts';

/** How an action came along: to be written to the ledger. */
export interface Progress {
  readonly actionId: string;
  readonly state: ActionState;
  readonly detail: string;
  readonly attemptCount: number;
}

/**
 * Carries actions out: attempts, retries, verifies. A port, since everything it does is I/O.
 *
 * Handing the same action over again (after a restart) continues it under the same idempotency key.
 */
export interface Dispatcher {
  /**
   * Starts carrying an approved (or accepted, not yet verified) action out.
   *
   * @param report called in order for each change of state; the next step waits for it, so that no outcome is acted on before it is durable.
   */
  submit(entry: ActionEntry, report: (progress: Progress) => Promise<void>): void;
  /** Gives up a revocation that has not been accepted yet. What the issuer was asked meanwhile is reported as it comes, and followed up. */
  withdraw(alertId: string): void;
  /** Starts nothing more, gives attempts in hand a moment to end, and reports nothing after it resolves. */
  stop(): Promise<void>;
}

import type { Clock } from '../domain/clock.ts';

/** Waits before each attempt of a revocation, ms; the last one repeats until it expires. */
export const REVOCATION_SCHEDULE_MS: readonly number[] = [0, 500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];

/** Waits before each attempt of a notification, ms; the last one repeats until it expires. */
export const NOTIFICATION_SCHEDULE_MS: readonly number[] = [0, 1000, 5000, 15_000, 60_000, 300_000];

/** Waits vary by a fifth to either side, so that what failed together does not come back together. */
const JITTER = 0.2;

/** How one attempt went, of whatever it is that is attempted: a delivery's outcome, a verification. */
interface Attempted {
  readonly kind: string;
  readonly detail: string;
}

/** An outcome that is not tried again. */
export type Final<Outcome extends Attempted> =
  | Exclude<Outcome, { readonly kind: 'retry' }>
  /** `expiresAt` came, or comes before the next attempt. */
  | { readonly kind: 'expired'; readonly detail: string }
  /** The signal aborted: nothing is settled, the ledger will take it up again. */
  | { readonly kind: 'stopped'; readonly detail: string };

export interface Settlement<Outcome extends Attempted> {
  readonly outcome: Final<Outcome>;
  readonly attemptCount: number;
}

export interface RetryOptions {
  readonly schedule: readonly number[];
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Ends the waiting. Attempts in hand have to be given their own. */
  readonly signal: AbortSignal;
  /** No attempt begins at or after this time, ms since the epoch. */
  readonly expiresAt: number;
}

/**
 * Repeats an attempt until it settles: the only place that retries. Waits as the schedule says, longer if the other side asked for it.
 *
 * @param attempt may resolve with `undefined` when it was not made: too late, or stopped while it waited for its turn.
 * @throws whatever `attempt` throws: those are faults of ours, the world's come as outcomes.
 */
export async function deliverUntilSettled<Outcome extends Attempted>(
  attempt: () => Promise<Outcome | undefined>,
  options: RetryOptions,
): Promise<Settlement<Outcome>> {
  const { clock, signal, expiresAt } = options;
  let last = 'never tried';
  let askedMs = 0;
  for (let attemptCount = 0; ; ) {
    const waitMs = Math.max(waitBefore(attemptCount, options), askedMs);
    if (clock.now() + waitMs >= expiresAt) return { outcome: { kind: 'expired', detail: last }, attemptCount };
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    if (signal.aborted) return { outcome: { kind: 'stopped', detail: last }, attemptCount };
    const outcome = await attempt();
    if (outcome === undefined)
      return { outcome: { kind: signal.aborted ? 'stopped' : 'expired', detail: last }, attemptCount };
    attemptCount++;
    if (!isRetry(outcome)) return { outcome: outcome as Final<Outcome>, attemptCount };
    last = outcome.detail;
    askedMs = outcome.afterMs ?? 0;
  }
}

function waitBefore(attemptCount: number, { schedule, random }: Pick<RetryOptions, 'schedule' | 'random'>): number {
  const waitMs = schedule[Math.min(attemptCount, schedule.length - 1)] ?? 0;
  return Math.round(waitMs * (1 - JITTER + 2 * JITTER * random()));
}

function isRetry(outcome: Attempted): outcome is Attempted & { readonly afterMs?: number } {
  return outcome.kind === 'retry';
}

import type { Action, DeliveryOutcome } from '../domain/action.ts';
import type { Clock } from '../domain/clock.ts';
import { deliverUntilSettled, NOTIFICATION_SCHEDULE_MS, REVOCATION_SCHEDULE_MS, type Settlement } from './retry.ts';
import { type Pace, Turns } from './turns.ts';

/** One action on its way to a target. */
export interface Delivery {
  readonly action: Action;
  /** The alert's severity as a number: under pressure the higher goes first and stays longer. */
  readonly priority: number;
  /** One attempt. The signal aborts when the process stops. */
  readonly attempt: (signal: AbortSignal) => Promise<DeliveryOutcome>;
  /** Ends this delivery's waiting; an attempt in hand goes on to its end. */
  readonly halt?: AbortSignal;
}

/** How a delivery ended. Beyond what retrying can end in, a waiting notification may be made pointless. */
export type DeliverySettlement =
  | Settlement<DeliveryOutcome>
  | { readonly outcome: Displaced; readonly attemptCount: number };

export interface Displaced {
  /** `superseded`: a newer notification of the same alert says more. `crowded-out`: too many alerts wait for this target. */
  readonly kind: 'superseded' | 'crowded-out';
  readonly detail: string;
}

export interface QueueOptions {
  /** Name of the target, for details. */
  readonly target: string;
  readonly pace: Pace;
  /** Notifications that may wait; one more pushes the least important, then the oldest, out. */
  readonly notificationsMax: number;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Stops everything; deliveries then settle as `stopped`. */
  readonly stop: AbortSignal;
}

/** Later attempts yield to first ones: what keeps failing must not keep what is new from being told. */
const REPEAT_RANK = 1_000;

interface Entry {
  readonly delivery: Delivery;
  readonly halt: AbortController;
  displaced: Displaced | undefined;
}

/**
 * Everything on its way to one target. Each target has its own, so that a slow or failing one delays only itself.
 *
 * Waiting takes no turn: a delivery holds one only while an attempt is made. Revocations and undos are never pushed out; how many there can
 * be is for the guard rails to say. Of one alert's notifications only the newest stays; one whose attempt is in hand ends that first.
 */
export class DeliveryQueue {
  readonly #options: QueueOptions;
  readonly #turns: Turns;
  /** In order of arrival. */
  readonly #entries = new Set<Entry>();

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#turns = new Turns(options.pace, options.clock, options.stop);
  }

  /** Deliveries that are not settled. */
  get size(): number {
    return this.#entries.size;
  }

  /** Attempts a delivery until it settles. Rejects for faults of ours only (see `deliverUntilSettled`). */
  async deliver(delivery: Delivery): Promise<DeliverySettlement> {
    const { clock, random, stop } = this.#options;
    const entry: Entry = { delivery, halt: new AbortController(), displaced: undefined };
    this.#admit(entry);
    try {
      const signal = AbortSignal.any([stop, entry.halt.signal, ...(delivery.halt ? [delivery.halt] : [])]);
      let attemptCount = 0;
      const settlement = await deliverUntilSettled(() => this.#attempt(entry, attemptCount++, signal), {
        schedule: delivery.action.kind === 'notify' ? NOTIFICATION_SCHEDULE_MS : REVOCATION_SCHEDULE_MS,
        clock,
        random,
        signal,
        expiresAt: delivery.action.expiresAt,
      });
      const { displaced } = entry;
      return settlement.outcome.kind === 'stopped' && displaced ? { ...settlement, outcome: displaced } : settlement;
    } finally {
      this.#entries.delete(entry);
    }
  }

  async #attempt(entry: Entry, attemptCount: number, signal: AbortSignal): Promise<DeliveryOutcome | undefined> {
    const { action, attempt, priority } = entry.delivery;
    if (!(await this.#turns.take((attemptCount > 0 ? REPEAT_RANK : 0) - priority, signal))) return undefined;
    let closedMs = 0;
    try {
      if (this.#options.clock.now() >= action.expiresAt) return undefined;
      const outcome = await attempt(this.#options.stop);
      if (outcome.kind === 'retry') closedMs = outcome.afterMs ?? 0;
      return outcome;
    } finally {
      this.#turns.give(closedMs);
    }
  }

  #admit(entry: Entry): void {
    const { action } = entry.delivery;
    this.#entries.add(entry);
    if (action.kind !== 'notify') return;
    const others = [...this.#entries].filter((other) => other !== entry && other.delivery.action.kind === 'notify');
    for (const other of others) {
      if (other.delivery.action.alertId !== action.alertId) continue;
      displace(other, 'superseded', `a newer notification of the same alert (${action.id}) replaces it`);
    }
    this.#crowdOut();
  }

  #crowdOut(): void {
    const { notificationsMax, target } = this.#options;
    const waiting = [...this.#entries].filter(
      ({ delivery, displaced }) => delivery.action.kind === 'notify' && displaced === undefined,
    );
    if (waiting.length <= notificationsMax) return;
    const least = waiting.reduce((a, b) => (b.delivery.priority < a.delivery.priority ? b : a));
    displace(least, 'crowded-out', `more than ${notificationsMax} notifications wait for "${target}"`);
  }
}

function displace(entry: Entry, kind: Displaced['kind'], detail: string): void {
  entry.displaced ??= { kind, detail };
  entry.halt.abort();
}

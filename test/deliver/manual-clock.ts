import type { Clock } from '../../src/domain/clock.ts';

/** A clock that only moves when told. */
export class ManualClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<{ readonly wakesAt: number; readonly wake: () => void }>();

  constructor(now = Date.UTC(2026, 8, 7, 9, 14)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = { wakesAt: this.#now + delayMs, wake: () => this.#leave(sleeper, resolve) };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** How many sleep: 0 means that nothing will happen by itself any more. */
  get sleeperCount(): number {
    return this.#sleepers.size;
  }

  /** Moves on, waking everybody in order, each at the right time. */
  async advance(byMs: number): Promise<void> {
    const until = this.#now + byMs;
    await settled();
    for (;;) {
      const next = [...this.#sleepers].sort((a, b) => a.wakesAt - b.wakesAt)[0];
      if (next === undefined || next.wakesAt > until) break;
      this.#now = Math.max(this.#now, next.wakesAt);
      next.wake();
      await settled();
    }
    this.#now = until;
  }

  #leave(sleeper: { readonly wakesAt: number; readonly wake: () => void }, resolve: () => void): void {
    this.#sleepers.delete(sleeper);
    resolve();
  }
}

/** Lets everything run that can run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

import type { Clock } from '../domain/clock.ts';

/** How fast a target may be called. */
export interface Pace {
  /** Calls at the same time. */
  readonly concurrentMax: number;
  /** Least time from the beginning of one call to that of the next. */
  readonly intervalMs: number;
}

interface Waiting {
  readonly rank: number;
  readonly admit: (admitted: boolean) => void;
}

/** Hands out turns at one target: lowest rank first, then first come; no more at once and no faster than the pace allows. */
export class Turns {
  readonly #pace: Pace;
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  readonly #waiting = new Set<Waiting>();
  #takenCount = 0;
  /** On the monotonic clock. */
  #opensAt = Number.NEGATIVE_INFINITY;
  #waking = false;

  /** @param stop ends the waiting for the target to open; whoever waits has to be given a signal that follows it. */
  constructor(pace: Pace, clock: Clock, stop: AbortSignal) {
    this.#pace = pace;
    this.#clock = clock;
    this.#stop = stop;
  }

  /** Resolves with `true` once it is the caller's turn, who then has to `give` it back; with `false` when the signal aborts first. */
  take(rank: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const leave = (): void => waiting.admit(false);
      const waiting: Waiting = {
        rank,
        admit: (admitted) => {
          this.#waiting.delete(waiting);
          signal.removeEventListener('abort', leave);
          resolve(admitted);
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.add(waiting);
      this.#admit();
    });
  }

  /** @param closedMs the other side wants to be left alone for so long, by everybody. */
  give(closedMs = 0): void {
    this.#takenCount--;
    if (closedMs > 0) this.#opensAt = Math.max(this.#opensAt, this.#clock.elapsed() + closedMs);
    this.#admit();
  }

  #admit(): void {
    while (this.#waiting.size > 0 && this.#takenCount < this.#pace.concurrentMax) {
      const now = this.#clock.elapsed();
      if (now < this.#opensAt) {
        this.#wakeAfter(this.#opensAt - now);
        return;
      }
      this.#takenCount++;
      this.#opensAt = now + this.#pace.intervalMs;
      this.#next()?.admit(true);
    }
  }

  #next(): Waiting | undefined {
    let next: Waiting | undefined;
    for (const waiting of this.#waiting) if (next === undefined || waiting.rank < next.rank) next = waiting;
    return next;
  }

  #wakeAfter(waitMs: number): void {
    if (this.#waking || this.#stop.aborted) return;
    this.#waking = true;
    void this.#clock.sleep(waitMs, this.#stop).then(() => {
      this.#waking = false;
      this.#admit();
    });
  }
}

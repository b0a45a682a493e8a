import type { Clock } from '../../src/domain/clock.ts';

/** Someone whose code runs: a simulated process. The world's own doings have none. */
export interface Life {
  /** Dead for good: nothing of it runs any more. */
  readonly dead: boolean;
  /** Stands still until then, as by SIGSTOP: what is due meanwhile runs when it wakes. */
  readonly frozenUntil: number;
}

interface Entry {
  readonly at: number;
  readonly sequence: number;
  readonly life: Life | null;
  readonly run: () => void;
}

/**
 * Simulated time. Everything that happens later is an entry in one queue, and between two entries all promises settle: so one seed gives one
 * history, as often as it is asked for.
 */
export class Schedule {
  now = 0;
  /** In falling order: the next one is the last. */
  readonly #entries: Entry[] = [];
  readonly #listening = new Set<() => void>();
  #sequence = 0;

  /** Listens to a signal until this time is over: one that is made of others is kept for as long as anybody listens. @returns takes it back */
  onAbort(signal: AbortSignal, listener: () => void): () => void {
    const unlisten = () => {
      signal.removeEventListener('abort', listener);
      this.#listening.delete(unlisten);
    };
    signal.addEventListener('abort', listener, { once: true });
    this.#listening.add(unlisten);
    return unlisten;
  }

  /** Ends this time: nothing runs in it any more. */
  end(): void {
    this.#entries.length = 0;
    for (const unlisten of this.#listening) unlisten();
  }

  /** Runs something after `delayMs`, unless its process is dead by then. @returns takes it back */
  after(delayMs: number, life: Life | null, run: () => void): () => void {
    const entry = { at: this.now + Math.max(0, delayMs), sequence: this.#sequence++, life, run };
    this.#insert(entry);
    return () => {
      const index = this.#entries.indexOf(entry);
      if (index !== -1) this.#entries.splice(index, 1);
    };
  }

  /** Resolves after `delayMs` of a process's time; never, if it is dead by then. */
  sleep(delayMs: number, life: Life | null): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, life, resolve);
    });
  }

  /** Lets time pass until `done` says so, or until `limitMs`. @returns whether it was done */
  async run(done: () => boolean, limitMs: number): Promise<boolean> {
    await settlePromises();
    while (!done()) {
      const entry = this.#entries.pop();
      if (entry === undefined || entry.at > limitMs) return false;
      this.now = entry.at;
      if (entry.life?.dead) continue;
      if (entry.life && entry.life.frozenUntil > this.now) {
        this.#insert({ ...entry, at: entry.life.frozenUntil });
        continue;
      }
      entry.run();
      await settlePromises();
    }
    return true;
  }

  #insert(entry: Entry): void {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(entry, this.#entries[middle] as Entry)) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}

/** All promise reactions run before the next turn of the event loop. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A process's clock. @param aheadMs what its wall clock is ahead of the world's */
export function clockOf(schedule: Schedule, life: Life, startAt: number, aheadMs: number): Clock {
  return {
    now: () => startAt + schedule.now + aheadMs,
    elapsed: () => schedule.now,
    sleep(delayMs, signal) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const cancel = schedule.after(delayMs, life, wake);
        const unlisten = signal && schedule.onAbort(signal, wake);
        function wake(): void {
          cancel();
          unlisten?.();
          resolve();
        }
      });
    },
  };
}

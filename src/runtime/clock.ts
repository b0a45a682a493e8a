import { promisify } from 'node:util';
import type { Clock } from '../domain/clock.ts';

const nextTurn = promisify(setImmediate);

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep(delayMs, signal) {
    if (signal?.aborted) return Promise.resolve();
    // A timer takes a millisecond at least. Who gives way to others wants to go on right after them.
    if (delayMs === 0) return nextTurn();
    return new Promise((resolve) => {
      const timer = setTimeout(wake, delayMs);
      signal?.addEventListener('abort', wake, { once: true });
      function wake(): void {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      }
    });
  },
};

import type { Clock } from '../domain/clock.ts';

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep(delayMs, signal) {
    if (signal?.aborted) return Promise.resolve();
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

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../domain/clock.ts';

/** How late timers fire. */
export interface LoopDelay {
  /** 99th percentile since it was last asked for, at most so often that there is something to tell. */
  p99Ms(): number;
  close(): void;
}

const WINDOW_MS_MIN = 10_000;

/** Measures from now on. */
export function createLoopDelay(clock: Clock): LoopDelay {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let since = clock.elapsed();
  let p99Ms = 0;
  let isFirst = true;
  return {
    p99Ms: () => {
      if (isFirst || clock.elapsed() - since >= WINDOW_MS_MIN) {
        p99Ms = delay.percentile(99) / 1e6;
        delay.reset();
        since = clock.elapsed();
        isFirst = false;
      }
      return p99Ms;
    },
    close: () => void delay.disable(),
  };
}

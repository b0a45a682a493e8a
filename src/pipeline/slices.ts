import type { Clock } from '../domain/clock.ts';
import { createSerial } from './serial.ts';

/** A thread's time, cut into slices for those who work on it side by side: between two slices, whoever's they are, everything else has its turn. */
export interface Slices {
  /** Whether the slice at hand has been used up. Whoever begins asks, too. */
  isOver(): boolean;
  /** Resolves when the next slice is the caller's. */
  next(): Promise<void>;
}

export function createSlices(clock: Clock, lengthMs: number): Slices {
  let startedAt = Number.NEGATIVE_INFINITY;
  // Each after a turn of its own: all that wait for the same turn would make it as long as all of their slices.
  const oneAfterTheOther = createSerial();
  return {
    isOver: () => clock.elapsed() - startedAt > lengthMs,
    next: () =>
      oneAfterTheOther(async () => {
        await clock.sleep(0);
        startedAt = clock.elapsed();
      }),
  };
}

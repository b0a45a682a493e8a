import type { Clock } from '../domain/clock.ts';

/** Collects what happens often, to be told of seldom. */
export interface Sparing {
  /** Something happened so many times; 0 changes nothing. @param tell is called now, with how often it has been untold, or not at all */
  note(count: number, tell: (count: number) => void): void;
}

/** Tells of the first at once, and then at most once in an interval, of all that came since. What came last may stay untold: keep a count too. */
export function createSparing(clock: Pick<Clock, 'elapsed'>, intervalMs: number): Sparing {
  let untold = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    note: (count, tell) => {
      untold += count;
      const now = clock.elapsed();
      if (count === 0 || now - toldAt < intervalMs) return;
      toldAt = now;
      const told = untold;
      untold = 0;
      tell(told);
    },
  };
}

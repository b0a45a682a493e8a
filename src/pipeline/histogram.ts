/** Upper bounds of the buckets of delays, ms; what is above the last is counted beside them. */
export const DELAY_BOUNDS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000,
] as const;

/** Counts delays in fixed buckets; noting one allocates nothing. */
export class DelayHistogram {
  /** One more than there are bounds. */
  readonly counts = new Float64Array(DELAY_BOUNDS_MS.length + 1);
  sumMs = 0;

  /** @param count how many had this delay */
  note(delayMs: number, count = 1): void {
    let bucket = 0;
    while (bucket < DELAY_BOUNDS_MS.length && delayMs > (DELAY_BOUNDS_MS[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + count;
    this.sumMs += count * Math.max(0, delayMs);
  }
}

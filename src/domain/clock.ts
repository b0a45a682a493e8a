/** The present. The core never reads it; stages are given one, so that tests and the simulator can own time. */
export interface Clock {
  /** Wall clock, ms since the epoch, UTC. */
  now(): number;
  /** Monotonic, ms from an arbitrary origin: for leases and durations. */
  elapsed(): number;
  /** Resolves after `delayMs`, or at once when the signal aborts. 0: as soon as what is waiting already has had its turn. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

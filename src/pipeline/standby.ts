import type { Engine } from '../detect/engine.ts';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../log/log.ts';
import { BaselineReader } from './baselines.ts';
import { TOPICS } from './topics.ts';

export interface StandbyOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly createEngine: () => Engine;
  /** How far a standby may lie behind what the owner has written. `null`: there is none, and a partition is restored when it is taken over. */
  readonly intervalMs: number | null;
  readonly onWarning: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/**
 * Keeps the baselines of partitions that are somebody else's at hand, by reading what their owners write: taking one over takes as long as
 * reading what was written last, not as long as reading all.
 */
export class Standby {
  readonly #options: StandbyOptions;
  readonly #readers = new Map<number, BaselineReader>();
  readonly #taken = new Set<number>();

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  /** Restores a partition that is ours now, from as far as it was followed. */
  async take(partition: number): Promise<BaselineReader> {
    this.#taken.add(partition);
    const reader = this.#readers.get(partition) ?? this.#open(partition);
    this.#readers.delete(partition);
    await reader.readOn(this.#options.log);
    return reader;
  }

  /** A partition is somebody else's again. What this process has of it may be ahead of the log, and is not looked at any more. */
  release(partition: number): void {
    this.#taken.delete(partition);
  }

  /** Follows all partitions that are not ours, until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, onWarning } = this.#options;
    if (intervalMs === null) return;
    while (!signal.aborted) {
      await clock.sleep(intervalMs, signal);
      try {
        await this.#readOn(signal);
      } catch (cause) {
        // The next round goes on from there, and so does whoever takes the partition over meanwhile.
        onWarning('a standby could not read on', { cause: String(cause) });
      }
    }
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    for (const { partition } of await log.offsets(TOPICS.baselines)) {
      if (signal.aborted) return;
      if (this.#taken.has(partition)) continue;
      const reader = this.#readers.get(partition) ?? this.#open(partition);
      this.#readers.set(partition, reader);
      await reader.readOn(log);
    }
  }

  #open(partition: number): BaselineReader {
    return new BaselineReader(partition, this.#options.createEngine());
  }
}

import type { Clock } from '../domain/clock.ts';
import type { Lane, Position, SourceRecord } from './source.ts';

/** No further input for so long: what is held back is settled. */
export const IDLE_MS = 50;
/** How often a position is remembered at most: what a crash has to read again. */
const REMEMBER_INTERVAL_MS = 500;
const BATCH_RECORDS_MAX = 500;
const BATCH_BYTES_MAX = 1 << 20;

/** Feeds a lane and remembers how far it has come. Calls are sequential. */
export interface Progress {
  /** Records are held back by the lane. */
  readonly held: boolean;
  /** Takes records in batches the log likes; stops between two of them when the signal aborts. */
  take(records: readonly SourceRecord[], signal?: AbortSignal): Promise<void>;
  /** Settles what is held back. */
  settle(): Promise<void>;
  /** Makes the position durable: `due`, not more often than twice a second; `now`, if there is a new one. */
  remember(when: 'due' | 'now'): Promise<void>;
}

/** @param remember makes a position durable; absent where reading cannot be resumed. */
export function createProgress(lane: Lane, clock: Clock, remember?: (position: Position) => Promise<void>): Progress {
  let reached: Position | undefined;
  let remembered: Position | undefined;
  let rememberedAt = clock.elapsed();
  const advance = (position: Position): void => {
    // While a record is held back the position may stay where it was.
    if (position.offset !== remembered?.offset) reached = position;
  };
  const progress: Progress = {
    get held() {
      return lane.held;
    },
    async take(records, signal) {
      for (const batch of batches(records)) {
        if (signal?.aborted) return;
        advance(await lane.take(batch));
        await progress.remember('due');
      }
    },
    async settle() {
      // A lane that holds nothing back has nothing to say.
      if (lane.held) advance(await lane.settle());
    },
    async remember(when) {
      if (reached === undefined || remember === undefined) return;
      if (when === 'due' && clock.elapsed() - rememberedAt < REMEMBER_INTERVAL_MS) return;
      const position = reached;
      reached = undefined;
      await remember(position);
      remembered = position;
      rememberedAt = clock.elapsed();
    },
  };
  return progress;
}

/** Runs of records that are not too many and not too large; a single one may be larger. */
export function* batches(records: readonly SourceRecord[]): Generator<readonly SourceRecord[]> {
  let start = 0;
  let byteCount = 0;
  for (const [index, { value }] of records.entries()) {
    if (index > start && (index - start === BATCH_RECORDS_MAX || byteCount + value.length > BATCH_BYTES_MAX)) {
      yield records.slice(start, index);
      start = index;
      byteCount = 0;
    }
    byteCount += value.length;
  }
  if (start < records.length) yield records.slice(start);
}

import type { Clock } from '../domain/clock.ts';
import { LogError, type TopicPartition } from './log.ts';

/** What is watched of a partition. */
export interface Watched {
  readonly kafkaTopic: string;
  readonly name: TopicPartition;
  readonly position: number;
  readonly failingSince: number | undefined;
  batchMs(): number | undefined;
  waitingMs(): number | undefined;
  waitAnew(): void;
}

export interface WatchOptions {
  readonly clock: Clock;
  readonly group: string;
  readonly fetcher: { isFull(): boolean };
  readonly holdings: () => Iterable<Watched>;
  readonly endOf: (watched: Watched) => Promise<number>;
  readonly stallMs: number;
  readonly batchLimitMs: number;
  readonly signal: AbortSignal;
}

const WATCH_MS = 5_000;

/**
 * Watches from outside of the fetching that it makes progress, whatever the reason why it may not. Returns when the signal aborts.
 *
 * @throws LogError `stalled`.
 */
export async function watchProgress(options: WatchOptions): Promise<void> {
  const { clock, holdings, stallMs, signal } = options;
  while (!signal.aborted) {
    await clock.sleep(Math.min(WATCH_MS, stallMs / 4), signal);
    for (const holding of holdings()) {
      if (!signal.aborted) await watchHolding(holding, options);
    }
  }
}

async function watchHolding(holding: Watched, options: WatchOptions): Promise<void> {
  const { group, fetcher, endOf, stallMs, batchLimitMs } = options;
  const where = `${holding.kafkaTopic}/${holding.name.partition}`;
  if ((holding.batchMs() ?? 0) > batchLimitMs) {
    throw new LogError(
      'stalled',
      `Group "${group}" works on one batch of ${where} for more than ${batchLimitMs} ms: what it waits for does not come. ` +
        'Restart the process, and look there.',
    );
  }
  // While brokers are away, the fetches themselves fail in the end.
  const isWaiting = () =>
    holding.failingSince === undefined && (holding.waitingMs() ?? 0) > stallMs && !fetcher.isFull();
  if (!isWaiting()) return;
  const { position } = holding;
  const end = await endOf(holding);
  if (end <= position) holding.waitAnew();
  else if (isWaiting() && holding.position === position) {
    throw new LogError(
      'stalled',
      `Group "${group}" is at ${position} of ${where}, which ends at ${end}, and nothing came for more than ${stallMs} ms. ` +
        'Restart the process.',
    );
  }
}

import type { Clock } from '../domain/clock.ts';
import { partitionOf } from '../domain/partition.ts';
import type { Log } from '../log/log.ts';
import { decodeStoredEvent } from '../normalise/stored-event.ts';
import { TOPICS } from '../pipeline/topics.ts';

/** Sees on the stream whether a token is still used, for issuers that cannot prove that it is not. */
export interface StreamWatch {
  /** Remembers where the token's events stand now. */
  mark(token: string): Promise<Mark>;
  /**
   * Waits until `quietMs` after `deadAt` and looks for successful use since.
   *
   * @returns `undefined` when the signal aborted first
   */
  useAfter(mark: Mark, deadAt: number, signal: AbortSignal): Promise<Use | undefined>;
}

export interface Mark {
  readonly token: string;
  readonly partition: number;
  readonly offset: number;
}

export interface Use {
  readonly used: boolean;
  readonly detail: string;
}

/** @param quietMs how long the stream must stay quiet about a token that is out of use, ms */
export function createStreamWatch(log: Log, clock: Clock, partitionCount: number, quietMs: number): StreamWatch {
  return {
    mark: async (token) => {
      const partition = partitionOf(token, partitionCount);
      const ends = await log.offsets(TOPICS.events);
      return { token, partition, offset: ends.find((ends) => ends.partition === partition)?.end ?? 0 };
    },
    useAfter: async (mark, deadAt, signal) => {
      await clock.sleep(Math.max(0, deadAt + quietMs - clock.now()), signal);
      if (signal.aborted) return undefined;
      const count = await countUse(log, mark, deadAt);
      if (count > 0) return { used: true, detail: `used ${count} times after the issuer had accepted the revocation` };
      return { used: false, detail: `no use on the stream for ${quietMs / 1000} s after the issuer had accepted it` };
    },
  };
}

async function countUse(log: Log, { token, partition, offset }: Mark, deadAt: number): Promise<number> {
  let count = 0;
  for await (const batch of log.read(TOPICS.events, partition, { from: offset })) {
    for (const record of batch) {
      if (record.key !== token || record.value === null) continue;
      const event = decodeStoredEvent(record.value, '');
      // Being refused is what should happen now.
      if (!('code' in event) && event.at > deadAt && event.success !== false) count += 1;
    }
  }
  return count;
}

import type { Clock } from '../domain/clock.ts';
import { partitionOf } from '../domain/partition.ts';
import type { Log, LogRecord } from '../log/log.ts';
import { decodeStoredEvent } from '../normalise/stored-event.ts';
import { createTurns } from '../pipeline/serial.ts';
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

type Readable = Pick<Log, 'read' | 'offsets'>;

/** @param quietMs how long the stream must stay quiet about a token that is out of use, ms */
export function createStreamWatch(log: Readable, clock: Clock, partitionCount: number, quietMs: number): StreamWatch {
  const lookouts = new Map<number, Lookout>();
  const lookoutOf = (partition: number): Lookout => {
    const lookout = lookouts.get(partition) ?? new Lookout(log, partition);
    lookouts.set(partition, lookout);
    return lookout;
  };
  return {
    mark: async (token) => {
      const partition = partitionOf(token, partitionCount);
      const ends = await log.offsets(TOPICS.events);
      return { token, partition, offset: ends.find((ends) => ends.partition === partition)?.end ?? 0 };
    },
    useAfter: async ({ token, partition, offset }, deadAt, signal) => {
      const lookout = lookoutOf(partition);
      const suspect = { token, deadAt, position: offset, useCount: 0 };
      lookout.suspects.add(suspect);
      try {
        await clock.sleep(Math.max(0, deadAt + quietMs - clock.now()), signal);
        if (signal.aborted) return undefined;
        await lookout.readOn();
      } finally {
        lookout.suspects.delete(suspect);
      }
      const { useCount } = suspect;
      if (useCount > 0)
        return { used: true, detail: `used ${useCount} times after the issuer had accepted the revocation` };
      return { used: false, detail: `no use on the stream for ${quietMs / 1000} s after the issuer had accepted it` };
    },
  };
}

/** A token that should be out of use. */
interface Suspect {
  readonly token: string;
  readonly deadAt: number;
  /** Offset of the first event that was not looked at for it. */
  position: number;
  useCount: number;
}

/** Reads a partition once for all its suspects: in a wave of thefts each would read what the others have read. */
class Lookout {
  readonly suspects = new Set<Suspect>();
  readonly #log: Readable;
  readonly #partition: number;
  readonly #inTurn = createTurns();

  constructor(log: Readable, partition: number) {
    this.#log = log;
    this.#partition = partition;
  }

  /** Looks for use of every suspect, up to the end of the partition. */
  readOn(): Promise<void> {
    return this.#inTurn(() => this.#read());
  }

  async #read(): Promise<void> {
    // Who comes while this goes on may have to begin before where it stands, and waits for the next.
    const suspects = [...this.suspects];
    const byToken = Map.groupBy(suspects, ({ token }) => token);
    const from = Math.min(...suspects.map(({ position }) => position));
    for await (const batch of this.#log.read(TOPICS.events, this.#partition, { from })) {
      for (const record of batch) countUse(record, byToken.get(record.key ?? ''));
      const next = (batch.at(-1)?.offset ?? from) + 1;
      for (const suspect of suspects) suspect.position = Math.max(suspect.position, next);
    }
  }
}

function countUse({ value, offset }: LogRecord, suspects: readonly Suspect[] | undefined): void {
  if (suspects === undefined || value === null) return;
  const event = decodeStoredEvent(value, '');
  // Being refused is what should happen now.
  if ('code' in event || event.success === false) return;
  for (const suspect of suspects) if (offset >= suspect.position && event.at > suspect.deadAt) suspect.useCount += 1;
}

import type { Clock } from '../domain/clock.ts';
import { restOf } from '../pipeline/archive.ts';
import { restOfCollect } from '../pipeline/collect.ts';
import { TOPICS } from '../pipeline/topics.ts';
import type { ArchivedRange, StoreQueries } from '../store/queries.ts';
import type { Counts } from './assemble.ts';

/** Conservation, for one place where records come in and must come out. */
export interface Rest {
  /** `store`: what ClickHouse really has, whatever was counted here. */
  readonly stage: 'collect' | 'archive' | 'store';
  readonly topic: string;
  readonly partition: number | null;
  /** Records of which nobody knows what became of them. Negative: some came out twice. */
  readonly restRecords: number;
}

export interface ConservationOptions {
  readonly counts: Counts;
  readonly clock: Clock;
  /** Looked up at each look. `null`: there is no archive to ask. */
  readonly queries: Pick<StoreQueries, 'archivedIn'> | null;
  readonly intervalMs: number;
  /** Told of each rest that lasts, when it appears and when it changes. */
  readonly onRest: (rest: Rest) => void;
  /** ClickHouse could not be asked. */
  readonly onWarning: (cause: unknown) => void;
}

/** Looks after the conservation of records, as they are counted and as they stand in ClickHouse. */
export interface ConservationWatch {
  /** As of now; what ClickHouse has, as of the last time it was asked. */
  rests(): readonly Rest[];
  stop(): Promise<void>;
}

/** How far append times may go back within a partition, as when another broker leads it. */
const SKEW_MS = 60_000;
/** After so many looks what is missing counts as lost. */
const CHECKS_MAX = 10;

export function watchConservation(options: ConservationOptions): ConservationWatch {
  const stopping = new AbortController();
  const checkStore = createStoreCheck(options);
  let stored: readonly Rest[] = [];
  const rests = () => [...restsOf(options.counts), ...stored];
  const watching = (async () => {
    let before = new Map<string, number>();
    const told = new Map<string, number>();
    while (!stopping.signal.aborted) {
      await options.clock.sleep(options.intervalMs, stopping.signal);
      if (stopping.signal.aborted) return;
      stored = await checkStore().catch((cause: unknown) => {
        options.onWarning(cause);
        return stored;
      });
      const present = new Map<string, number>();
      for (const rest of rests()) {
        const key = `${rest.stage}/${rest.topic}/${rest.partition}`;
        present.set(key, rest.restRecords);
        // What is there only once may be in the middle of being counted.
        if (rest.restRecords === 0 || rest.restRecords !== before.get(key) || rest.restRecords === told.get(key))
          continue;
        told.set(key, rest.restRecords);
        options.onRest(rest);
      }
      before = present;
    }
  })();
  return {
    rests,
    stop: async () => {
      stopping.abort();
      await watching;
    },
  };
}

/** Where records came in and did not come out, by what the stages count. */
export function restsOf({ collect, archive }: Counts): readonly Rest[] {
  const rests: Rest[] = [];
  if (collect) rests.push({ stage: 'collect', topic: 'sources', partition: null, restRecords: restOfCollect(collect) });
  for (const counted of archive?.partitions.values() ?? []) {
    const { topic, partition } = counted;
    rests.push({ stage: 'archive', topic, partition, restRecords: restOf(counted) });
  }
  return rests;
}

/** A place up to which ClickHouse has what was archived. */
interface Mark {
  readonly loggedAt: number;
  readonly next: number;
  readonly archived: number;
}

/** What has been found out about a partition. */
interface Checked {
  readonly mark: Mark;
  /** What was missing, or there twice, before the mark. */
  readonly lost: number;
  /** How often in a row the range after the mark was not as it should be. */
  readonly failedCount: number;
}

/** Compares what was counted as archived with the rows that are there, range by range: one that is complete is not looked at again. */
function createStoreCheck(options: ConservationOptions): () => Promise<readonly Rest[]> {
  const checked = new Map<number, Checked>();
  return async () => {
    const { counts, queries } = options;
    const rests: Rest[] = [];
    for (const counted of counts.archive?.partitions.values() ?? []) {
      const { topic, partition, next, loggedAt, archived, begin } = counted;
      if (queries === null || topic !== TOPICS.events || next === undefined || begin === undefined) continue;
      const { mark, lost, failedCount } = knownOf(checked.get(partition), begin, next);
      const found = await queries.archivedIn(partition, mark.next, next, mark.loggedAt - SKEW_MS);
      const rest = restOfRange(archived - mark.archived, found);
      const present: Mark = { loggedAt, next, archived };
      if (rest === 0) checked.set(partition, { mark: present, lost, failedCount: 0 });
      else if (failedCount + 1 < CHECKS_MAX) checked.set(partition, { mark, lost, failedCount: failedCount + 1 });
      // It will not come any more; the range would grow, and what it costs to look at it.
      else checked.set(partition, { mark: present, lost: lost + rest, failedCount: 0 });
      rests.push({ stage: 'store', topic, partition, restRecords: lost + rest });
    }
    return rests;
  };
}

/** What was archived by others while the partition was theirs is not ours to compare. */
function knownOf(before: Checked | undefined, begin: Mark, next: number): Checked {
  const { mark, lost } = before ?? { mark: begin, lost: 0 };
  return before && mark.next >= begin.next && mark.next <= next ? before : { mark: begin, lost, failedCount: 0 };
}

function restOfRange(archivedCount: number, { rowCount, offsetCount }: ArchivedRange): number {
  return offsetCount < rowCount ? offsetCount - rowCount : Math.max(0, archivedCount - offsetCount);
}

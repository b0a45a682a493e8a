import type { Log } from '../log/log.ts';
import { GROUPS, TOPICS } from './topics.ts';

/** Which stage reads which of our logs. */
const READERS = [
  [GROUPS.detect, TOPICS.events],
  [GROUPS.respond, TOPICS.findings],
  [GROUPS.archive, TOPICS.events],
  [GROUPS.archive, TOPICS.findings],
  [GROUPS.archive, TOPICS.ledger],
] as const;

/** How far a stage has come with a partition of ours, by what it has committed. */
export interface Reader {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record to read; where nothing was committed, of the first that is kept. */
  readonly committed: number;
  readonly end: number;
  readonly lagRecords: number;
  /** Age of the first record not yet committed, ms; 0 when there is none. */
  readonly lagMs: number;
}

/** How far all stages have come. @param groups only these; default: all */
export async function readReaders(
  log: Log,
  now: number,
  groups: readonly string[] = Object.values(GROUPS),
): Promise<readonly Reader[]> {
  const wanted = READERS.filter(([group]) => groups.includes(group));
  const found = await Promise.all(wanted.map(([group, topic]) => readersOf(log, group, topic, now)));
  return found.flat();
}

async function readersOf(log: Log, group: string, topic: string, now: number): Promise<readonly Reader[]> {
  const [offsets, committed] = await Promise.all([log.offsets(topic), log.committed(group, topic)]);
  return Promise.all(
    offsets.map(async ({ partition, earliest, end }) => {
      const at = Math.max(earliest, committed.get(partition)?.offset ?? 0);
      const lagMs = at < end ? Math.max(0, now - (await appendedAt(log, topic, partition, at, now))) : 0;
      return { group, topic, partition, committed: at, end, lagRecords: end - at, lagMs };
    }),
  );
}

/** When the log took the first record at or after an offset; `now` if it has gone meanwhile. */
async function appendedAt(log: Log, topic: string, partition: number, from: number, now: number): Promise<number> {
  for await (const batch of log.read(topic, partition, { from, to: from + 1 })) return batch[0]?.appendedAt ?? now;
  return now;
}

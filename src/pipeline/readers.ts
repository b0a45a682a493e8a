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
  /** Records not dealt with yet: as far as is known, not committed. */
  readonly lagRecords: number;
  /** Age of the first of them, ms; 0 when there is none. */
  readonly lagMs: number;
}

/** Where somebody stands beyond what is committed; `undefined`: nowhere else. */
export type Reached = (group: string, topic: string, partition: number) => number | undefined;

/** How far our stages have come. @param groups only these; default: all */
export async function readReaders(
  log: Log,
  now: number,
  groups: readonly string[] = Object.values(GROUPS),
  reached?: Reached,
): Promise<readonly Reader[]> {
  const wanted = READERS.filter(([group]) => groups.includes(group));
  const found = await Promise.all(wanted.map(([group, topic]) => readersOf(log, now, group, topic, reached)));
  return found.flat();
}

/** How far a group has come with a topic. */
export async function readersOf(
  log: Log,
  now: number,
  group: string,
  topic: string,
  reached: Reached = () => undefined,
): Promise<readonly Reader[]> {
  const [offsets, positions] = await Promise.all([log.offsets(topic), log.committed(group, topic)]);
  return Promise.all(
    offsets.map(async ({ partition, earliest, end }) => {
      const committed = Math.max(earliest, positions.get(partition)?.offset ?? 0);
      const at = Math.min(end, Math.max(committed, reached(group, topic, partition) ?? 0));
      const lagMs = at < end ? Math.max(0, now - (await appendedAt(log, topic, partition, at, now))) : 0;
      return { group, topic, partition, committed, end, lagRecords: end - at, lagMs };
    }),
  );
}

/** When the log took the first record at or after an offset; `now` if it has gone meanwhile. */
async function appendedAt(log: Log, topic: string, partition: number, from: number, now: number): Promise<number> {
  for await (const batch of log.read(topic, partition, { from, to: from + 1 })) return batch[0]?.appendedAt ?? now;
  return now;
}

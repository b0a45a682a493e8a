import type { Clock } from '../domain/clock.ts';
import type { OperationsFacts } from '../http/operations.ts';
import type { Log } from '../log/log.ts';
import { type Reached, type Reader, readersOf, readReaders } from '../pipeline/readers.ts';
import { GROUPS, TOPICS } from '../pipeline/topics.ts';
import { askLogs, type Question } from './ask-logs.ts';
import type { Counts } from './assemble.ts';
import { createLoopDelay } from './loop-delay.ts';
import { metricsOf } from './metrics.ts';
import type { SourceTopics } from './open-source.ts';
import type { Standstill } from './standstill.ts';
import { statusOf } from './status.ts';
import type { ConservationWatch, Rest } from './watch-conservation.ts';

export interface ObserveOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly counts: Counts;
  readonly sourceTopics: readonly SourceTopics[];
  readonly conservation: Pick<ConservationWatch, 'rests'>;
  readonly standstill: Pick<Standstill, 'obstacles'>;
  /** Settles when a stage has failed, or all have ended. */
  readonly done: Promise<void>;
  readonly readyLagMsMax: number;
}

/** What a process knows of itself at one moment. */
export interface Look {
  readonly at: number;
  readonly uptimeMs: number;
  readonly alive: boolean;
  /** What keeps it from being ready. */
  readonly obstacles: readonly string[];
  readonly counts: Counts;
  /** Records that retention deleted before they were read, by the group that should have. */
  readonly deleted: ReadonlyMap<string, number>;
  readonly readers: readonly Reader[];
  /** Records of which nobody knows what became of them: by where they were lost. All 0, or something is wrong. */
  readonly rests: readonly Rest[];
}

/** Answers what an operations endpoint is asked, about the process that runs here. */
export function observe(options: ObserveOptions): OperationsFacts & { close(): void } {
  const { clock, counts, conservation, standstill, readyLagMsMax, done } = options;
  const startedAt = clock.elapsed();
  const loopDelay = createLoopDelay(clock);
  let alive = true;
  const die = () => {
    alive = false;
  };
  done.then(die, die);
  const ask = askLogs(clock, questionsOf(options));
  const look = async (): Promise<Look> => {
    const { readers, problems } = await ask();
    const rests = conservation.rests();
    const obstacles = alive
      ? [
          ...standstill.obstacles(),
          ...restoring(counts),
          ...problems,
          ...late(readers, readyLagMsMax),
          ...missing(rests),
        ]
      : ['a stage has ended'];
    const deleted = deletedOf(options);
    const uptimeMs = clock.elapsed() - startedAt;
    return { at: clock.now(), uptimeMs, alive, obstacles, counts, deleted, readers, rests };
  };
  return {
    isAlive: () => alive,
    obstacles: async () => (await look()).obstacles,
    status: async () => statusOf(await look(), clock),
    metrics: async () => metricsOf(await look(), clock, loopDelay.p99Ms()),
    close: loopDelay.close,
  };
}

/** Each log is asked by itself: one that is away hides nothing of the others. */
function questionsOf({ log, clock, counts, sourceTopics }: ObserveOptions): readonly Question[] {
  const groups = Object.values(GROUPS).filter((group) => counts[group] !== undefined);
  // What is decided and waits for its checkpoint only is not behind.
  const reached: Reached = (group, topic, partition) =>
    group === GROUPS.detect && topic === TOPICS.events ? counts.detect?.partitions.get(partition)?.position : undefined;
  return [
    { what: 'our log', ask: () => readReaders(log, clock.now(), groups, reached) },
    ...sourceTopics.map(({ log: other, group, topics }) => ({
      what: `the topics that group ${group} reads`,
      ask: async () => (await Promise.all(topics.map((topic) => readersOf(other, clock.now(), group, topic)))).flat(),
    })),
  ];
}

function deletedOf({ counts, sourceTopics }: ObserveOptions): ReadonlyMap<string, number> {
  const deleted = new Map(sourceTopics.map(({ group, deletedCount }) => [group, deletedCount]));
  const { detect, respond, archive } = counts;
  if (detect) deleted.set(GROUPS.detect, detect.deleted);
  if (respond) deleted.set(GROUPS.respond, respond.deleted);
  if (archive)
    deleted.set(
      GROUPS.archive,
      [...archive.partitions.values()].reduce((sum, one) => sum + one.deleted, 0),
    );
  return deleted;
}

function restoring({ detect }: Counts): readonly string[] {
  return [...(detect?.restoring ?? [])].map((partition) => `detect restores the baselines of events/${partition}`);
}

function late(readers: readonly Reader[], readyLagMsMax: number): readonly string[] {
  return readers
    .filter(({ lagMs }) => lagMs > readyLagMsMax)
    .map(
      ({ group, topic, partition, lagMs, lagRecords }) =>
        `${group} is ${Math.round(lagMs / 1000)} s (${lagRecords} records) behind at ${topic}/${partition}`,
    );
}

function missing(rests: readonly Rest[]): readonly string[] {
  return rests
    .filter(({ restRecords }) => restRecords !== 0)
    .map(
      ({ stage, topic, partition, restRecords }) =>
        `${stage} cannot account for ${restRecords} records of ${topic}${partition === null ? '' : `/${partition}`}`,
    );
}

import type { Clock } from '../domain/clock.ts';
import type { OperationsFacts } from '../http/operations.ts';
import type { Log } from '../log/log.ts';
import { type Reader, readReaders } from '../pipeline/readers.ts';
import { GROUPS } from '../pipeline/topics.ts';
import type { Counts } from './assemble.ts';
import { metricsOf } from './metrics.ts';
import type { ConservationWatch, Rest } from './watch-conservation.ts';

export interface ObserveOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly counts: Counts;
  readonly conservation: Pick<ConservationWatch, 'rests'>;
  /** Settles when a stage has failed, or all have ended. */
  readonly done: Promise<void>;
  readonly readyLagMsMax: number;
}

/** What a process knows of itself: served under `/status`, and what metrics and readiness are made of. */
export interface Status {
  readonly at: number;
  readonly uptimeMs: number;
  readonly alive: boolean;
  readonly obstacles: readonly string[];
  readonly counts: Counts;
  readonly readers: readonly Reader[];
  /** Records of which nobody knows what became of them: by where they were lost. All 0, or something is wrong. */
  readonly rests: readonly Rest[];
}

/** Answers what an operations endpoint is asked, about the process that runs here. */
export function observe(options: ObserveOptions): OperationsFacts {
  const startedAt = options.clock.elapsed();
  let isAlive = true;
  const die = () => {
    isAlive = false;
  };
  options.done.then(die, die);
  const look = () => lookAt(options, startedAt, isAlive);
  return {
    isAlive: () => isAlive,
    obstacles: async () => (await look()).obstacles,
    status: async () => toPlain(await look()),
    metrics: async () => metricsOf(await look(), options.clock),
  };
}

async function lookAt(options: ObserveOptions, startedAt: number, alive: boolean) {
  const { log, clock, counts, conservation, readyLagMsMax } = options;
  const groups = Object.values(GROUPS).filter((group) => counts[group] !== undefined);
  const readers = await readReaders(log, clock.now(), groups);
  const rests = conservation.rests();
  const obstacles = alive ? obstaclesOf(readers, rests, readyLagMsMax) : ['a stage has ended'];
  const uptimeMs = clock.elapsed() - startedAt;
  return { at: clock.now(), uptimeMs, alive, obstacles, counts, readers, rests } satisfies Status;
}

function obstaclesOf(readers: readonly Reader[], rests: readonly Rest[], readyLagMsMax: number): readonly string[] {
  const late = readers
    .filter(({ lagMs }) => lagMs > readyLagMsMax)
    .map(
      ({ group, topic, partition, lagMs, lagRecords }) =>
        `${group} is ${Math.round(lagMs / 1000)} s (${lagRecords} records) behind at ${topic}/${partition}`,
    );
  const missing = rests
    .filter(({ restRecords }) => restRecords !== 0)
    .map(
      ({ stage, topic, partition, restRecords }) =>
        `${stage} cannot account for ${restRecords} records of ${topic}${partition === null ? '' : `/${partition}`}`,
    );
  return [...late, ...missing];
}

/** Maps and histograms as JSON has them. */
function toPlain(value: object): object {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) => {
      if (part instanceof Map) return Object.fromEntries(part);
      return part instanceof Float64Array ? Array.from(part) : part;
    }),
  ) as object;
}

import type { Clock } from '../domain/clock.ts';
import type { DetectCounts, DetectedPartition } from '../pipeline/detect-counts.ts';
import { DELAY_BOUNDS_MS } from '../pipeline/histogram.ts';
import type { OpenActions, RespondCounts } from '../pipeline/respond.ts';
import type { Look } from './observe.ts';

/** What a process says of itself under `/status`: numbers and words of ours, named one by one. */
export interface Status extends Omit<Look, 'counts'> {
  readonly counts: {
    readonly collect?: object;
    readonly detect?: { readonly partitions: readonly PartitionStatus[] };
    readonly respond?: {
      /** `null`: another process is in office. */
      readonly open: readonly OpenActions[] | null;
    };
    readonly archive?: object;
  };
}

export interface PartitionStatus {
  readonly partition: number;
  readonly tokenCount: number;
  readonly position: number;
  readonly committed: number;
  readonly checkpointAgeMs: number;
}

/** As JSON carries it. */
export function statusOf({ counts, ...look }: Look, clock: Clock): Status {
  const { collect, detect, respond, archive } = counts;
  return plain({
    ...look,
    counts: {
      ...(collect && { collect }),
      ...(detect && { detect: detectStatus(detect, clock) }),
      ...(respond && { respond: respondStatus(respond) }),
      ...(archive && { archive }),
    },
  });
}

/** Time since the last checkpoint of a partition with something to make durable, ms; 0 with nothing. */
export function checkpointAgeMs({ position, committed, checkpointAt }: DetectedPartition, clock: Clock): number {
  return position === committed ? 0 : clock.elapsed() - checkpointAt;
}

function detectStatus({ partitions, restoring, delays, ...sums }: DetectCounts, clock: Clock) {
  return {
    ...sums,
    restoring: [...restoring],
    delays: { boundsMs: DELAY_BOUNDS_MS, counts: [...delays.counts], sumMs: delays.sumMs },
    partitions: [...partitions].map(([partition, part]): PartitionStatus => {
      const { engine, position, committed } = part;
      const { tokenCount } = engine;
      return { partition, tokenCount, position, committed, checkpointAgeMs: checkpointAgeMs(part, clock) };
    }),
  };
}

function respondStatus({ decisions, outcomes, open, ...sums }: RespondCounts) {
  return { ...sums, decisions: decisions.all(), outcomes: outcomes.all(), open: open() };
}

/** Maps as objects. */
function plain<T extends object>(value: T): T {
  const text = JSON.stringify(value, (_, part: unknown) => (part instanceof Map ? Object.fromEntries(part) : part));
  return JSON.parse(text) as T;
}

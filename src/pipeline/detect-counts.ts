import type { EngineOptions } from '../detect/engine.ts';
import type { TopicPartition } from '../log/log.ts';
import { DelayHistogram } from './histogram.ts';

/** Where a partition in this process's hands stands. */
export interface DetectedPartition {
  readonly topicPartition: TopicPartition;
  readonly engine: { readonly tokenCount: number };
  /** Offset of the next event. */
  readonly position: number;
  readonly committed: number;
  /** By the monotonic clock, ms. */
  readonly checkpointAt: number;
}

export interface DetectCounts {
  /** By number. */
  readonly partitions: ReadonlyMap<number, DetectedPartition>;
  /** Partitions whose baselines are read just now, before their first event. */
  readonly restoring: Set<number>;
  /** Tokens that each partition may remember. */
  readonly tokensMax: number;
  /** From the log's taking an event to its being decided, and the finding durable. */
  readonly delays: DelayHistogram;
  events: number;
  /** Skipped because a token's stamp says they were applied before a restart. */
  replayed: number;
  /** Passed over because the partition had them already: written by a collector that had lost its lane. */
  repeated: number;
  assessments: number;
  /** People's answers, which stand among the events. */
  verdicts: number;
  /** Baselines that people had taken back, or built again. */
  rollbacks: number;
  /** What is certain of a token, or withdrawn, which stands there as well. */
  notices: number;
  /** Tables that tokens of other partitions made. */
  madeTables: number;
  deadLetters: number;
  /** Deleted by retention before they were read. */
  deleted: number;
  /** Young tokens that made room for others when their partition was full. */
  forgotten: number;
  /** Events of new tokens for which no young one could make room. */
  unadmitted: number;
  /** Times that each detector threw. */
  readonly failures: Map<string, number>;
}

export function createCounts(
  partitions: DetectCounts['partitions'],
  { tokensMax, installed }: EngineOptions,
): DetectCounts {
  return {
    partitions,
    restoring: new Set(),
    tokensMax,
    delays: new DelayHistogram(),
    events: 0,
    replayed: 0,
    repeated: 0,
    assessments: 0,
    verdicts: 0,
    rollbacks: 0,
    notices: 0,
    madeTables: 0,
    deadLetters: 0,
    deleted: 0,
    forgotten: 0,
    unadmitted: 0,
    failures: new Map(installed.map(({ detector }) => [detector.id, 0])),
  };
}

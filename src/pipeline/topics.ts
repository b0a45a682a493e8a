import { DAY_MS } from '../baseline/time.ts';
import type { TopicSpec } from '../log/log.ts';

/** The logs between the stages. */
export const TOPICS = {
  /** Audit events, keyed by token id. */
  events: 'events',
  /** Raw records that could not be normalised, keyed by their coordinates. */
  deadLetters: 'dead-letters',
  /** Tokens' state, keyed by token id, in the partition of their events. */
  baselines: 'baselines',
  /** Assessments, and requests by people: one order for everything that respond decides on. */
  findings: 'findings',
  /** Alerts and actions with their states, keyed by id. */
  ledger: 'ledger',
  /** How far sources without a group of their own have been read, keyed by source and lane. */
  positions: 'positions',
} as const;

export const GROUPS = { detect: 'detect', respond: 'respond', archive: 'archive' } as const;

/** What `ensureTopics` is asked for. */
export function topicSpecs(options: {
  readonly partitionCount: number;
  readonly retentionDays: number;
}): readonly TopicSpec[] {
  const retentionMs = options.retentionDays * DAY_MS;
  const one = { partitionCount: 1 };
  return [
    { topic: TOPICS.events, partitionCount: options.partitionCount, cleanup: 'delete', retentionMs },
    { topic: TOPICS.baselines, partitionCount: options.partitionCount, cleanup: 'compact' },
    { topic: TOPICS.deadLetters, ...one, cleanup: 'delete', retentionMs: Math.max(retentionMs, 30 * DAY_MS) },
    { topic: TOPICS.findings, ...one, cleanup: 'delete', retentionMs: Math.max(retentionMs, 30 * DAY_MS) },
    { topic: TOPICS.ledger, ...one, cleanup: 'compact' },
    { topic: TOPICS.positions, ...one, cleanup: 'compact' },
  ];
}

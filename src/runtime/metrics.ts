import type { Clock } from '../domain/clock.ts';
import { histogramSamples, type Metric, samplesOf } from '../http/metrics.ts';
import type { ActionTally } from '../pipeline/action-tally.ts';
import type { ArchiveCounts } from '../pipeline/archive.ts';
import type { CollectCounts } from '../pipeline/collect.ts';
import type { DetectCounts } from '../pipeline/detect-counts.ts';
import { DELAY_BOUNDS_MS } from '../pipeline/histogram.ts';
import type { OpenActions, RespondCounts } from '../pipeline/respond.ts';
import type { Look } from './observe.ts';
import { checkpointAgeMs } from './status.ts';

/** Everything that is measured of a process. Labels are words of the program and the configuration only. */
export function metricsOf(look: Look, clock: Clock, loopDelayMs: number): readonly Metric[] {
  const { counts, deleted, readers, rests, obstacles, alive } = look;
  const { collect, detect, respond, archive } = counts;
  return [
    gauge('tokenwarden_up', 'Whether all stages run.', Number(alive)),
    gauge('tokenwarden_ready', 'Whether the process is ready: see /readyz.', Number(obstacles.length === 0)),
    ...(collect ? collectMetrics(collect) : []),
    ...(detect ? detectMetrics(detect, clock) : []),
    ...(respond ? respondMetrics(respond, clock) : []),
    ...(archive ? archiveMetrics(archive) : []),
    {
      name: 'tokenwarden_lag_records',
      kind: 'gauge',
      help: 'Records that a stage or source has not dealt with yet.',
      samples: readers.map(({ lagRecords, ...place }) => ({ labels: labelsOf(place), value: lagRecords })),
    },
    {
      name: 'tokenwarden_lag_seconds',
      kind: 'gauge',
      help: 'Age of the first record that a stage or source has not dealt with yet.',
      samples: readers.map(({ lagMs, ...place }) => ({ labels: labelsOf(place), value: lagMs / 1000 })),
    },
    counters(
      'tokenwarden_deleted_unread_total',
      'Records deleted by retention before they were read.',
      'group',
      deleted,
    ),
    {
      name: 'tokenwarden_conservation_rest_records',
      kind: 'gauge',
      help: 'Records that came in and did not come out: anything but 0 is a loss or a miscount.',
      samples: rests.map(({ stage, topic, partition, restRecords }) => ({
        labels: { stage, topic, partition: partition ?? '' },
        value: restRecords,
      })),
    },
    ...processMetrics(look, loopDelayMs),
  ];
}

function processMetrics({ at, uptimeMs }: Look, loopDelayMs: number): readonly Metric[] {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return [
    gauge('process_start_time_seconds', 'When the stages had started, since the epoch.', (at - uptimeMs) / 1000),
    counter('process_cpu_seconds_total', 'Processor time spent.', (user + system) / 1e6),
    gauge('process_resident_memory_bytes', 'Resident memory size.', rss),
    gauge('nodejs_heap_size_used_bytes', 'Memory used by JavaScript.', heapUsed),
    gauge('tokenwarden_event_loop_delay_p99_seconds', 'Delay of the event loop, lately.', loopDelayMs / 1000),
  ];
}

function labelsOf({ group, topic, partition }: { group: string; topic: string; partition: number }) {
  return { group, topic, partition };
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, kind: 'gauge', help, samples: [{ value }] };
}

function counter(name: string, help: string, value: number): Metric {
  return { name, kind: 'counter', help, samples: [{ value }] };
}

function counters(name: string, help: string, label: string, values: Iterable<readonly [string, number]>): Metric {
  return { name, kind: 'counter', help, samples: samplesOf(label, values) };
}

function collectMetrics(collect: CollectCounts): readonly Metric[] {
  const { taken, held, events, deadLetters, repeated, returned, ignored } = collect;
  return [
    counter('tokenwarden_collect_taken_total', 'Raw records taken from sources.', taken),
    counters('tokenwarden_collect_settled_total', 'What became of raw records.', 'outcome', [
      ['event', events],
      ['dead-letter', deadLetters],
      ['repeated', repeated],
      ['returned', returned],
    ]),
    counters('tokenwarden_collect_ignored_total', 'Raw records that are no access, by rule.', 'rule', ignored),
    gauge('tokenwarden_collect_held_records', 'Raw records that wait for more of their statement.', held),
  ];
}

function detectMetrics(detect: DetectCounts, clock: Clock): readonly Metric[] {
  const partitions = [...detect.partitions];
  const bounds = DELAY_BOUNDS_MS.map((ms) => ms / 1000);
  return [
    counter('tokenwarden_detect_events_total', 'Events read.', detect.events),
    counters('tokenwarden_detect_skipped_total', 'Events that changed nothing, by reason.', 'reason', [
      ['replayed', detect.replayed],
      ['repeated', detect.repeated],
      ['dead-letter', detect.deadLetters],
      ['no-room', detect.unadmitted],
    ]),
    counter('tokenwarden_detect_forgotten_tokens_total', 'Young tokens that made room for new ones.', detect.forgotten),
    counter('tokenwarden_detect_made_tables_total', 'Tables that tokens of other partitions made.', detect.madeTables),
    counter('tokenwarden_detect_rollbacks_total', 'Baselines that people had put back.', detect.rollbacks),
    counter('tokenwarden_detect_verdicts_total', 'Verdicts of people that were taken.', detect.verdicts),
    counter('tokenwarden_detect_notices_total', 'Notices of leaks and revocations that were taken.', detect.notices),
    counter('tokenwarden_detect_assessments_total', 'Assessments told.', detect.assessments),
    counters('tokenwarden_detector_failures_total', 'Detectors that threw.', 'detector', detect.failures),
    {
      name: 'tokenwarden_decide_delay_seconds',
      kind: 'histogram',
      help: 'From the log taking an event to its being decided and its finding durable.',
      samples: histogramSamples(bounds, detect.delays.counts, detect.delays.sumMs / 1000),
    },
    {
      name: 'tokenwarden_tokens',
      kind: 'gauge',
      help: 'Tokens remembered in each partition of this process.',
      samples: partitions.map(([partition, { engine }]) => ({ labels: { partition }, value: engine.tokenCount })),
    },
    gauge('tokenwarden_partition_tokens_max', 'Tokens that each partition may remember.', detect.tokensMax),
    gauge('tokenwarden_restoring_partitions', 'Partitions whose baselines are being read.', detect.restoring.size),
    {
      name: 'tokenwarden_checkpoint_age_seconds',
      kind: 'gauge',
      help: 'Time since the last checkpoint of a partition with something to make durable; 0 with nothing.',
      samples: partitions.map(([partition, part]) => ({
        labels: { partition },
        value: checkpointAgeMs(part, clock) / 1000,
      })),
    },
  ];
}

function respondMetrics(respond: RespondCounts, clock: Clock): readonly Metric[] {
  const { assessments, requests, decisions, outcomes } = respond;
  const open = respond.open();
  const waiting = (name: string, help: string, value: (one: OpenActions) => number): Metric => ({
    name,
    kind: 'gauge',
    help,
    samples: (open ?? []).map((one) => ({ labels: { kind: one.kind, target: one.target }, value: value(one) })),
  });
  return [
    counter('tokenwarden_respond_assessments_total', 'Assessments decided on.', assessments),
    counter('tokenwarden_respond_requests_total', 'Requests of people decided on.', requests),
    gauge('tokenwarden_in_office', 'Whether this process is the one that responds.', Number(open !== null)),
    tally('tokenwarden_decisions_total', 'Actions approved, held for a person, or only weighed (shadow).', decisions),
    tally('tokenwarden_action_outcomes_total', 'How notifications, revocations and undos went.', outcomes),
    waiting('tokenwarden_open_actions', 'Actions that wait for a target, or for proof.', ({ count }) => count),
    waiting('tokenwarden_oldest_open_action_seconds', 'Time since the oldest of them was decided.', ({ oldestAt }) =>
      Math.max(0, (clock.now() - oldestAt) / 1000),
    ),
  ];
}

function tally(name: string, help: string, actions: ActionTally): Metric {
  const samples = actions
    .all()
    .map(({ kind, target, state, count }) => ({ labels: { kind, target, state }, value: count }));
  return { name, kind: 'counter', help, samples };
}

function archiveMetrics({ partitions }: ArchiveCounts): readonly Metric[] {
  const all = [...partitions.values()];
  const family = (name: string, help: string, value: (one: (typeof all)[number]) => number): Metric => ({
    name,
    kind: 'counter',
    help,
    samples: all.map((one) => ({ labels: { topic: one.topic, partition: one.partition }, value: value(one) })),
  });
  return [
    family('tokenwarden_archive_consumed_total', 'Records that inserts have covered.', ({ consumed }) => consumed),
    family('tokenwarden_archive_archived_total', 'Records in ClickHouse.', ({ archived }) => archived),
    family('tokenwarden_archive_deleted_total', 'Records deleted before they were archived.', ({ deleted }) => deleted),
    {
      name: 'tokenwarden_archive_left_out_total',
      kind: 'counter',
      help: 'Records that are not for ClickHouse, by rule.',
      samples: all.flatMap(({ topic, partition, leftOut }) =>
        [...leftOut].map(([rule, value]) => ({ labels: { topic, partition, rule }, value })),
      ),
    },
  ];
}

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../domain/clock.ts';
import { histogramSamples, type Metric, samplesOf } from '../http/metrics.ts';
import type { ArchiveCounts } from '../pipeline/archive.ts';
import type { CollectCounts } from '../pipeline/collect.ts';
import type { DetectCounts } from '../pipeline/detect.ts';
import { DELAY_BOUNDS_MS } from '../pipeline/histogram.ts';
import type { RespondCounts } from '../pipeline/respond.ts';
import type { Status } from './observe.ts';

const loopDelay = monitorEventLoopDelay({ resolution: 20 });
loopDelay.enable();

/** Everything that is measured of a process. Labels are words of the program and the configuration only. */
export function metricsOf({ counts, readers, rests, obstacles, alive }: Status, clock: Clock): readonly Metric[] {
  const { collect, detect, respond, archive } = counts;
  return [
    gauge('tokenwarden_up', 'Whether all stages run.', Number(alive)),
    gauge('tokenwarden_ready', 'Whether the process is ready: see /readyz.', Number(obstacles.length === 0)),
    ...(collect ? collectMetrics(collect) : []),
    ...(detect ? detectMetrics(detect, clock) : []),
    ...(respond ? respondMetrics(respond) : []),
    ...(archive ? archiveMetrics(archive) : []),
    {
      name: 'tokenwarden_lag_records',
      kind: 'gauge',
      help: 'Records that a stage has not committed yet.',
      samples: readers.map(({ lagRecords, ...place }) => ({ labels: labelsOf(place), value: lagRecords })),
    },
    {
      name: 'tokenwarden_lag_seconds',
      kind: 'gauge',
      help: 'Age of the first record that a stage has not committed yet.',
      samples: readers.map(({ lagMs, ...place }) => ({ labels: labelsOf(place), value: lagMs / 1000 })),
    },
    {
      name: 'tokenwarden_conservation_rest_records',
      kind: 'gauge',
      help: 'Records that came in and did not come out: anything but 0 is a loss or a miscount.',
      samples: rests.map(({ stage, topic, partition, restRecords }) => ({
        labels: { stage, topic, partition: partition ?? '' },
        value: restRecords,
      })),
    },
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', process.memoryUsage.rss()),
    gauge('tokenwarden_event_loop_delay_p99_seconds', 'Delay of the event loop since the start.', loopP99()),
  ];
}

function loopP99(): number {
  return loopDelay.percentile(99) / 1e9;
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
    {
      name: 'tokenwarden_checkpoint_age_seconds',
      kind: 'gauge',
      help: 'Time since the last checkpoint of a partition with something to make durable; 0 with nothing.',
      samples: partitions.map(([partition, { position, committed, checkpointAt }]) => ({
        labels: { partition },
        value: position === committed ? 0 : (clock.elapsed() - checkpointAt) / 1000,
      })),
    },
  ];
}

function respondMetrics({ assessments, requests, outcomes, open }: RespondCounts): readonly Metric[] {
  const samples = [...outcomes].map(([key, value]) => {
    const [kind = '', state = ''] = key.split('/');
    return { labels: { kind, state }, value };
  });
  return [
    counter('tokenwarden_respond_assessments_total', 'Assessments decided on.', assessments),
    counter('tokenwarden_respond_requests_total', 'Requests of people decided on.', requests),
    {
      name: 'tokenwarden_action_outcomes_total',
      kind: 'counter',
      help: 'How notifications and revocations went.',
      samples,
    },
    gauge('tokenwarden_open_actions', 'Actions approved and without an outcome.', open()),
  ];
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

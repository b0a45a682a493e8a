import type { Archive } from './archive.ts';
import type { Latency } from './latency.ts';
import type { Recovery } from './recovery.ts';
import type { Throughput } from './throughput.ts';

/** What a million tokens hold, in a process that does nothing else. */
export interface State {
  readonly recordBytes: number;
  /** The record and its place in the index: what the process grew by. */
  readonly bytesPerToken: number;
  readonly residentMiBAtMillionTokens: number;
}

/** How much more an event costs when there are more tokens, or a longer history. */
export interface CostGrowth {
  readonly tokens: number;
  readonly history: number;
}

/** What a run has measured. A quick one leaves out what takes long. */
export interface Results {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly throughput: Throughput;
  readonly latencyMs: Latency;
  /** From the death of a process to the first decision in the last of its partitions. */
  readonly failoverSeconds: number;
  readonly state?: State;
  readonly recoverySeconds?: Recovery;
  readonly costGrowth?: CostGrowth;
  readonly archive?: Archive;
}

/** One promise: the floor, below which something is wrong, and the aim. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly floor: number;
  readonly aim: number;
}

/** The promises of the design, beside what was measured. */
export function rowsOf(results: Results): readonly Row[] {
  const { throughput, latencyMs, failoverSeconds } = results;
  return [
    row(
      'detect ÷ bare kafkajs consumer with JSON.parse, a thread each',
      throughput.ratioToParse,
      '×',
      'more',
      0.5,
      0.85,
    ),
    row('detect ÷ Kafka Streams with four features, all cores each', throughput.ratioToKafkaStreams, '×', 'more', 2, 4),
    row('event in Kafka → revocation webhook, p50', latencyMs.p50, 'ms', 'less', 50, 15),
    row('event in Kafka → revocation webhook, p99', latencyMs.p99, 'ms', 'less', 500, 80),
    row('kill -9 of the owner → decided again', failoverSeconds, 's', 'less', 30, 8),
    ...longRowsOf(results),
  ];
}

/** Of what a quick run leaves out. */
function longRowsOf({ state, recoverySeconds, costGrowth, archive }: Results): readonly Row[] {
  if (!state || !recoverySeconds || !costGrowth || !archive) return [];
  return [
    row('bytes a token, all detectors', state.bytesPerToken, 'B', 'less', 2560, 1024),
    row('recover 1,000,000 baselines, cold', recoverySeconds.cold, 's', 'less', 30, 10),
    row('recover 1,000,000 baselines, warm standby', recoverySeconds.warm, 's', 'less', 5, 0.2),
    row('processor time an event, 1,000,000 ÷ 1,000 tokens', costGrowth.tokens, '×', 'less', 1.6, 1.1),
    row('processor time an event, a year ÷ a day of history', costGrowth.history, '×', 'less', 1.2, 1),
    row('detect beside the archive ÷ detect alone', archive.detectRatio, '×', 'more', 0.9, 1),
    row('archive ÷ detect, on the other core', archive.keepUpRatio, '×', 'more', 0, 1),
  ];
}

function row(what: string, value: number, unit: string, better: Row['better'], floor: number, aim: number): Row {
  return { what, value, unit, better, floor, aim };
}

/** How a row turned out. */
export function outcomeOf({ value, better, floor, aim }: Row): 'aim reached' | 'pass' | 'MISS' {
  const reaches = (bound: number) => (better === 'more' ? value >= bound : value <= bound);
  if (reaches(aim)) return 'aim reached';
  return reaches(floor) ? 'pass' : 'MISS';
}

function tunedOf({ kafkaStreamsTunedPerSecond: rate }: Throughput): string {
  return rate === undefined ? '' : ` (${Math.round(rate).toLocaleString('en')} tuned by hand)`;
}

/** Results for a person. */
export function tableOf(results: Results): string {
  const { machine, throughput, latencyMs, state } = results;
  const thousands = (value: number) => Math.round(value).toLocaleString('en');
  const lines = rowsOf(results).map((one) => {
    const cells = [`${figure(one.value)} ${one.unit}`, `${one.floor} ${one.unit}`, `${one.aim} ${one.unit}`].map(
      (text) => text.padStart(14),
    );
    return `${one.what.padEnd(62)}${cells.join('')}  ${outcomeOf(one)}`;
  });
  const facts = Object.entries(machine).map(([name, value]) => `${name}: ${value}`);
  return [
    facts.join(', '),
    `detect ${thousands(throughput.eventsPerSecond)} events/s in one thread, ${thousands(throughput.coresPerSecond)} in one a core; kafkajs with JSON.parse ${thousands(throughput.parsePerSecond)}; ` +
      `Kafka Streams ${thousands(throughput.kafkaStreamsPerSecond)}${tunedOf(throughput)}`,
    `latency beside ${thousands(latencyMs.loadPerSecond)} events/s, half of the maximum with everything on one machine; ${latencyMs.sampleCount} of ${latencyMs.theftCount} thefts led to a revocation`,
    ...(state ? [`a million tokens: ${thousands(state.residentMiBAtMillionTokens)} MiB resident`] : []),
    '',
    `${''.padEnd(62)}${['measured', 'floor', 'aim'].map((text) => text.padStart(14)).join('')}`,
    ...lines,
  ].join('\n');
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: value >= 1000 ? 4 : 3 });
}

import { Kafka, logLevel } from 'kafkajs';
import { DAY_MS } from '../src/baseline/time.ts';
import { thresholdsOf } from '../src/detect/budget.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import type { Log } from '../src/log/log.ts';
import { startDetect } from '../src/pipeline/detect.ts';
import { TOPICS, topicSpecs } from '../src/pipeline/topics.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { loadDetectors } from '../src/runtime/load-detectors.ts';
import { createFleet, dayOfFleet } from '../src/simulate/fleet.ts';
import { storedRecord } from './stored-record.ts';

export interface Throughput {
  readonly eventCount: number;
  /** Median over the rounds. */
  readonly barePerSecond: number;
  readonly detectPerSecond: number;
  /** Median of each round's own ratio. */
  readonly ratio: number;
}

const PARTITION_COUNT = 4;
const TOKEN_COUNT = 500;
const APPEND_RECORDS = 2000;
/** As kafkajs's users are told to: few large fetches. */
const FETCH_BYTES = 4 << 20;

/** Each round has topics of its own and reads them twice: once with nothing but `JSON.parse`, once with the detect stage. */
export async function measureThroughput(
  brokers: readonly string[],
  eventCount: number,
  rounds: number,
  say: (text: string) => void,
): Promise<Throughput> {
  const bare: number[] = [];
  const detect: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const prefix = `bench-${Date.now()}.`;
    const log = await openKafkaLog({ brokers, topicPrefix: prefix, clock: systemClock });
    await log.ensureTopics(topicSpecs({ partitionCount: PARTITION_COUNT, retentionDays: 1 }));
    await fill(log, eventCount);
    // Whoever comes second finds the pages cached: take turns.
    const measures = [
      async () => bare.push(await consumeBare(brokers, prefix + TOPICS.events, eventCount)),
      async () => detect.push(await runDetect(log, eventCount)),
    ];
    for (const measure of round % 2 === 0 ? measures : measures.reverse()) await measure();
    await log.close();
    say(`round ${round + 1}: bare ${Math.round(bare.at(-1) ?? 0)}/s, detect ${Math.round(detect.at(-1) ?? 0)}/s`);
  }
  const ratios = detect.map((value, i) => value / (bare[i] ?? value));
  return { eventCount, barePerSecond: median(bare), detectPerSecond: median(detect), ratio: median(ratios) };
}

/** Appends the stored events of a made-up fleet, day after day. */
async function fill(log: Log, eventCount: number): Promise<void> {
  const fleet = createFleet('bench', TOKEN_COUNT);
  const start = Date.UTC(2026, 0, 5);
  let count = 0;
  for (let day = 0; count < eventCount; day++) {
    const records = dayOfFleet(fleet, 'bench', start + day * DAY_MS).slice(0, eventCount - count);
    for (let i = 0; i < records.length; i += APPEND_RECORDS) {
      const chunk = records.slice(i, i + APPEND_RECORDS);
      await log.append(
        TOPICS.events,
        chunk.map((record, j) => storedRecord(record, `bench/0/${count + i + j}`)),
      );
    }
    count += records.length;
  }
}

async function consumeBare(brokers: readonly string[], topic: string, eventCount: number): Promise<number> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `bare-${Date.now()}`, maxBytesPerPartition: FETCH_BYTES });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const done = Promise.withResolvers<number>();
  let count = 0;
  let startedAt = 0;
  await consumer.run({
    eachBatch: async ({ batch }) => {
      startedAt ||= performance.now();
      for (const { value } of batch.messages) {
        if (value !== null && JSON.parse(value.toString()).token !== undefined) count += 1;
      }
      if (count >= eventCount) done.resolve(performance.now() - startedAt);
    },
  });
  const elapsedMs = await done.promise;
  await consumer.disconnect();
  return (eventCount / elapsedMs) * 1000;
}

async function runDetect(log: Log, eventCount: number): Promise<number> {
  const detectors = await loadDetectors();
  const joinedAt = performance.now();
  const detect = await startDetect({
    log,
    clock: systemClock,
    engine: {
      installed: detectors.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
      thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1000 }),
      hashSeed: 1,
      tokensMax: 1_000_000,
      onFailure: (id, cause) => {
        throw new Error(`${id} failed`, { cause });
      },
    },
    checkpointIntervalMs: 5000,
    checkpointTokensMax: 20_000,
    standbyIntervalMs: null,
    onWarning: (message) => console.error(message),
  });
  let startedAt = 0;
  while (detect.counts.events < eventCount) {
    // As with the bare consumer: from the first batch on, joining the group aside.
    if (startedAt === 0 && detect.counts.events > 0) startedAt = performance.now();
    await systemClock.sleep(2);
  }
  const endedAt = performance.now();
  await detect.stop();
  await detect.done;
  return (eventCount / (endedAt - (startedAt || joinedAt))) * 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

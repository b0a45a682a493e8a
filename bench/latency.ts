import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import type { Log } from '../src/log/log.ts';
import { TOPICS, topicSpecs } from '../src/pipeline/topics.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { createFleet, dayOfFleet, type SimulatedToken } from '../src/simulate/fleet.ts';
import { theftOf } from '../src/simulate/theft.ts';
import { startHttpReceiver } from '../test/support/http-receiver.ts';
import { startTokenwarden } from '../test/support/tokenwarden-process.ts';
import { startLoad } from './load.ts';
import { storedRecord } from './stored-record.ts';

export interface Latency {
  readonly loadPerSecond: number;
  /** Thefts that were committed, and those among them that led to a revocation: what the times are of. */
  readonly theftCount: number;
  readonly sampleCount: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const PARTITION_COUNT = 4;
const HISTORY_DAYS = 10;
/** A stolen event that leads to no revocation within this is followed by the next one. */
const WAIT_MS = 1000;
const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;

/**
 * Steals one token after the other while honest events flow, and takes the time from handing the decisive event
 * to Kafka until the order to revoke has arrived: detect, respond and delivery in a process of their own, as users run them.
 */
export async function measureLatency(
  brokers: readonly string[],
  loadPerSecond: number,
  thefts: number,
  say: (text: string) => void,
): Promise<Latency> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-bench-'));
  const receiver = await startHttpReceiver();
  const prefix = `bench-latency-${Date.now()}.`;
  const log = await openKafkaLog({ brokers, topicPrefix: prefix, clock: systemClock });
  const thief = await openKafkaLog({ brokers, topicPrefix: prefix, clock: systemClock });
  await log.ensureTopics(topicSpecs({ partitionCount: PARTITION_COUNT, retentionDays: 1 }));
  const fleet = createFleet('latency', 3 * thefts + 50);
  const victims = fleet.tokens.filter(({ habit }) => habit === 'service').slice(0, thefts);
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  for (let day = HISTORY_DAYS; day >= 1; day--) {
    await log.append(
      TOPICS.events,
      dayOfFleet(fleet, 'latency', today - day * DAY_MS).map((record, i) => storedRecord(record, `h/${day}/${i}`)),
    );
  }
  const tokenwarden = await startTokenwarden(folder, configOf(folder, [...brokers], prefix, receiver.url));
  const load = startLoad({ brokers, topicPrefix: prefix, perSecond: loadPerSecond });
  try {
    await tokenwarden.logged('watching');
    await caughtUp(log);
    say(`stealing ${victims.length} tokens, one after the other`);
    const samples: number[] = [];
    for (const victim of victims) {
      const sample = await steal(thief, victim, receiver.requests);
      if (sample !== undefined) samples.push(sample);
    }
    samples.sort((a, b) => a - b);
    const quantile = (share: number) =>
      samples[Math.min(samples.length - 1, Math.floor(share * samples.length))] ?? Number.NaN;
    return {
      loadPerSecond: await load.stop(),
      theftCount: victims.length,
      sampleCount: samples.length,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
    };
  } finally {
    await load.stop();
    await tokenwarden.stop();
    await thief.close();
    await log.close();
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function configOf(folder: string, brokers: readonly string[], topicPrefix: string, url: string): object {
  return {
    mode: 'enforce',
    dataFolder: folder,
    stages: ['detect', 'respond'],
    fingerprintKey: 'the same for all processes of an installation',
    log: { kind: 'kafka', brokers, topicPrefix, partitionCount: PARTITION_COUNT },
    clickhouse: { kind: 'off' },
    response: {
      receivers: {},
      routes: [],
      revokers: {
        gateway: {
          kind: 'webhook',
          url: `${url}/revoke`,
          secrets: [SECRET],
          allowInsecure: true,
          allowPrivateAddresses: true,
        },
      },
      revocation: {
        rules: [{ revoker: 'gateway' }],
        budget: { revocationCount: 10_000 },
        brake: { tokenCount: 1_000_000 },
      },
    },
    logging: { level: 'info' },
  };
}

async function caughtUp(log: Log): Promise<void> {
  for (;;) {
    const committed = await log.committed('detect', TOPICS.events);
    const ends = await log.offsets(TOPICS.events);
    if (ends.every(({ partition, end }) => end - (committed.get(partition)?.offset ?? 0) < 50_000)) return;
    await systemClock.sleep(200);
  }
}

/** @returns ms from the append of the event that was one too many, `undefined` when the theft went unnoticed */
async function steal(
  log: Log,
  victim: SimulatedToken,
  requests: readonly { readonly at: number; readonly body: string }[],
): Promise<number | undefined> {
  const seen = requests.length;
  for (const [i, record] of theftOf(victim, 'latency', Date.now() - HOUR_MS / 60)
    .slice(0, 12)
    .entries()) {
    const sentAt = performance.now();
    await log.append(TOPICS.events, [storedRecord(record, `theft/${victim.token}/${i}`)]);
    while (performance.now() - sentAt < WAIT_MS) {
      const order = requests.slice(seen).find(({ body }) => body.includes(`"token":${JSON.stringify(victim.token)}`));
      if (order) return order.at - sentAt;
      await systemClock.sleep(1);
    }
  }
  return undefined;
}

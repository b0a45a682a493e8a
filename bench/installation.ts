import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY_MS } from '../src/baseline/time.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import type { Log } from '../src/log/log.ts';
import { GROUPS, TOPICS, topicSpecs } from '../src/pipeline/topics.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { createFleet, dayOfFleet, type SimulatedToken } from '../src/simulate/fleet.ts';
import { freePort } from '../test/support/guarded-process.ts';
import { type HttpReceiver, startHttpReceiver } from '../test/support/http-receiver.ts';
import { samplesOf } from '../test/support/metrics.ts';
import { startTokenwarden, type TokenwardenProcess } from '../test/support/tokenwarden-process.ts';
import { storedRecord } from './stored-record.ts';

const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;

export const PARTITION_COUNT = 4;

/** Topics of an installation, a receiver of its orders to revoke, and processes of it as users run them. */
export interface Installation {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly log: Log;
  readonly receiver: HttpReceiver;
  /** Starts a process with the defaults of production. */
  start(more?: object): Promise<Instance>;
  close(): Promise<void>;
}

/** A running `tokenwarden` and what it says of itself. */
export interface Instance {
  readonly process: TokenwardenProcess;
  /** What it counts or gauges under a name, by the labels as text; nothing while it does not answer. */
  metric(name: string): Promise<ReadonlyMap<string, number>>;
}

export async function install(
  brokers: readonly string[],
  name: string,
  partitionCount = PARTITION_COUNT,
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-bench-'));
  const receiver = await startHttpReceiver();
  const prefix = `bench-${name}-${Date.now()}.`;
  const log = await openKafkaLog({ brokers, topicPrefix: prefix, clock: systemClock });
  await log.ensureTopics(topicSpecs({ partitionCount, retentionDays: 1 }));
  const instances: Instance[] = [];
  return {
    brokers,
    prefix,
    log,
    receiver,
    async start(more = {}) {
      const port = await freePort();
      const id = `instance-${instances.length}`;
      const config = {
        ...configOf(join(folder, id), brokers, prefix, partitionCount, receiver.url),
        operations: { port },
        ...more,
      };
      const instance = instanceOf(await startTokenwarden(folder, config, { name: id }), port);
      instances.push(instance);
      return instance;
    },
    async close() {
      await Promise.all(instances.map(({ process }) => process.stop()));
      await log.close();
      await receiver.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configOf(
  dataFolder: string,
  brokers: readonly string[],
  topicPrefix: string,
  partitionCount: number,
  url: string,
): object {
  const gateway = { kind: 'webhook', secrets: [SECRET], allowInsecure: true, allowPrivateAddresses: true };
  return {
    mode: 'enforce',
    dataFolder,
    stages: ['detect', 'respond'],
    fingerprintKey: 'the same for all processes of an installation',
    log: { kind: 'kafka', brokers, topicPrefix, partitionCount },
    clickhouse: { kind: 'off' },
    response: {
      receivers: {},
      routes: [],
      revokers: { gateway: { ...gateway, url: `${url}/revoke` } },
      // Thieves are many here, and alike.
      sharedCause: { tokenCount: 1_000_000 },
      revocation: {
        rules: [{ revoker: 'gateway' }],
        budget: { revocationCount: 10_000 },
        brake: { tokenCount: 1_000_000 },
      },
    },
    logging: { level: 'info' },
  };
}

function instanceOf(process: TokenwardenProcess, port: number): Instance {
  return {
    process,
    async metric(name) {
      if (process.exited) throw new Error(`tokenwarden ended:\n${process.log()}`);
      return samplesOf(port, name).catch(() => new Map());
    },
  };
}

/** What a metric is over all labels. */
export function sumOf(metric: ReadonlyMap<string, number> | undefined): number {
  return [...(metric?.values() ?? [])].reduce((sum, value) => sum + value, 0);
}

/** Puts ten days of a fleet's ordinary use into the log, up to today. @returns tokens among them that may be stolen */
export async function liveThrough(log: Log, seed: string, victimCount: number): Promise<readonly SimulatedToken[]> {
  const fleet = createFleet(seed, 3 * victimCount + 50);
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  for (let day = 10; day >= 1; day--) {
    const records = dayOfFleet(fleet, seed, today - day * DAY_MS);
    await log.append(
      TOPICS.events,
      records.map((record, i) => storedRecord(record, `history-${day}/0/${i}`)),
    );
  }
  return fleet.tokens.filter(({ habit }) => habit === 'service').slice(0, victimCount);
}

/** Waits until something is so. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  limitMs: number,
  pauseMs = 50,
): Promise<void> {
  const startedAt = performance.now();
  while (!(await isSo())) {
    if (performance.now() - startedAt > limitMs) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await systemClock.sleep(pauseMs);
  }
}

/** A group and what it reads. */
export const DETECT = [GROUPS.detect, TOPICS.events] as const;
export const RESPOND = [GROUPS.respond, TOPICS.findings] as const;

/** Waits until a stage has read all but `restMax` records of each partition. */
export async function untilCaughtUp(
  log: Log,
  [group, topic]: readonly [group: string, topic: string],
  restMax: number,
  limitMs: number,
): Promise<void> {
  const isCaughtUp = async () => {
    const committed = await log.committed(group, topic);
    const ends = await log.offsets(topic);
    return ends.every(({ partition, end }) => end - (committed.get(partition)?.offset ?? 0) <= restMax);
  };
  await until(`${group} catches up`, isCaughtUp, limitMs, 200);
}

import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { DAY_MS } from '../src/baseline/time.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import type { NewRecord } from '../src/log/log.ts';
import { TOPICS } from '../src/pipeline/topics.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { createFleet, dayOfFleet } from '../src/simulate/fleet.ts';
import { storedRecord } from './stored-record.ts';

const INTERVAL_MS = 5;
const APPEND_RECORDS_MAX = 2000;
/** Made before the load begins, and repeated with later times: making events while they flow would take a core. */
const DAY_COUNT = 7;

interface LoadOptions {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  /** Infinity: as fast as they can be appended. */
  readonly perSecond: number;
  /** Where a load before this one ended: events go on after its, since what comes from long before the latest ones is no ordinary use. */
  readonly first?: number;
}

/** Honest events of tokens that are nobody's victim, appended at a steady rate from a thread of its own. */
export interface Load {
  stop(): Promise<Appended>;
}

/** What a load has appended. */
export interface Appended {
  readonly perSecond: number;
  /** Number of the event after the last one, counted from the first load on. */
  readonly next: number;
}

/** Resolves when events flow. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options });
  await once(worker, 'message');
  let appended: Promise<Appended> | undefined;
  return {
    stop() {
      appended ??= once(worker, 'message').then(([value]) => value as Appended);
      worker.postMessage('stop');
      return appended;
    },
  };
}

/** A stored event whose time can be moved. */
interface Timed {
  readonly record: NewRecord & { readonly value: Buffer };
  readonly at: number;
  readonly timeOffset: number;
}

function week(): readonly Timed[] {
  const fleet = createFleet('load', 200);
  const start = Math.floor(Date.now() / DAY_MS - DAY_COUNT) * DAY_MS;
  return Array.from({ length: DAY_COUNT }, (_, day) => dayOfFleet(fleet, 'load', start + day * DAY_MS))
    .flat()
    .map((event, i) => {
      const record = storedRecord(event, `load/0/${i}`);
      const at = Date.parse(event.time);
      return { record, at, timeOffset: record.value.indexOf(`"time":${at}`) + '"time":'.length };
    });
}

async function append(
  { brokers, topicPrefix, perSecond, first = 0 }: LoadOptions,
  flows: () => void,
  signal: AbortSignal,
): Promise<Appended> {
  const log = await openKafkaLog({ brokers, topicPrefix, clock: systemClock });
  const events = week();
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  flows();
  let sent = 0;
  while (!signal.aborted) {
    const due = Math.min(Math.floor(elapsed() * perSecond) - sent, APPEND_RECORDS_MAX);
    const batch: NewRecord[] = [];
    for (; batch.length < due; sent++) {
      const number = first + sent;
      const { record, at, timeOffset } = events[number % events.length]!;
      record.value.write(String(at + Math.floor(number / events.length) * DAY_COUNT * DAY_MS), timeOffset);
      batch.push(record);
    }
    if (batch.length > 0) await log.append(TOPICS.events, batch);
    if (batch.length < APPEND_RECORDS_MAX) await systemClock.sleep(INTERVAL_MS, signal);
  }
  const perSecondSent = sent / elapsed();
  await log.close();
  return { perSecond: perSecondSent, next: first + sent };
}

if (parentPort !== null) {
  const port = parentPort;
  const stopping = new AbortController();
  port.on('message', () => stopping.abort());
  port.postMessage(await append(workerData as LoadOptions, () => port.postMessage('flows'), stopping.signal));
  port.close();
}

import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { DAY_MS } from '../src/baseline/time.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import { TOPICS } from '../src/pipeline/topics.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { createFleet, dayOfFleet } from '../src/simulate/fleet.ts';
import { storedRecord } from './stored-record.ts';

const INTERVAL_MS = 20;
const START = Date.UTC(2026, 0, 5);

interface LoadOptions {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly perSecond: number;
}

/** Honest events of tokens that are nobody's victim, appended at a steady rate from a thread of its own. */
export interface Load {
  /** @returns events a second that were appended */
  stop(): Promise<number>;
}

export function startLoad(options: LoadOptions): Load {
  const worker = new Worker(new URL(import.meta.url), { workerData: options });
  let rate: Promise<number> | undefined;
  return {
    stop() {
      rate ??= once(worker, 'message').then(([value]) => value as number);
      worker.postMessage('stop');
      return rate;
    },
  };
}

async function append({ brokers, topicPrefix, perSecond }: LoadOptions, signal: AbortSignal): Promise<number> {
  const log = await openKafkaLog({ brokers, topicPrefix, clock: systemClock });
  const fleet = createFleet('load', 200);
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  let sent = 0;
  for (let day = 0; !signal.aborted; day++) {
    const records = dayOfFleet(fleet, 'load', START + day * DAY_MS).map((record, i) =>
      storedRecord(record, `load/${day}/${i}`),
    );
    for (let next = 0; next < records.length && !signal.aborted; ) {
      const due = Math.max(0, Math.floor(elapsed() * perSecond) - sent);
      const batch = records.slice(next, next + due);
      if (batch.length > 0) await log.append(TOPICS.events, batch);
      next += batch.length;
      sent += batch.length;
      await systemClock.sleep(INTERVAL_MS, signal);
    }
  }
  const rate = sent / elapsed();
  await log.close();
  return rate;
}

if (parentPort !== null) {
  const port = parentPort;
  const stopping = new AbortController();
  port.on('message', () => stopping.abort());
  port.postMessage(await append(workerData as LoadOptions, stopping.signal));
  port.close();
}

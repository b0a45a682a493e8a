import { parentPort, workerData } from 'node:worker_threads';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startDetectStage } from '../detect.ts';
import type { MemberOptions, MemberOrder } from '../members.ts';

// A detect stage in a thread of its own, for one topic after the other: `bench/members.ts` gives the orders.

const LOOK_MS = 2;

const { brokers, shown } = workerData as MemberOptions;
const TOKENS_MAX = 1_000_000;
let go = Promise.withResolvers<void>();
let isOver = false;

parentPort?.on('message', (order: MemberOrder) => {
  if (order.kind === 'go') go.resolve();
  else if (order.kind === 'leave') isOver = true;
  else void take(order.prefix);
});

/** Joins, waits for the word, and decides until it is told to leave. */
async function take(topicPrefix: string): Promise<void> {
  [go, isOver] = [Promise.withResolvers<void>(), false];
  const log = await openKafkaLog({ brokers, topicPrefix, clock: systemClock });
  const stage = await startDetectStage(heldBack(log, go.promise), TOKENS_MAX);
  while (!isOver) {
    Atomics.store(shown, 0, stage.counts.partitions.size);
    Atomics.store(shown, 1, stage.counts.events);
    await systemClock.sleep(LOOK_MS);
  }
  await stage.stop();
  await log.close();
  shown.fill(0);
  parentPort?.postMessage('left');
}

/** The log, whose members are given nothing before the word: events that come meanwhile are read as a whole. */
function heldBack(log: Log, word: Promise<void>): Log {
  const join: Log['join'] = (options) =>
    log.join({
      ...options,
      batch: async (...given) => {
        await word;
        await options.batch(...given);
      },
    });
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'join') return join;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { sourceOf } from './raw-topic.ts';
import type { FaultContext } from './scenario.ts';

const TOPIC = 'raw';
const GROUP = 'input';
const FLOW_MS = 200;

/** A topic that grows, and a source that reads it: of several processes, each takes some of its partitions. */
export interface Stream {
  readonly sources: readonly object[];
  /** The topic, and where the source stands in it. */
  readonly log: Log;
  readonly topic: string;
  /** Each line goes to the partition that its token's events will be in. */
  write(lines: readonly string[]): Promise<void>;
  /** From now on there is more, time and again. @returns ends it */
  flow(more: () => readonly string[], intervalMs?: number): () => Promise<void>;
  /** Waits until all that was written is taken and remembered as such. */
  taken(limitMs?: number): Promise<void>;
}

export interface StreamOptions {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly partitionCount: number;
}

export async function openStream(
  { defer }: Pick<FaultContext, 'defer'>,
  { brokers, topicPrefix, partitionCount }: StreamOptions,
): Promise<Stream> {
  const log = await openKafkaLog({ brokers, topicPrefix, clock: systemClock });
  defer(() => log.close());
  await log.ensureTopics([{ topic: TOPIC, partitionCount, cleanup: 'delete' }]);
  const write = async (lines: readonly string[]) => {
    for (let start = 0; start < lines.length; start += 5000)
      await log.append(TOPIC, lines.slice(start, start + 5000).map(recordOf));
  };
  return {
    log,
    topic: TOPIC,
    write,
    sources: [sourceOf(topicPrefix + TOPIC, topicPrefix + GROUP)],
    flow(more, intervalMs = FLOW_MS) {
      let isOver = false;
      const flowing = (async () => {
        for (; !isOver; await sleep(intervalMs)) await write(more());
      })();
      flowing.catch(() => undefined); // Told to whoever ends it.
      const end = () => {
        isOver = true;
        return flowing;
      };
      defer(() => end().catch(() => undefined));
      return end;
    },
    async taken(limitMs = 60_000) {
      const deadline = Date.now() + limitMs;
      for (;;) {
        const [ends, committed] = await Promise.all([log.offsets(TOPIC), log.committed(GROUP, TOPIC)]);
        const left = ends.map(({ partition, end }) => end - (committed.get(partition)?.offset ?? 0));
        if (left.every((count) => count === 0)) return;
        if (Date.now() > deadline) throw new Error(`${left} lines are not taken after ${limitMs} ms`);
        await sleep(100);
      }
    },
  };
}

function recordOf(line: string) {
  const { token = 'none' } = JSON.parse(line) as { readonly token?: string };
  return { key: token, value: Buffer.from(line) };
}

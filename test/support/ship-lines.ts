import { open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../src/log/log.ts';

const INTERVAL_MS = 20;
const CHUNK_BYTES = 1 << 20;
const NEWLINE = 10;

/** What stands between a database's log file and Kafka in production: Vector, Filebeat, Fluent Bit. */
export interface Shipper {
  /** Ships what is there and ends. */
  stop(): Promise<void>;
}

/** Appends each line that is written to the file from now on to partition 0 of a topic. */
export async function shipLines(path: string, log: Log, topic: string): Promise<Shipper> {
  const file = await open(path);
  let position = (await stat(path)).size;
  const shipNew = async (): Promise<void> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
    if (end === 0) return;
    const lines = buffer.toString('utf8', 0, end - 1).split('\n');
    await log.append(
      topic,
      lines.map((line) => ({ key: null, partition: 0, value: Buffer.from(line) })),
    );
    position += end;
    await shipNew();
  };
  const stopping = new AbortController();
  const done = (async () => {
    while (!stopping.signal.aborted) {
      await shipNew();
      await sleep(INTERVAL_MS);
    }
    await shipNew();
    await file.close();
  })();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

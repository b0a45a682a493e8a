import type { Log } from '../log/log.ts';
import { type DeadLetter, decodeDeadLetter } from './dead-letter.ts';
import { TOPICS } from './topics.ts';

/** The dead letters that are kept and were not redriven, oldest first. */
export async function readDeadLetters(log: Pick<Log, 'read'>): Promise<readonly DeadLetter[]> {
  return [...(await keptIn(log, decodeDeadLetter)).values()];
}

/** How many there are. Not what the log's offsets say: what tells that a letter was redriven is a record as well. */
export async function countDeadLetters(log: Pick<Log, 'read'>): Promise<number> {
  return (await keptIn(log, () => undefined)).size;
}

async function keptIn<T>(log: Pick<Log, 'read'>, take: (value: Buffer) => T): Promise<ReadonlyMap<string, T>> {
  const kept = new Map<string, T>();
  for await (const batch of log.read(TOPICS.deadLetters, 0)) {
    for (const { key, value } of batch) {
      if (key === null) continue;
      if (value === null) kept.delete(key);
      else kept.set(key, take(value));
    }
  }
  return kept;
}

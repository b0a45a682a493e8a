import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { FEATURES } from './features.ts';
import type { Method, SharedLog } from './scored-log.ts';

/** A program that is started with two paths: of the features that it reads, and of the scores that it writes. */
export interface Program {
  readonly name: string;
  readonly command: readonly string[];
}

/**
 * A program of somebody else's as a method. It reads a header and one line an event (token, ms since the epoch, whether the score is judged,
 * the features), each token's events in order and tokens one after another, so that it holds one token's state at a time; and writes a header
 * that names its variants, then one line of scores an event.
 */
export function outsideMethod({ name, command: [program = '', ...words] }: Program): Method {
  return {
    name,
    async score(log) {
      const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-peer-'));
      try {
        const [features, scores] = [join(folder, 'features.tsv'), join(folder, 'scores.tsv')];
        const order = orderOf(log);
        await pipeline(Readable.from(linesOf(log, order)), createWriteStream(features));
        const child = spawn(program, [...words, features, scores], { stdio: ['ignore', 'inherit', 'inherit'] });
        const [code] = await once(child, 'exit');
        if (code !== 0) throw new Error(`${name} ended with ${code}`);
        return await readScores(scores, order, log.events.length);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Events by token, as far as the last one that is asked for: what comes after it, and tokens that nobody asks for, change no score. */
function orderOf({ events, asked }: SharedLog): readonly number[] {
  const indices = Map.groupBy(events.keys(), (index) => (events[index] as AuditEvent).token);
  return [...indices.values()].flatMap((own) => own.slice(0, own.findLastIndex((index) => asked[index] === 1) + 1));
}

function* linesOf({ events, features, asked }: SharedLog, order: readonly number[]): Generator<string> {
  yield `${['token', 'at', 'asked', ...FEATURES].join('\t')}\n`;
  const numbers = new Map<string, number>();
  for (const index of order) {
    const event = events[index] as AuditEvent;
    const number = numbers.get(event.token) ?? numbers.size;
    numbers.set(event.token, number);
    const values = Array.from(features.row(index), (value) => Number(value.toFixed(5)));
    yield `${number}\t${event.at}\t${asked[index]}\t${values.join('\t')}\n`;
  }
}

async function readScores(
  path: string,
  order: readonly number[],
  eventCount: number,
): Promise<ReadonlyMap<string, Float64Array>> {
  let variants: readonly string[] = [];
  let columns: readonly Float64Array[] = [];
  let lineCount = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const words = line.split('\t');
    if (columns.length === 0) {
      variants = words;
      columns = words.map(() => new Float64Array(eventCount).fill(Number.NaN));
      continue;
    }
    const index = order[lineCount++] as number;
    for (const [i, column] of columns.entries()) column[index] = Number(words[i]);
  }
  if (lineCount !== order.length) throw new Error(`${path}: ${lineCount} scores for ${order.length} events`);
  return new Map(variants.map((variant, i) => [variant, columns[i] as Float64Array]));
}

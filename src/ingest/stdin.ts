import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Clock } from '../domain/clock.ts';
import { createLineSplitter } from './lines.ts';
import { createProgress, IDLE_MS, type Progress } from './progress.ts';
import type { Source } from './source.ts';

export interface StdinSourceOptions {
  readonly name: string;
  readonly clock: Clock;
  /** One record a line. Default: this process's standard input. */
  readonly stream?: Readable;
  /** Names the lane. Another one each start, since what was read once cannot be read again; random by default. */
  readonly startId?: string;
}

/** Reads the lines of a stream to its end. Nothing can be resumed: what was not taken when the process is killed is its sender's to send again. */
export function openStdinSource({
  name,
  clock,
  stream = process.stdin,
  startId = randomUUID(),
}: StdinSourceOptions): Source {
  return {
    name,
    async run(intake, signal) {
      const lines = createLineSplitter(0);
      const progress = createProgress(await intake.resume(startId, undefined), clock);
      const stop = (): void => void stream.destroy();
      signal.addEventListener('abort', stop, { once: true });
      try {
        if (signal.aborted) return;
        for await (const chunk of settlingChunks(stream, progress, clock)) await progress.take(lines.push(chunk));
        const last = lines.end();
        if (last) await progress.take([last]);
      } catch (error) {
        // A stream destroyed by the abort ends early.
        if (!signal.aborted || !isEarlyEnd(error)) throw error;
      } finally {
        signal.removeEventListener('abort', stop);
      }
      await progress.settle();
    },
  };
}

/** The chunks of a stream; settles whenever the next one lets itself be waited for. */
async function* settlingChunks(stream: Readable, progress: Progress, clock: Clock): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
  for (;;) {
    const next = chunks.next();
    if (progress.held && !(await comesWithin(next, IDLE_MS, clock))) await settleBefore(next, progress);
    const { value, done } = await next;
    if (done) return;
    yield Buffer.from(value);
  }
}

async function settleBefore(next: Promise<unknown>, progress: Progress): Promise<void> {
  // Should it fail meanwhile, its awaiter is told; until then nobody is listening.
  next.catch(() => undefined);
  await progress.settle();
}

async function comesWithin(next: Promise<unknown>, withinMs: number, clock: Clock): Promise<boolean> {
  const awake = new AbortController();
  const came = next.then(() => true);
  try {
    return await Promise.race([came, clock.sleep(withinMs, awake.signal).then(() => false)]);
  } finally {
    awake.abort();
  }
}

function isEarlyEnd(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

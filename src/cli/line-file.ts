import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { UsageError } from './io.ts';

/** A file of JSON lines that a command writes; compressed where its name ends in `.gz`. */
export interface LineFile {
  write(line: unknown): void;
  /** Waits until the disk has caught up, so that lines do not pile up in memory. @throws UsageError if it cannot */
  caughtUp(): Promise<void>;
  /** Ends the file. @throws UsageError if it cannot be written */
  close(): Promise<void>;
}

/**
 * Makes the files that are asked for.
 *
 * @param input what is read, and must not be written over
 * @throws UsageError when one cannot be made, or would be the input or another one
 */
export async function createLineFiles(
  paths: readonly (string | undefined)[],
  input?: string,
): Promise<readonly (LineFile | undefined)[]> {
  const taken = new Set(input === undefined ? [] : [resolve(input)]);
  for (const path of paths) {
    if (path === undefined) continue;
    if (taken.has(resolve(path))) throw new UsageError(`${path} is named twice: it would be written over`);
    taken.add(resolve(path));
  }
  return Promise.all(paths.map((path) => (path === undefined ? undefined : createLineFile(path))));
}

async function createLineFile(path: string): Promise<LineFile> {
  const cannotWrite = (cause: unknown) =>
    new UsageError(`cannot write ${path} (${(cause as NodeJS.ErrnoException).code ?? cause})`);
  const file = createWriteStream(path);
  await once(file, 'open').catch((cause: unknown) => {
    throw cannotWrite(cause);
  });
  const lines = new PassThrough({ highWaterMark: 1 << 20 });
  const written = path.endsWith('.gz') ? pipeline(lines, createGzip(), file) : pipeline(lines, file);
  let failure: UsageError | undefined;
  const settled = written.catch((cause: unknown) => {
    failure = cannotWrite(cause);
  });
  const check = () => {
    if (failure !== undefined) throw failure;
  };
  return {
    write: (line) => void lines.write(`${JSON.stringify(line)}\n`),
    caughtUp: async () => {
      // What fails is destroyed, and told by the check.
      if (lines.writableNeedDrain) await once(lines, 'drain').catch(() => settled);
      check();
    },
    close: async () => {
      if (!lines.destroyed) lines.end();
      await settled;
      check();
    },
  };
}

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
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

/** @throws UsageError when the file cannot be made */
export async function createLineFile(path: string): Promise<LineFile> {
  const cannotWrite = (cause: unknown) =>
    new UsageError(`cannot write ${path} (${(cause as NodeJS.ErrnoException).code ?? cause})`);
  const file = createWriteStream(path);
  await once(file, 'open').catch((cause: unknown) => {
    throw cannotWrite(cause);
  });
  const lines = new PassThrough({ highWaterMark: 1 << 20 });
  const written = path.endsWith('.gz') ? pipeline(lines, createGzip(), file) : pipeline(lines, file);
  const failed = written.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined);
  return {
    write: (line) => void lines.write(`${JSON.stringify(line)}\n`),
    caughtUp: async () => {
      if (!lines.writableNeedDrain) return;
      await Promise.race([once(lines, 'drain'), failed]).catch((cause: unknown) => {
        throw cannotWrite(cause);
      });
    },
    close: async () => {
      lines.end();
      await written.catch((cause: unknown) => {
        throw cannotWrite(cause);
      });
    },
  };
}

import { stat } from 'node:fs/promises';
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../log/log.ts';
import { readCompressed } from './compressed.ts';
import type { FileContext } from './file-lane.ts';
import { followFile } from './follow.ts';
import { notRegular, OpenFile } from './open-file.ts';
import { openPositions } from './positions.ts';
import type { Source } from './source.ts';

export interface FileSourceOptions {
  readonly name: string;
  /** One record a line. Ending in `.gz`: compressed. */
  readonly path: string;
  /** Positions are kept in its `positions` topic. */
  readonly log: Log;
  readonly clock: Clock;
  /** Goes on at the end as lines are added, through rotations, and waits for a file that does not exist yet. Else: ends there. */
  readonly follow: boolean;
}

/**
 * Reads the lines of a file, each once, restarts included: offsets are byte positions, and the lane is named by the file's content.
 *
 * @throws Error when a compressed file is to be followed.
 */
export function openFileSource({ name, path, log, clock, follow }: FileSourceOptions): Source {
  const compressed = path.endsWith('.gz');
  if (compressed && follow) {
    throw new Error(`file source "${name}": ${path} is compressed and cannot be followed; set follow to false`);
  }
  const read = follow ? followFile : compressed ? readCompressed : readOnce;
  return {
    name,
    async run(intake, signal) {
      const context = { intake, positions: await openPositions(log, name), clock, signal };
      try {
        await read(path, context);
      } catch (error) {
        if (!isFileError(error)) throw error;
        const advice = 'Check that the file is there, a regular file, whole and readable.';
        throw new Error(`file source "${name}" cannot read ${path}: ${error.message}. ${advice}`, { cause: error });
      }
    },
  };
}

async function readOnce(path: string, context: FileContext): Promise<void> {
  // Opening a pipe would wait for its writer.
  if (!(await stat(path)).isFile()) throw notRegular();
  const file = await OpenFile.open(path, context);
  if (file === undefined) throw Object.assign(new Error('it was just removed'), { code: 'ENOENT' });
  try {
    await file.finish();
  } finally {
    await file.close();
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return 'syscall' in error || /^(ENOENT|EINVAL|Z_)/.test(String(error.code));
}

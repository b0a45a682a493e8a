import { stat } from 'node:fs/promises';
import type { FileContext } from './file-lane.ts';
import { notRegular, OpenFile, unlessMissing } from './open-file.ts';
import { IDLE_MS } from './progress.ts';
import { findRotated } from './rotated.ts';

const POLL_MS = 100;
/** A rotated file is left when nothing was added for so long: its writer may take a while to open the new one. */
const ROTATED_QUIET_MS = 1000;
const FILES_OPEN_MAX = 64;

/** Reads a file as it grows, and the ones that take its place after it, until the signal aborts. Each is read to its end before the next. */
export async function followFile(path: string, context: FileContext): Promise<void> {
  /** Oldest first; the last is the one at `path`, as far as is known. */
  const files: OpenFile[] = [];
  try {
    await followAll(path, context, files);
  } finally {
    for (const file of files) await file.close();
  }
}

async function followAll(path: string, context: FileContext, files: OpenFile[]): Promise<void> {
  const { clock, signal } = context;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let activeAt = clock.elapsed();
  while (!signal.aborted) {
    if (clock.elapsed() - lookedAt >= POLL_MS) {
      await openNew(path, context, files);
      lookedAt = clock.elapsed();
    }
    const [current] = files;
    if (await current?.step(false)) {
      activeAt = clock.elapsed();
      continue;
    }
    const quietMs = clock.elapsed() - activeAt;
    if (quietMs >= IDLE_MS) await current?.idle();
    if (current && isLeft(files.length, quietMs)) {
      await current.finish();
      if (signal.aborted) return;
      files.shift();
      await current.close();
      activeAt = clock.elapsed();
      continue;
    }
    await clock.sleep(current?.held ? IDLE_MS : POLL_MS, signal);
  }
}

/** Whether nobody writes to the oldest file any more. Two rotations later that is certain. */
function isLeft(fileCount: number, quietMs: number): boolean {
  return fileCount > 2 || (fileCount === 2 && quietMs >= ROTATED_QUIET_MS);
}

/** Opens what stands at `path` now, if that is another file, and before it whatever was rotated away in between. */
async function openNew(path: string, context: FileContext, files: OpenFile[]): Promise<void> {
  const seen = await stat(path, { bigint: true }).catch(unlessMissing);
  const latest = files.at(-1);
  if (seen === undefined || files.length >= FILES_OPEN_MAX) return;
  if (seen.dev === latest?.device && seen.ino === latest.inode) return;
  if (!seen.isFile()) throw notRegular();
  const next = await OpenFile.open(path, context);
  if (next === undefined) return;
  try {
    const inodes = new Set([...files, next].map(({ inode }) => inode));
    const openedAt = await latest?.modifiedAt();
    for (const rotated of await findRotated(path, context.positions, inodes, openedAt)) {
      const file = await OpenFile.open(rotated, context);
      if (file) files.push(file);
    }
  } finally {
    files.push(next);
  }
}

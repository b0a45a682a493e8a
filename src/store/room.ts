import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from './store-error.ts';

/**
 * What is left free on the in-process engine's disk. The engine takes a write that fails for one that has succeeded (chDB up to 26.7, where a server
 * throws): on a full disk an insert would be acknowledged without being there, and a merge would put an empty part in the place of whole ones. So it
 * must never come to the end of its disk.
 */
export const ROOM_BYTES_MIN = 128 << 20;
/** Rows end before that: what an archive has filled by itself must leave room to drop what is past its retention, which is a merge. */
export const ROOM_FOR_ROWS_BYTES_MIN = 192 << 20;
const LOOK_MS = 1000;

/** Rejects with a `StoreError` that says so when a disk has less room than the engine needs to write to it. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder);
  if (free >= bytes) return;
  throw new StoreError(
    'unavailable',
    `The disk of ${folder} has ${mib(free)} MiB left. The in-process ClickHouse is given nothing to write below ${mib(bytes)} MiB, since it does not notice writes that fail. Free space there, and the same call can be made again.`,
  );
}

/**
 * Looks once a second, and has merges stopped while there is too little room, those at work too: by the engine's own measure none begins without
 * room, but others may take it until the merge has ended.
 *
 * @param command runs a statement
 * @returns ends it
 */
export function holdMergesWithoutRoom(
  folder: string,
  command: (statement: string) => Promise<unknown>,
): () => Promise<void> {
  const ending = new AbortController();
  let isHeld = false;
  const look = async () => {
    const isFull = (await freeBytes(folder)) < ROOM_BYTES_MIN;
    if (isFull === isHeld) return;
    await command(isFull ? 'SYSTEM STOP MERGES' : 'SYSTEM START MERGES');
    isHeld = isFull;
  };
  const watch = async () => {
    while (!ending.signal.aborted) {
      // A look that fails, as while the engine is busy, is followed by the next one.
      await look().catch(() => undefined);
      await sleep(LOOK_MS, undefined, { ref: false, signal: ending.signal }).catch(() => undefined);
    }
  };
  const watching = watch();
  return () => {
    ending.abort();
    return watching;
  };
}

/** For us: what is kept back for root does not count. A folder that is gone is no full disk, and does not come back by itself. */
async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder).catch((cause: unknown) => {
    throw new StoreError('rejected', `The in-process ClickHouse's folder ${folder} cannot be looked at.`, { cause });
  });
  return bavail * bsize;
}

function mib(bytes: number): number {
  return Math.floor(bytes / (1 << 20));
}

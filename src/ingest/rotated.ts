import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { contentName, HEAD_BYTES, latestLane } from './file-lane.ts';
import { unlessMissing } from './open-file.ts';
import type { Positions } from './positions.ts';

const COMPRESSED = /\.(gz|bz2|xz|zst|zip|lz4)$/;

interface Sibling {
  readonly path: string;
  readonly modifiedAt: bigint;
  readonly known: boolean;
  /** Bytes not read yet, if known. */
  readonly rest: number;
}

/**
 * Finds files that were rotated away from `path` before they were read to their end: `app.log.1`, `app.log-20260907`. A file is known by
 * its remembered lane; unknown ones count only if they were written after the latest known one, so that old logs are not taken up.
 *
 * @param inodes of the files that are open already.
 * @param openedAt when the latest open file was written to, ns; `undefined` without one.
 * @returns paths, oldest first.
 */
export async function findRotated(
  path: string,
  positions: Positions,
  inodes: ReadonlySet<bigint>,
  openedAt: bigint | undefined,
): Promise<readonly string[]> {
  const folder = dirname(path);
  const name = basename(path);
  const siblings: Sibling[] = [];
  for (const entry of await readdir(folder)) {
    if (!(entry.startsWith(`${name}.`) || entry.startsWith(`${name}-`)) || COMPRESSED.test(entry)) continue;
    const sibling = await look(join(folder, entry), positions, inodes);
    if (sibling) siblings.push(sibling);
  }
  const present = await look(path, positions, new Set());
  let latestKnownAt = openedAt ?? -1n;
  for (const { known, modifiedAt } of present ? [...siblings, present] : siblings) {
    if (known && modifiedAt > latestKnownAt) latestKnownAt = modifiedAt;
  }
  return siblings
    .filter(({ known, rest, modifiedAt }) => (known ? rest > 0 : latestKnownAt >= 0n && modifiedAt >= latestKnownAt))
    .sort((a, b) => (a.modifiedAt < b.modifiedAt ? -1 : 1))
    .map((sibling) => sibling.path);
}

async function look(path: string, positions: Positions, inodes: ReadonlySet<bigint>): Promise<Sibling | undefined> {
  const seen = await stat(path, { bigint: true }).catch(unlessMissing);
  if (!seen?.isFile() || inodes.has(seen.ino)) return undefined;
  const handle = await open(path).catch(unlessMissing);
  if (handle === undefined) return undefined;
  try {
    const content = contentName(await readHead(handle), seen.ino, true);
    if (content === undefined) return undefined;
    const { lane, offset } = latestLane(positions, content);
    return { path, modifiedAt: seen.mtimeNs, known: positions.lanes.has(lane), rest: Number(seen.size) - offset };
  } finally {
    await handle.close();
  }
}

async function readHead(handle: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

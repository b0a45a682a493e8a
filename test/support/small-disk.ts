import { execFile } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Missing } from './missing.ts';

const run = promisify(execFile);
const BALLAST_NAME = 'ballast';
/** Fills up at 800 MiB/s: about as fast as disks take it. */
const FILL_BYTES = 8 << 20;
const FILL_MS = 10;

/** A small file system of its own, at a folder. */
export interface SmallDisk {
  /** Fills it up, but for so much, bit by bit. */
  fill(leftBytes: number): Promise<void>;
  /** Makes all that was filled up free again. */
  free(): void;
}

/** Takes what must be undone afterwards. */
interface Deferring {
  readonly defer: (undo: () => unknown) => void;
}

/** Mounts a small file system in memory at a folder. Throws `Missing` where that is not allowed. */
export async function mountSmallDisk({ defer }: Deferring, folder: string, sizeMiB: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true });
  await asRoot('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tokenwarden-faults', folder]);
  defer(() => run('umount', ['--lazy', folder]));
  const ballast = join(folder, BALLAST_NAME);
  return {
    fill: async (leftBytes) => {
      const missingBytes = () => {
        const { bavail, bsize } = statfsSync(folder);
        return bavail * bsize - leftBytes;
      };
      try {
        for (let missing = missingBytes(); missing > 0; missing = missingBytes()) {
          writeFileSync(ballast, Buffer.alloc(Math.min(FILL_BYTES, missing)), { flag: 'a' });
          await sleep(FILL_MS);
        }
      } catch (cause) {
        // Others took some of it meanwhile: it is as full as it gets.
        if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC')) throw cause;
      }
    },
    free: () => rmSync(ballast, { force: true }),
  };
}

/** A file system on a disk, that may turn read-only. */
export interface FrailDisk {
  /** As it does by itself after an error of the disk, under whoever writes: what is not on the disk is lost. */
  fail(): Promise<void>;
  /** Checks it and mounts it anew. Nobody may have a file of it open. */
  repair(): Promise<void>;
  /** Mounts it read-only, or as it was. Nobody may write to it. */
  protect(isReadOnly: boolean): Promise<void>;
}

/** Makes a file system in a file, and mounts it at a folder. Throws `Missing` where that is not allowed. */
export async function mountFrailDisk({ defer }: Deferring, folder: string, sizeMiB: number): Promise<FrailDisk> {
  const image = `${folder}.ext4`;
  await mkdir(folder, { recursive: true });
  await run('truncate', [`--size=${sizeMiB}M`, image]);
  const mount = () => asRoot('mount', ['-o', 'loop', image, folder]);
  await asRoot('mkfs.ext4', ['-q', image]);
  await mount();
  defer(() => run('umount', ['--lazy', folder]));
  return {
    fail: () => asRoot('mount', ['-o', 'remount,abort', folder]),
    repair: async () => {
      await run('umount', [folder]);
      // 1: mended.
      await run('e2fsck', ['-f', '-y', image]).catch((cause: { code?: unknown }) => {
        if (cause.code !== 1) throw cause;
      });
      await mount();
    },
    protect: (isReadOnly) => asRoot('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, folder]),
  };
}

/** Runs what only root may. */
async function asRoot(program: string, args: readonly string[]): Promise<void> {
  try {
    await run(program, args);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.trim().replaceAll('\n', ' ') : String(cause);
    throw new Missing(`file systems of its own need Linux and the right to mount (root, CAP_SYS_ADMIN): ${why}`);
  }
}

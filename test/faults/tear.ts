import { closeSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../src/domain/random.ts';
import { PAGE_BYTES } from '../../src/log/embedded-file.ts';
import { addTo, FRAME_HEADER_BYTES, HEADER_BYTES, inspectWal, type Sum } from '../../src/log/embedded-wal.ts';

const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
const FRAMES_MAX = 6;

/** What a machine that loses power leaves of a write that was in hand, where the next one would have stood. */
export const TEARS = ['unfinished', 'cut', 'zeros', 'garbage'] as const;

/** Where the embedded log keeps what is not in its file yet. */
export function walOf(dataFolder: string): string {
  return join(dataFolder, 'log.sqlite-wal');
}

/** Where the last write that was acknowledged ends. */
export function wholeBytesOf(dataFolder: string): number {
  return inspectWal(walOf(dataFolder), PAGE_BYTES).wholeBytes;
}

/** Where what was acknowledged ends but for the last two writes: nobody can tell a damaged last one from one that was in hand. */
export function provableBytesOf(dataFolder: string): number {
  const wal = readFileSync(walOf(dataFolder)).subarray(0, wholeBytesOf(dataFolder));
  const ends: number[] = [];
  for (let at = HEADER_BYTES; at < wal.length; at += FRAME_BYTES) {
    if (wal.readUInt32BE(at + 4) > 0) ends.push(at + FRAME_BYTES);
  }
  return ends.at(-3) ?? 0;
}

/** Leaves a torn write behind the last one that is whole. No process may run. */
export function tear(dataFolder: string, kind: (typeof TEARS)[number], random: Random): void {
  const frameCount = 1 + random.below(FRAMES_MAX);
  const cutBytes = kind === 'cut' ? 1 + random.below(FRAME_BYTES - 1) : 0;
  const at = wholeBytesOf(dataFolder);
  const bytes =
    kind === 'unfinished' || kind === 'cut'
      ? unfinished(readFileSync(walOf(dataFolder)), at, frameCount, random)
      : kind === 'zeros'
        ? Buffer.alloc(frameCount * FRAME_BYTES - random.below(FRAME_BYTES))
        : noise(frameCount * FRAME_BYTES - random.below(FRAME_BYTES), random);
  const descriptor = openSync(walOf(dataFolder), 'r+');
  writeSync(descriptor, bytes.subarray(0, bytes.length - cutBytes), 0, undefined, at);
  closeSync(descriptor);
  if (kind === 'cut') truncateSync(walOf(dataFolder), at + bytes.length - cutBytes);
}

/** Cuts off what was acknowledged too, as only a disk does that says "written" and has not: up to so many bytes. */
export function cutOff(dataFolder: string, bytesMax: number, random: Random): void {
  const to = wholeBytesOf(dataFolder) - 1 - random.below(bytesMax);
  truncateSync(walOf(dataFolder), Math.max(0, to));
}

/** Changes one bit of a file. Doing it again mends it. */
export function flipBit(path: string, at: number): void {
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, Buffer.from([(readFileSync(path)[at] ?? 0) ^ 1]), 0, 1, at);
  closeSync(descriptor);
}

/** Frames that fit, and lack the one that ends their transaction. */
function unfinished(wal: Buffer, at: number, frameCount: number, random: Random): Buffer {
  const sumPlace = at === HEADER_BYTES ? HEADER_BYTES - 8 : at - FRAME_BYTES + 16;
  let sum: Sum = [wal.readUInt32BE(sumPlace), wal.readUInt32BE(sumPlace + 4)];
  const frames: Buffer[] = [];
  for (let i = 0; i < frameCount; i++) {
    const frame = noise(FRAME_BYTES, random);
    frame.writeUInt32BE(1 + i, 0);
    frame.writeUInt32BE(0, 4);
    wal.copy(frame, 8, 16, 24);
    sum = addTo(addTo(sum, frame, 0, 8), frame, FRAME_HEADER_BYTES, FRAME_BYTES);
    frame.writeUInt32BE(sum[0], 16);
    frame.writeUInt32BE(sum[1], 20);
    frames.push(frame);
  }
  return Buffer.concat(frames);
}

function noise(byteCount: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length: byteCount }, () => random.below(256)));
}

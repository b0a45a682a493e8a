import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LogError } from './log.ts';

// The write-ahead file (https://www.sqlite.org/fileformat2.html#walformat): a header, then frames of one page each, the last of a transaction
// marked. Each has a checksum that goes on from that of the one before. SQLite takes the first that does not fit for the end, and drops what
// is behind it in silence; that is right for a transaction in hand, and a loss when others follow.

/** Of the file. */
export const HEADER_BYTES = 32;
/** Of a frame, before its page. */
export const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
/** Frames of so many lives before the present one may still stand behind it. */
const FORMER_LIVES_MAX = 1 << 16;

/** What stands in a write-ahead file. */
export interface WalState {
  /** Where the last transaction ends that is whole, with all before it. */
  readonly wholeBytes: number;
  /** What comes after it and is no transaction: one that was in hand when the process or the machine stopped. */
  readonly tornBytes: number;
  /** Transactions after it that were acknowledged. */
  readonly lostCount: number;
}

/**
 * Looks whether SQLite will find everything that was acknowledged.
 *
 * @returns bytes of a transaction in hand that will be dropped
 * @throws LogError `storage` when more would be dropped than that
 */
export function checkWal(path: string, pageBytes: number): number {
  // A process that appends beside us may write meanwhile: what is damaged stays so.
  let state = inspectWal(path, pageBytes);
  for (let look = 0; look < 3 && state.lostCount > 0; look++) state = inspectWal(path, pageBytes);
  const { wholeBytes, tornBytes, lostCount } = state;
  if (lostCount === 0) return tornBytes;
  throw new LogError(
    'storage',
    `${path} is damaged at byte ${wholeBytes} or soon after it: ${lostCount} transactions or more that were acknowledged come later and cannot ` +
      `be read. Restore the folder from a copy. To go on without them: truncate --size=${wholeBytes} ${path}`,
  );
}

/** Reads a write-ahead file as SQLite will, and on behind what SQLite takes for its end. */
export function inspectWal(path: string, pageBytes: number): WalState {
  const descriptor = openExisting(path);
  if (descriptor === undefined) return { wholeBytes: 0, tornBytes: 0, lostCount: 0 };
  try {
    return inspect(descriptor, pageBytes);
  } finally {
    closeSync(descriptor);
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  }
}

interface Frame {
  readonly at: number;
  readonly end: number;
  readonly salts: string;
  readonly firstSalt: number;
  readonly isLast: boolean;
  /** Its stored checksum. */
  readonly sum: Sum;
  /** Whether its checksum goes on from another. */
  readonly follows: (before: Sum) => boolean;
}

function inspect(descriptor: number, pageBytes: number): WalState {
  const header = Buffer.alloc(HEADER_BYTES);
  const isWhole = readSync(descriptor, header, 0, HEADER_BYTES, 0) === HEADER_BYTES && isHeader(header);
  const salts = header.toString('latin1', 16, 24);
  let wholeBytes = isWhole ? HEADER_BYTES : 0;
  let presentEnd: number | undefined;
  let lostCount = 0;
  let chain = isWhole ? sumAt(header, 24) : undefined;
  let before: Frame | undefined;
  for (const frame of framesOf(descriptor, pageBytes)) {
    if (chain !== undefined && frame.salts === salts && frame.follows(chain)) {
      chain = frame.sum;
      if (frame.isLast) wholeBytes = frame.end;
      continue;
    }
    chain = undefined;
    if (isFormer(header.readUInt32BE(16), frame.firstSalt)) presentEnd ??= frame.at;
    // What follows a transaction was written when that one was on the disk and acknowledged.
    const isLater = before?.isLast === true && before.salts === frame.salts && frame.follows(before.sum);
    if (isLater && (!isWhole || frame.salts === salts)) lostCount += 1;
    before = frame;
  }
  const tornBytes = (presentEnd ?? fstatSync(descriptor).size) - wholeBytes;
  return { wholeBytes, tornBytes, lostCount };
}

/** Each life of the file counts the first salt up by one. */
function isFormer(firstSalt: number, other: number): boolean {
  const lives = (firstSalt - other) >>> 0;
  return lives > 0 && lives < FORMER_LIVES_MAX;
}

function* framesOf(descriptor: number, pageBytes: number): Generator<Frame> {
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  const bytes = Buffer.alloc(frameBytes);
  for (let at = HEADER_BYTES; readSync(descriptor, bytes, 0, frameBytes, at) === frameBytes; at += frameBytes) {
    yield {
      at,
      end: at + frameBytes,
      salts: bytes.toString('latin1', 8, 16),
      firstSalt: bytes.readUInt32BE(8),
      isLast: bytes.readUInt32BE(4) > 0,
      sum: sumAt(bytes, 16),
      follows: (before) => {
        const sum = addTo(addTo(before, bytes, 0, 8), bytes, FRAME_HEADER_BYTES, frameBytes);
        return sum[0] === bytes.readUInt32BE(16) && sum[1] === bytes.readUInt32BE(20);
      },
    };
  }
}

/** The two words of a checksum. */
export type Sum = readonly [number, number];

function sumAt(bytes: Buffer, at: number): Sum {
  return [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)];
}

/** Goes on with a checksum. Of words in the byte order of machines that have them the little end first, as all are that this runs on. */
export function addTo(before: Sum, bytes: Buffer, from: number, to: number): Sum {
  let [a, b] = before;
  for (let at = from; at < to; at += 8) {
    a = (a + bytes.readUInt32LE(at) + b) >>> 0;
    b = (b + bytes.readUInt32LE(at + 4) + a) >>> 0;
  }
  return [a, b];
}

function isHeader(header: Buffer): boolean {
  const [a, b] = addTo([0, 0], header, 0, 24);
  return header.readUInt32BE(0) === MAGIC && header.readUInt32BE(24) === a && header.readUInt32BE(28) === b;
}

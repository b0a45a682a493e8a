import type { DeadLetterCode } from '../normalise/format.ts';

/** A raw record that could not be normalised, as the dead-letters log keeps it. */
export interface DeadLetter {
  /** Coordinates of the record: `source/lane/offset`. */
  readonly id: string;
  readonly source: string;
  readonly code: DeadLetterCode;
  /** What was wrong and what was expected. Contains no more of the record than a name or two. */
  readonly reason: string;
  readonly receivedAt: number | null;
  /** The record, base 64; only its beginning when `truncated`. */
  readonly raw: string;
  readonly rawBytes: number;
  /** Too long to be kept whole: it can be read again only from its source. */
  readonly truncated: boolean;
}

const RAW_BYTES_KEPT_MAX = 256 * 1024;
const RAW_BYTES_KEPT_OF_TRUNCATED = 4096;

export function createDeadLetter(
  facts: Pick<DeadLetter, 'id' | 'source' | 'code' | 'reason' | 'receivedAt'>,
  raw: Uint8Array,
  cut: boolean,
): DeadLetter {
  const truncated = cut || raw.length > RAW_BYTES_KEPT_MAX;
  const kept = truncated ? raw.subarray(0, RAW_BYTES_KEPT_OF_TRUNCATED) : raw;
  return { ...facts, raw: Buffer.from(kept).toString('base64'), rawBytes: raw.length, truncated };
}

export function encodeDeadLetter(letter: DeadLetter): Buffer {
  return Buffer.from(JSON.stringify(letter));
}

/** Reads what `encodeDeadLetter` wrote. */
export function decodeDeadLetter(value: Buffer): DeadLetter {
  return JSON.parse(value.toString()) as DeadLetter;
}

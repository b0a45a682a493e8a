import type { Slab } from '../baseline/slab.ts';

/**
 * A token's state as bytes for the baselines log: magic, length of the notes, fingerprint of the layout, the record, the notes (JSON).
 */
const MAGIC = 0x54575231;
const HEADER_BYTES = 24;
/** A checkpoint writes many: memory is asked for once for some fifty of them. */
const ARENA_BYTES = 64 << 10;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

export interface Snapshot {
  /** Names the layout of `record`. */
  readonly fingerprint: string;
  readonly record: Uint8Array;
  /** Empty when there are none. */
  readonly notes: string;
}

/** Where snapshots are taken from. */
export type Records = Pick<Slab, 'recordBytes' | 'copyTo'>;

/** Writes snapshots of records in one layout, by their slots. The bytes are the caller's to keep. */
export function snapshotWriter(fingerprint: string, records: Records): (slot: number, notes: string) => Uint8Array {
  const prefix = Buffer.alloc(HEADER_BYTES);
  prefix.writeUInt32BE(MAGIC);
  ENCODER.encodeInto(fingerprint, prefix.subarray(8));
  let arena = Buffer.alloc(0);
  let used = 0;
  return (slot, notes) => {
    const tail = notes === '' ? undefined : ENCODER.encode(notes);
    const recordEnd = HEADER_BYTES + records.recordBytes;
    const size = recordEnd + (tail?.length ?? 0);
    if (arena.length - used < size) {
      arena = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, size));
      used = 0;
    }
    const bytes = arena.subarray(used, used + size);
    used += size;
    prefix.copy(bytes);
    records.copyTo(bytes, HEADER_BYTES, slot);
    if (tail) {
      bytes.writeUInt32BE(tail.length, 4);
      bytes.set(tail, recordEnd);
    }
    return bytes;
  };
}

/** @throws RangeError if the bytes are not a snapshot: they are our own, so this is corruption and no input error. */
export function readSnapshot(bytes: Uint8Array): Snapshot {
  if (bytes.length < HEADER_BYTES) throw new RangeError(`a snapshot of ${bytes.length} bytes is too short`);
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const notesBytes = head.getUint32(4);
  const recordEnd = bytes.length - notesBytes;
  if (head.getUint32(0) !== MAGIC || recordEnd < HEADER_BYTES) throw new RangeError('not a snapshot');
  return {
    fingerprint: DECODER.decode(bytes.subarray(8, HEADER_BYTES)),
    record: bytes.subarray(HEADER_BYTES, recordEnd),
    notes: notesBytes === 0 ? '' : DECODER.decode(bytes.subarray(recordEnd)),
  };
}

import { FleetView } from './fleet-names.ts';

/**
 * A token's state is one fixed-size record of bytes; a field is a view of some of those bytes.
 *
 * One `RecordView` serves all tokens of a partition: the engine points it at a token's record, then lets detectors read and write
 * through fields that were opened once. So a million tokens are a few large buffers, a snapshot is a copy, and no event allocates.
 */
export interface RecordView {
  f64: Float64Array;
  f32: Float32Array;
  u32: Uint32Array;
  u16: Uint16Array;
  u8: Uint8Array;
  /** Byte offset of the current record in those arrays; a multiple of 8. */
  base: number;
  /** How much of the event at hand is to be learned, 0..1: the more suspicious, the less. Fields apply it, detectors need not. */
  weight: number;
  /** What the partition's tokens use; nothing is known of others where a record stands alone. */
  readonly fleet: FleetView;
  /** Key of the name hashes, so that nobody outside can construct two names that look alike to a baseline. */
  readonly hashSeed: number;
}

/**
 * One remembered thing, declared by a detector under a name.
 *
 * @typeParam Read what `score` sees
 * @typeParam Write what `learn` sees
 */
export interface Field<Read = unknown, Write extends Read = Read> {
  readonly kind: string;
  /** Raised when the meaning of the bytes changes; a stored field of another version or size starts empty. */
  readonly version: number;
  /** It says what has happened, not what is usual: taking a baseline back leaves it as it is. */
  readonly isFact?: boolean;
  /** A multiple of 8. All zero bytes are the empty state. */
  readonly sizeBytes: number;
  /** Binds the field to its place, `offset` bytes into every record. */
  readonly open: (view: RecordView, offset: number) => Write;
}

/** What a field may do once a person has said whose doing it was that a token was suspected. The engine calls it; detectors do not. */
export interface Answerable {
  /** It was the owner's: what was remembered with reserve is remembered as any other. */
  accept(): void;
  /** It was a thief's: forgets what was remembered with reserve on or after this day (since the epoch, UTC). */
  forgetSince(day: number): void;
}

export type Fields = Readonly<Record<string, Field>>;

/** The fields as `score` and `evidence` see them: without the methods that write. */
export type Readable<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer Read, infer _> ? Read : never;
};

/** The fields as `learn` sees them. */
export type Writable<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer _, infer Write> ? Write : never;
};

/** Points a view at the record that starts `base` bytes into `buffer`. */
export function createRecordView(buffer: ArrayBuffer, hashSeed: number, fleet = new FleetView(hashSeed)): RecordView {
  return { ...arraysOf(buffer), base: 0, weight: 1, fleet, hashSeed };
}

/** Typed arrays over one chunk of records, made once per chunk. */
export interface ChunkArrays {
  readonly f64: Float64Array;
  readonly f32: Float32Array;
  readonly u32: Uint32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
}

export function arraysOf(buffer: ArrayBuffer): ChunkArrays {
  return {
    f64: new Float64Array(buffer),
    f32: new Float32Array(buffer),
    u32: new Uint32Array(buffer),
    u16: new Uint16Array(buffer),
    u8: new Uint8Array(buffer),
  };
}

/** Rounds a size up so that the next field is aligned for 64-bit numbers. */
export function aligned(sizeBytes: number): number {
  return (sizeBytes + 7) & ~7;
}

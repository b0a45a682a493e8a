import { arraysOf, type ChunkArrays, createRecordView, type RecordView } from './record.ts';

const RECORDS_PER_CHUNK_MAX = 1024;

/**
 * The records of all tokens of one partition: a few large buffers and one index. Records are never moved, so a slot stays valid for as
 * long as its token is known. A slab refuses new tokens beyond `tokensMax`; whom to drop for them is not its business, since anyone can
 * invent tokens.
 */
export interface Slab {
  readonly view: RecordView;
  readonly tokenCount: number;
  readonly recordBytes: number;
  /** Points the view at a token's record. `false`: unknown, and the slab is full. */
  seek(token: string): boolean;
  /** Points the view at a token's record if there is one. */
  find(token: string): boolean;
  /** Whether `seek` refuses tokens that are not known. */
  readonly isFull: boolean;
  /** Points the view at the record in a slot that holds a token. */
  point(slot: number): void;
  /** The slots that hold a token. Those dropped while they are gone through are left out. */
  slots(): IterableIterator<number>;
  /** Empties a slot for another token. */
  drop(slot: number): void;
  /** Slot of the record that the view points at. */
  readonly slot: number;
  tokenAt(slot: number): string;
  /** The bytes of the record in a slot: a view, not a copy. */
  bytesAt(slot: number): Uint8Array;
  tokens(): IterableIterator<string>;
}

export function createSlab(options: {
  readonly recordBytes: number;
  readonly tokensMax: number;
  readonly hashSeed: number;
}): Slab {
  return new ChunkedSlab(options.recordBytes, options.tokensMax, options.hashSeed);
}

class ChunkedSlab implements Slab {
  readonly recordBytes: number;
  readonly view: RecordView;
  readonly #tokensMax: number;
  readonly #recordsPerChunk: number;
  readonly #chunks: ChunkArrays[] = [];
  readonly #slots = new Map<string, number>();
  readonly #tokens: (string | undefined)[] = [];
  readonly #emptied: number[] = [];
  #slot = -1;
  #chunk = -1;

  constructor(recordBytes: number, tokensMax: number, hashSeed: number) {
    this.recordBytes = recordBytes;
    this.#tokensMax = tokensMax;
    this.#recordsPerChunk = Math.min(RECORDS_PER_CHUNK_MAX, tokensMax);
    this.view = createRecordView(new ArrayBuffer(0), hashSeed);
  }

  get tokenCount(): number {
    return this.#slots.size;
  }

  get isFull(): boolean {
    return this.#slots.size >= this.#tokensMax;
  }

  get slot(): number {
    return this.#slot;
  }

  seek(token: string): boolean {
    if (this.find(token)) return true;
    if (this.isFull) return false;
    const slot = this.#emptied.pop() ?? this.#newSlot();
    this.#tokens[slot] = token;
    this.#slots.set(token, slot);
    this.point(slot);
    return true;
  }

  find(token: string): boolean {
    const slot = this.#slots.get(token);
    if (slot === undefined) return false;
    this.point(slot);
    return true;
  }

  tokenAt(slot: number): string {
    const token = this.#tokens[slot];
    if (token === undefined) throw new RangeError(`slot ${slot} holds no token`);
    return token;
  }

  bytesAt(slot: number): Uint8Array {
    const start = (slot % this.#recordsPerChunk) * this.recordBytes;
    return this.#chunkOf(slot).u8.subarray(start, start + this.recordBytes);
  }

  tokens(): IterableIterator<string> {
    return this.#slots.keys();
  }

  slots(): IterableIterator<number> {
    return this.#slots.values();
  }

  drop(slot: number): void {
    this.#slots.delete(this.tokenAt(slot));
    this.#tokens[slot] = undefined;
    this.bytesAt(slot).fill(0);
    this.#emptied.push(slot);
  }

  #newSlot(): number {
    const slot = this.#tokens.length;
    if (slot % this.#recordsPerChunk === 0) {
      this.#chunks.push(arraysOf(new ArrayBuffer(this.#recordsPerChunk * this.recordBytes)));
    }
    return slot;
  }

  #chunkOf(slot: number): ChunkArrays {
    const chunk = this.#chunks[Math.floor(slot / this.#recordsPerChunk)];
    if (chunk === undefined) throw new RangeError(`slot ${slot} holds no record`);
    return chunk;
  }

  point(slot: number): void {
    const { view } = this;
    const chunkIndex = Math.floor(slot / this.#recordsPerChunk);
    if (chunkIndex !== this.#chunk) {
      const chunk = this.#chunkOf(slot);
      view.f64 = chunk.f64;
      view.f32 = chunk.f32;
      view.u32 = chunk.u32;
      view.u16 = chunk.u16;
      view.u8 = chunk.u8;
      this.#chunk = chunkIndex;
    }
    view.base = (slot % this.#recordsPerChunk) * this.recordBytes;
    this.#slot = slot;
  }
}

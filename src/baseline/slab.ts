import type { FleetView } from './fleet-names.ts';
import { arraysOf, type ChunkArrays, createRecordView, type RecordView } from './record.ts';
import { TokenIndex } from './token-index.ts';

const RECORDS_PER_CHUNK_MAX = 1024;
/** Before each record stands its token: one byte that says how it is kept, then its characters if they fit. A multiple of 8. */
const NAME_BYTES = 32;
const NAME_CHARS_MAX = NAME_BYTES - 1;
const CHAR_MAX = 0xff;
/** What the one byte says; otherwise it is the number of characters plus one. */
const [EMPTY, ELSEWHERE] = [0, 255];

/**
 * The records of all tokens of one partition, with their names, in a few large buffers; and one index. Records are never moved, so a slot
 * stays valid for as long as its token is known. A slab refuses new tokens beyond `tokensMax`; whom to drop for them is not its business,
 * since anyone can invent tokens.
 */
export interface Slab {
  readonly view: RecordView;
  readonly tokenCount: number;
  readonly recordBytes: number;
  /** Points the view at a token's record. `false`: unknown, and the slab is full. */
  seek(token: string): boolean;
  /** Points the view at a token's record if there is one. */
  find(token: string): boolean;
  /** Keyed hash of the token last looked for, found or not. */
  readonly lastHash: number;
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
  /** Copies the record in a slot to a place in other bytes. */
  copyTo(target: Buffer, at: number, slot: number): void;
  tokens(): IterableIterator<string>;
  /** Has records brought near, all at once: asked for one after the other, each would be waited for. */
  touch(slots: Uint32Array): void;
}

export function createSlab(options: {
  readonly recordBytes: number;
  readonly tokensMax: number;
  readonly hashSeed: number;
  readonly fleet?: FleetView;
}): Slab {
  return new ChunkedSlab(options.recordBytes, options.tokensMax, options.hashSeed, options.fleet);
}

interface Chunk extends ChunkArrays {
  /** The same memory, for what is copied out of it: a view for each copy would cost as much as the copy. */
  readonly buffer: Buffer;
}

class ChunkedSlab implements Slab {
  readonly recordBytes: number;
  readonly view: RecordView;
  readonly #tokensMax: number;
  readonly #recordsPerChunk: number;
  readonly #chunks: Chunk[] = [];
  readonly #strideBytes: number;
  readonly #index: TokenIndex;
  /** Tokens that are too long, or not of Latin-1 alone, by slot. */
  readonly #elsewhere = new Map<number, string>();
  readonly #emptied: number[] = [];
  #slotCount = 0;
  #slot = -1;
  #chunk = -1;
  /** What was read by `touch`: the compiler leaves out what nobody keeps. */
  touched = 0;

  constructor(recordBytes: number, tokensMax: number, hashSeed: number, fleet?: FleetView) {
    this.recordBytes = recordBytes;
    this.#tokensMax = tokensMax;
    this.#recordsPerChunk = Math.min(RECORDS_PER_CHUNK_MAX, tokensMax);
    this.#strideBytes = NAME_BYTES + recordBytes;
    this.#index = new TokenIndex(hashSeed, (slot, token) => this.#isAt(slot, token));
    this.view = createRecordView(new ArrayBuffer(0), hashSeed, fleet);
  }

  get tokenCount(): number {
    return this.#index.size;
  }

  get isFull(): boolean {
    return this.#index.size >= this.#tokensMax;
  }

  get lastHash(): number {
    return this.#index.lastHash;
  }

  get slot(): number {
    return this.#slot;
  }

  seek(token: string): boolean {
    if (this.find(token)) return true;
    if (this.isFull) return false;
    const slot = this.#emptied.pop() ?? this.#newSlot();
    this.#name(slot, token);
    this.#index.add(token, slot);
    this.point(slot);
    return true;
  }

  find(token: string): boolean {
    const slot = this.#index.find(token);
    if (slot < 0) return false;
    this.point(slot);
    return true;
  }

  tokenAt(slot: number): string {
    const { buffer } = this.#chunkOf(slot);
    const start = this.#startOf(slot);
    const kept = buffer[start] as number;
    if (kept === EMPTY) throw new RangeError(`slot ${slot} holds no token`);
    if (kept === ELSEWHERE) return this.#elsewhere.get(slot) as string;
    return buffer.toString('latin1', start + 1, start + kept);
  }

  copyTo(target: Buffer, at: number, slot: number): void {
    const start = this.#startOf(slot) + NAME_BYTES;
    this.#chunkOf(slot).buffer.copy(target, at, start, start + this.recordBytes);
  }

  bytesAt(slot: number): Uint8Array {
    const start = this.#startOf(slot) + NAME_BYTES;
    return this.#chunkOf(slot).u8.subarray(start, start + this.recordBytes);
  }

  touch(slots: Uint32Array): void {
    let sum = 0;
    for (const slot of slots) {
      const start = this.#startOf(slot);
      const { u8 } = this.#chunkOf(slot);
      sum += (u8[start] as number) + (u8[start + this.#strideBytes - 1] as number);
    }
    this.touched = sum;
  }

  *tokens(): IterableIterator<string> {
    for (const slot of this.slots()) yield this.tokenAt(slot);
  }

  *slots(): IterableIterator<number> {
    for (let slot = 0; slot < this.#slotCount; slot++) {
      if (this.#chunkOf(slot).u8[this.#startOf(slot)] !== EMPTY) yield slot;
    }
  }

  drop(slot: number): void {
    this.#index.remove(this.tokenAt(slot), slot);
    this.#elsewhere.delete(slot);
    const start = this.#startOf(slot);
    this.#chunkOf(slot).u8.fill(0, start, start + this.#strideBytes);
    this.#emptied.push(slot);
  }

  #startOf(slot: number): number {
    return (slot % this.#recordsPerChunk) * this.#strideBytes;
  }

  #name(slot: number, token: string): void {
    const { u8 } = this.#chunkOf(slot);
    const start = this.#startOf(slot);
    u8[start] = ELSEWHERE;
    if (fits(token)) {
      u8[start] = token.length + 1;
      for (let i = 0; i < token.length; i++) u8[start + 1 + i] = token.charCodeAt(i);
    } else this.#elsewhere.set(slot, token);
  }

  #isAt(slot: number, token: string): boolean {
    const { u8 } = this.#chunkOf(slot);
    const start = this.#startOf(slot);
    const kept = u8[start] as number;
    if (kept === ELSEWHERE) return this.#elsewhere.get(slot) === token;
    if (kept !== token.length + 1) return false;
    for (let i = 0; i < token.length; i++) if (u8[start + 1 + i] !== token.charCodeAt(i)) return false;
    return true;
  }

  #newSlot(): number {
    const slot = this.#slotCount++;
    if (slot % this.#recordsPerChunk === 0) {
      const bytes = new ArrayBuffer(this.#recordsPerChunk * this.#strideBytes);
      this.#chunks.push({ ...arraysOf(bytes), buffer: Buffer.from(bytes) });
    }
    return slot;
  }

  #chunkOf(slot: number): Chunk {
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
    view.base = this.#startOf(slot) + NAME_BYTES;
    this.#slot = slot;
  }
}

function fits(token: string): boolean {
  if (token.length > NAME_CHARS_MAX) return false;
  for (let i = 0; i < token.length; i++) if (token.charCodeAt(i) > CHAR_MAX) return false;
  return true;
}

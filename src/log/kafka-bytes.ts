import { LogError } from './log.ts';

const TWO_32 = 2 ** 32;

/** Reads Kafka's wire types one after the other. A truncated buffer throws a `RangeError`. */
export class ByteReader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int8(): number {
    const value = this.bytes.readInt8(this.at);
    this.at += 1;
    return value;
  }

  int16(): number {
    const value = this.bytes.readInt16BE(this.at);
    this.at += 2;
    return value;
  }

  int32(): number {
    const value = this.bytes.readInt32BE(this.at);
    this.at += 4;
    return value;
  }

  int64(): number {
    const value = readInt64(this.bytes, this.at);
    this.at += 8;
    return value;
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes.readUInt8(this.at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#text(length);
  }

  compactString(): string | null {
    const length = this.uvarint();
    return length === 0 ? null : this.#text(length - 1);
  }

  /** Sixteen bytes as 32 hexadecimal digits. */
  uuid(): string {
    return this.slice(16).toString('hex');
  }

  /** A view, not a copy. */
  slice(length: number): Buffer {
    if (length < 0 || this.at + length > this.bytes.length) throw new RangeError(`${length} bytes are not there`);
    const value = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return value;
  }

  list<T>(read: () => T): T[] {
    return times(this.int32(), read);
  }

  compactList<T>(read: () => T): T[] {
    return times(this.uvarint() - 1, read);
  }

  /** Passes over the optional fields at the end of a structure. */
  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.slice(this.uvarint());
    }
  }

  #text(length: number): string {
    return this.slice(length).toString();
  }
}

function times<T>(count: number, read: () => T): T[] {
  const values: T[] = [];
  for (let left = count; left > 0; left--) values.push(read());
  return values;
}

/**
 * A 64-bit number.
 *
 * @throws LogError `out-of-range` from 2^53 on.
 */
export function readInt64(bytes: Buffer, at: number): number {
  const value = bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4);
  if (Number.isSafeInteger(value)) return value;
  throw new LogError(
    'out-of-range',
    `Kafka sent the number ${bytes.readBigInt64BE(at)}, and numbers end at 2^53 here.`,
  );
}

export function writeInt64(bytes: Buffer, value: number, at: number): void {
  bytes.writeInt32BE(Math.floor(value / TWO_32), at);
  bytes.writeUInt32BE(((value % TWO_32) + TWO_32) % TWO_32, at + 4);
}

/** Writes Kafka's wire types one after the other. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(512);
  #at = 0;

  int8(value: number): this {
    this.#at = this.#room(1).writeInt8(value, this.#at);
    return this;
  }

  int16(value: number): this {
    this.#at = this.#room(2).writeInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#at = this.#room(4).writeInt32BE(value, this.#at);
    return this;
  }

  int64(value: number): this {
    writeInt64(this.#room(8), value, this.#at);
    this.#at += 8;
    return this;
  }

  uvarint(value: number): this {
    let left = value;
    for (; left > 0x7f; left >>>= 7) this.#byte((left & 0x7f) | 0x80);
    this.#byte(left);
    return this;
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value);
    return this.int16(bytes.length).raw(bytes);
  }

  compactString(value: string): this {
    const bytes = Buffer.from(value);
    return this.uvarint(bytes.length + 1).raw(bytes);
  }

  raw(value: Buffer): this {
    value.copy(this.#room(value.length), this.#at);
    this.#at += value.length;
    return this;
  }

  list<T>(values: readonly T[], write: (value: T) => void): this {
    this.int32(values.length);
    for (const value of values) write(value);
    return this;
  }

  written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #byte(value: number): void {
    this.#at = this.#room(1).writeUInt8(value, this.#at);
  }

  #room(byteCount: number): Buffer {
    const needed = this.#at + byteCount;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#at);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

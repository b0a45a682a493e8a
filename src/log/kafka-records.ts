import { readInt64, writeInt64 } from './kafka-bytes.ts';
import { decompress } from './kafka-codecs.ts';
import { crc32c } from './kafka-crc.ts';
import { LogError, type LogRecord } from './log.ts';

/**
 * Kafka's record batches (message format 2): what fetch responses hold and produce requests carry.
 *
 *     0 base offset int64 · 8 length int32 · 12 leader epoch int32 · 16 magic int8 · 17 crc uint32 · 21 attributes int16 ·
 *     23 last offset delta int32 · 27 first timestamp int64 · 35 max timestamp int64 · 43 producer id int64 ·
 *     51 producer epoch int16 · 53 first sequence int32 · 57 record count int32 · 61 records
 *
 * kafkajs decodes them too, at half the speed, and without telling where a batch that compaction has emptied ends.
 */
const HEADER_BYTES = 61;
const CODEC = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT = 0;

/** A transaction that was given up: its records, which begin at `firstOffset`, do not count. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface DecodeOptions {
  readonly topic: string;
  readonly partition: number;
  /** Records before it are left out: a batch comes whole even when only its end was asked for. */
  readonly from: number;
  /** In order of `firstOffset`. */
  readonly aborted: readonly AbortedTransaction[];
  /** Once the records hold so many bytes, the batches that follow are left for the next time: compressed, they may be twenty times as large as what came. */
  readonly bytesMax: number;
}

export interface DecodedRecords {
  readonly records: LogRecord[];
  /** Where to go on: after the last whole batch. `from` when there was none. */
  readonly next: number;
  /** Memory that the records hold on to. */
  readonly byteCount: number;
  /** Whether some times are the producers' word, since the topic does not stamp records itself. */
  readonly claimedTimes: boolean;
}

/**
 * Decodes the batches of one partition; a last one that is cut off is left out.
 *
 * @throws LogError `storage` for what cannot be read.
 */
export async function decodeRecords(data: Buffer, options: DecodeOptions): Promise<DecodedRecords> {
  const records: LogRecord[] = [];
  const dropping = new Set<number>();
  const aborted = [...options.aborted];
  let next = options.from;
  let byteCount = 0;
  let claimedTimes = false;
  for (let at = 0, end = 0; at + HEADER_BYTES <= data.length; at = end) {
    end = at + 12 + data.readInt32BE(at + 8);
    if (end > data.length || end < at + HEADER_BYTES || byteCount >= options.bytesMax) break;
    const batch = data.subarray(at, end);
    const attributes = checkFormat(batch, options.topic);
    const lastOffset = readInt64(batch, 0) + batch.readInt32BE(23);
    next = Math.max(next, lastOffset + 1);
    if (lastOffset < options.from || isAborted(batch, attributes, lastOffset, aborted, dropping)) continue;
    const codec = attributes & CODEC;
    const packed = batch.subarray(HEADER_BYTES);
    const bytes = codec === 0 ? packed : await decompress(codec, packed, options.topic);
    readRecords(batch, bytes, options, records);
    byteCount += bytes.length;
    claimedTimes ||= (attributes & LOG_APPEND_TIME) === 0;
  }
  return { records, next, byteCount, claimedTimes };
}

function checkFormat(batch: Buffer, topic: string): number {
  const magic = batch.readInt8(16);
  if (magic === 2) return batch.readInt16BE(21);
  throw new LogError(
    'storage',
    `Topic "${topic}" holds records in Kafka's old message format ${magic}, which this client cannot read. ` +
      'Write it anew with a producer of Kafka 0.11 or later.',
  );
}

/** Whether the batch is a transaction's end marker, or belongs to a transaction that was given up. */
function isAborted(
  batch: Buffer,
  attributes: number,
  lastOffset: number,
  aborted: AbortedTransaction[],
  dropping: Set<number>,
): boolean {
  if ((attributes & TRANSACTIONAL) === 0) return (attributes & CONTROL) !== 0;
  const producerId = readInt64(batch, 43);
  if ((attributes & CONTROL) !== 0) {
    if (readMarker(batch) === ABORT) dropping.delete(producerId);
    return true;
  }
  for (let first = aborted[0]; first !== undefined && first.firstOffset <= lastOffset; first = aborted[0]) {
    dropping.add(first.producerId);
    aborted.shift();
  }
  return dropping.has(producerId);
}

/** The type in the key of a marker's only record: version int16, type int16. */
function readMarker(batch: Buffer): number | undefined {
  if (batch.readInt32BE(57) === 0) return undefined;
  const cursor: Cursor = { bytes: batch, at: HEADER_BYTES };
  readVarint(cursor); // length
  cursor.at += 1; // attributes
  readVarint(cursor); // timestamp delta
  readVarint(cursor); // offset delta
  readVarint(cursor); // key length
  return batch.readInt16BE(cursor.at + 2);
}

function readRecords(batch: Buffer, bytes: Buffer, { topic, partition, from }: DecodeOptions, into: LogRecord[]): void {
  const baseOffset = readInt64(batch, 0);
  const stamped = (batch.readInt16BE(21) & LOG_APPEND_TIME) !== 0;
  const firstTime = readInt64(batch, stamped ? 35 : 27);
  const cursor: Cursor = { bytes, at: 0 };
  for (let left = batch.readInt32BE(57); left > 0; left--) {
    const end = readVarint(cursor) + cursor.at;
    cursor.at += 1; // Attributes, which mean nothing yet.
    const delta = readVarint64(cursor);
    const offset = baseOffset + readVarint(cursor);
    const keyLength = readVarint(cursor);
    const keyEnd = cursor.at + Math.max(keyLength, 0);
    const key = keyLength < 0 ? null : bytes.toString('utf8', cursor.at, keyEnd);
    cursor.at = keyEnd;
    const valueLength = readVarint(cursor);
    const valueEnd = cursor.at + Math.max(valueLength, 0);
    if (valueEnd > end || end > bytes.length) throw corrupt(topic, partition, offset);
    const value = valueLength < 0 ? null : bytes.subarray(cursor.at, valueEnd);
    cursor.at = end;
    if (offset >= from)
      into.push({ partition, offset, key, value, appendedAt: stamped ? firstTime : firstTime + delta });
  }
}

function corrupt(topic: string, partition: number, offset: number): LogError {
  return new LogError(
    'storage',
    `Record ${offset} of ${topic}/${partition} is longer than its batch: it cannot be read. ` +
      'Find its producer, and delete the records up to this one.',
  );
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function readVarint(cursor: Cursor): number {
  const { bytes } = cursor;
  let byte = bytes[cursor.at++] ?? 0;
  let value = byte & 0x7f;
  for (let shift = 7; byte > 0x7f && shift < 35; shift += 7) {
    byte = bytes[cursor.at++] ?? 0;
    value |= (byte & 0x7f) << shift;
  }
  return (value >>> 1) ^ -(value & 1);
}

/** For differences of times, which 32 bits cannot hold. Exact below 2^52. */
function readVarint64(cursor: Cursor): number {
  const { bytes } = cursor;
  let value = 0;
  for (let scale = 1, byte = 0x80; byte > 0x7f && scale < 2 ** 70; scale *= 0x80) {
    byte = bytes[cursor.at++] ?? 0;
    value += (byte & 0x7f) * scale;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** A record on its way into a batch. */
export interface EncodableRecord {
  readonly key: Buffer | null;
  readonly value: Uint8Array | null;
}

/** Who wrote a batch: with it, the broker knows a repeated one. */
export interface BatchSource {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

/** At most these bytes does one record need in a batch, beyond its key and value. */
export const RECORD_OVERHEAD_BYTES = 21;

/** Bytes of a batch that holds only this record. */
export function lonelyBatchBytes(record: EncodableRecord): number {
  return HEADER_BYTES + recordBytes(record, 0);
}

/** Encodes one batch, uncompressed. `createdAt` is what a topic shows that does not stamp records itself. */
export function encodeBatch(records: readonly EncodableRecord[], source: BatchSource, createdAt: number): Buffer {
  let size = HEADER_BYTES;
  for (let i = 0; i < records.length; i++) size += recordBytes(records[i] as EncodableRecord, i);
  const bytes = Buffer.allocUnsafe(size);
  writeInt64(bytes, 0, 0);
  bytes.writeInt32BE(size - 12, 8);
  bytes.writeInt32BE(-1, 12);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(0, 21);
  bytes.writeInt32BE(records.length - 1, 23);
  writeInt64(bytes, createdAt, 27);
  writeInt64(bytes, createdAt, 35);
  writeInt64(bytes, source.producerId, 43);
  bytes.writeInt16BE(source.producerEpoch, 51);
  bytes.writeInt32BE(source.firstSequence, 53);
  bytes.writeInt32BE(records.length, 57);
  const cursor: Cursor = { bytes, at: HEADER_BYTES };
  for (let i = 0; i < records.length; i++) writeRecord(cursor, records[i] as EncodableRecord, i);
  bytes.writeUInt32BE(crc32c(bytes, 21), 17);
  return bytes;
}

function recordBytes(record: EncodableRecord, index: number): number {
  const body = bodyBytes(record, index);
  return varintBytes(body) + body;
}

function bodyBytes({ key, value }: EncodableRecord, index: number): number {
  // Attributes, time delta and header count are one byte each.
  return 3 + varintBytes(index) + fieldBytes(key) + fieldBytes(value);
}

function fieldBytes(field: Uint8Array | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length;
}

function writeRecord(cursor: Cursor, record: EncodableRecord, index: number): void {
  writeVarint(cursor, bodyBytes(record, index));
  cursor.bytes[cursor.at++] = 0;
  cursor.bytes[cursor.at++] = 0;
  writeVarint(cursor, index);
  writeField(cursor, record.key);
  writeField(cursor, record.value);
  cursor.bytes[cursor.at++] = 0;
}

function writeField(cursor: Cursor, field: Uint8Array | null): void {
  writeVarint(cursor, field?.length ?? -1);
  if (field === null) return;
  cursor.bytes.set(field, cursor.at);
  cursor.at += field.length;
}

/** For numbers from -1 on. */
function writeVarint(cursor: Cursor, value: number): void {
  let left = value < 0 ? 1 : 2 * value;
  for (; left > 0x7f; left >>>= 7) cursor.bytes[cursor.at++] = (left & 0x7f) | 0x80;
  cursor.bytes[cursor.at++] = left;
}

function varintBytes(value: number): number {
  let count = 1;
  for (let left = 2 * value; left > 0x7f; left >>>= 7) count++;
  return count;
}

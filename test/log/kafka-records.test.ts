import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/log/kafka-crc.ts';
import {
  type AbortedTransaction,
  decodeRecords,
  type EncodableRecord,
  encodeBatch,
  lonelyBatchBytes,
  RECORD_OVERHEAD_BYTES,
} from '../../src/log/kafka-records.ts';
import { LogError, type LogRecord } from '../../src/log/log.ts';

const require = createRequire(import.meta.url);
type Encoded = { readonly buffer: Buffer };
type DecodedByKafkaJs = { readonly records: readonly { readonly value: Buffer }[] };
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(options: object): Promise<Encoded>;
};
const KafkaJsRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (options: object) => object;
const decodeWithKafkaJs = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: object,
) => Promise<DecodedByKafkaJs>;

const SOURCE = { producerId: 4711, producerEpoch: 3, firstSequence: 12 };
const CREATED_AT = 1_795_481_195_000;

function records(count: number): EncodableRecord[] {
  return Array.from({ length: count }, (_, i) => ({ key: Buffer.from(`k${i}`), value: Buffer.from(`v${i}`) }));
}

interface BatchChanges {
  readonly baseOffset?: number;
  readonly attributes?: number;
  readonly producerId?: number;
  readonly lastOffsetDelta?: number;
}

/** A batch as a broker hands it out. */
function batchOf(encodable: readonly EncodableRecord[], changes: BatchChanges = {}): Buffer {
  const { baseOffset = 0, attributes = 0, producerId = 1, lastOffsetDelta = encodable.length - 1 } = changes;
  const batch = encodeBatch(encodable, { ...SOURCE, producerId }, CREATED_AT);
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(lastOffsetDelta, 23);
  return batch;
}

function decode(data: Buffer, from = 0, aborted: readonly AbortedTransaction[] = [], bytesMax = 1 << 20) {
  return decodeRecords(data, { topic: 't', partition: 5, from, aborted, bytesMax });
}

function offsets({ records: decoded }: { readonly records: readonly LogRecord[] }): number[] {
  return decoded.map(({ offset }) => offset);
}

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

function marker(baseOffset: number, producerId: number, type: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  return batchOf([{ key, value: Buffer.alloc(6) }], { baseOffset, producerId, attributes: TRANSACTIONAL | CONTROL });
}

describe('CRC-32C', () => {
  it('agrees with the check value of the standard', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('agrees with kafkajs, at every length and start', () => {
    const kafkaJsCrc = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(70), (bytes, start) => {
        const buffer = Buffer.from(bytes);
        expect(crc32c(buffer, start)).toBe(kafkaJsCrc(buffer.subarray(start)) >>> 0);
      }),
    );
  });
});

describe('a record batch', () => {
  const field = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
  const text = fc.option(fc.string({ maxLength: 40, unit: 'grapheme' }), { nil: null });

  it('reads back as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, field), { minLength: 1, maxLength: 200 }), async (written) => {
        const encodable = written.map(([key, value]) => ({ key: key === null ? null : Buffer.from(key), value }));
        const decoded = await decode(encodeBatch(encodable, SOURCE, CREATED_AT));
        expect(decoded.next).toBe(written.length);
        expect(decoded.records).toEqual(
          written.map(([key, value], offset) => ({
            partition: 5,
            offset,
            key,
            value: value === null ? null : Buffer.from(value),
            appendedAt: CREATED_AT,
          })),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('is what kafkajs reads', async () => {
    const decoded = await decodeWithKafkaJs(new Decoder(encodeBatch(records(300), SOURCE, CREATED_AT)));
    expect(decoded).toMatchObject({ producerId: '4711', producerEpoch: 3, firstSequence: 12, lastOffsetDelta: 299 });
    expect(decoded.records).toHaveLength(300);
    expect(decoded.records[299]).toMatchObject({ offset: '299', timestamp: String(CREATED_AT) });
    expect(decoded.records[299]?.value.toString()).toBe('v299');
  });

  it.each([
    ['none', 0],
    ['gzip', 1],
  ])('of kafkajs is read, with compression %s, headers and times of their own', async (_, compression) => {
    const written = Array.from({ length: 200 }, (_, i) =>
      KafkaJsRecord({
        offsetDelta: i,
        timestampDelta: i * 1_000_003,
        key: `k${i}`,
        value: `v${i}`,
        headers: { h: 'x' },
      }),
    );
    const options = { compression, records: written, firstTimestamp: CREATED_AT, maxTimestamp: CREATED_AT };
    const decoded = await decode((await RecordBatch({ ...options, lastOffsetDelta: 199, producerId: 1 })).buffer);
    expect(offsets(decoded)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(decoded.records[199]).toMatchObject({ key: 'k199', appendedAt: CREATED_AT + 199 * 1_000_003 });
    expect(decoded.records[199]?.value?.toString()).toBe('v199');
    expect(decoded.claimedTimes).toBe(true);
  });

  it('takes the time of the log when the log has stamped it', async () => {
    const batch = batchOf(records(2), { attributes: 0x08 });
    batch.writeBigInt64BE(BigInt(CREATED_AT + 7), 35);
    const decoded = await decode(batch);
    expect(decoded.records.map(({ appendedAt }) => appendedAt)).toEqual([CREATED_AT + 7, CREATED_AT + 7]);
    expect(decoded.claimedTimes).toBe(false);
  });

  it('is left out when it is cut off, with the batches before it kept', async () => {
    const data = Buffer.concat([batchOf(records(3)), batchOf(records(3), { baseOffset: 3 })]);
    for (const cut of [1, 30, 70]) {
      const decoded = await decode(data.subarray(0, data.length - cut));
      expect(offsets(decoded)).toEqual([0, 1, 2]);
      expect(decoded.next).toBe(3);
    }
    expect(await decode(data.subarray(0, 40))).toMatchObject({ records: [], next: 0 });
  });

  it('is read from the middle', async () => {
    expect(offsets(await decode(batchOf(records(5), { baseOffset: 10 }), 13))).toEqual([13, 14]);
  });

  it('that compaction has emptied is passed over', async () => {
    const data = Buffer.concat([
      batchOf([], { lastOffsetDelta: 99 }),
      batchOf(records(2), { baseOffset: 100, lastOffsetDelta: 49 }),
    ]);
    const decoded = await decode(data);
    expect(offsets(decoded)).toEqual([100, 101]);
    expect(decoded.next).toBe(150);
    expect(await decode(data.subarray(0, 61), 40)).toMatchObject({ records: [], next: 100 });
  });

  it('needs no more room than reckoned with', () => {
    fc.assert(
      fc.property(fc.nat(300_000), fc.nat(300_000), (keyBytes, valueBytes) => {
        const record = { key: Buffer.alloc(keyBytes), value: Buffer.alloc(valueBytes) };
        expect(lonelyBatchBytes(record)).toBe(encodeBatch([record], SOURCE, 0).length);
        expect(lonelyBatchBytes(record)).toBeLessThanOrEqual(61 + keyBytes + valueBytes + RECORD_OVERHEAD_BYTES);
      }),
      { numRuns: 30 },
    );
  });
});

describe('transactions', () => {
  it('count when they are committed, and their markers never', async () => {
    const data = Buffer.concat([
      batchOf(records(2), { producerId: 7, attributes: TRANSACTIONAL }),
      marker(2, 7, 'commit'),
      batchOf(records(1), { baseOffset: 3 }),
    ]);
    const decoded = await decode(data);
    expect(offsets(decoded)).toEqual([0, 1, 3]);
    expect(decoded.next).toBe(4);
  });

  it('do not when they are given up, nor do they hide others', async () => {
    const data = Buffer.concat([
      batchOf(records(1), { producerId: 7, attributes: TRANSACTIONAL }),
      batchOf(records(1), { baseOffset: 1, producerId: 8, attributes: TRANSACTIONAL }),
      batchOf(records(1), { baseOffset: 2, producerId: 7 }),
      marker(3, 7, 'abort'),
      batchOf(records(1), { baseOffset: 4, producerId: 7, attributes: TRANSACTIONAL }),
      marker(5, 7, 'commit'),
      batchOf(records(1), { baseOffset: 6, producerId: 7, attributes: TRANSACTIONAL }),
      marker(7, 7, 'abort'),
    ]);
    const aborted = [
      { producerId: 7, firstOffset: 0 },
      { producerId: 7, firstOffset: 6 },
    ];
    const decoded = await decode(data, 0, aborted);
    expect(offsets(decoded)).toEqual([1, 2, 4]);
    expect(decoded.next).toBe(8);
  });
});

describe('a limit', () => {
  it('is for records as they are when they are no more compressed: the batches behind it are left for the next time', async () => {
    const compressed = async (baseOffset: number) => {
      const offsetDelta = 0;
      const written = [
        KafkaJsRecord({ offsetDelta, timestampDelta: 0, key: 'k', value: 'v'.repeat(10_000), headers: {} }),
      ];
      const options = { compression: 1, records: written, firstTimestamp: CREATED_AT, maxTimestamp: CREATED_AT };
      const { buffer } = await RecordBatch({ ...options, lastOffsetDelta: 0, producerId: 1 });
      buffer.writeBigInt64BE(BigInt(baseOffset), 0);
      return buffer;
    };
    const data = Buffer.concat(await Promise.all([0, 1, 2].map(compressed)));
    expect(data.length).toBeLessThan(1000);
    const some = await decode(data, 0, [], 10_100);
    expect([offsets(some), some.next]).toEqual([[0, 1], 2]);
    const none = await decode(data, 2, [], 0);
    expect([offsets(none), none.next]).toEqual([[], 2]);
    expect(offsets(await decode(data, some.next, [], 1))).toEqual([2]);
  });
});

describe('what cannot be read', () => {
  it.each([
    ['snappy', 2],
    ['lz4', 3],
    ['codec 5', 5],
  ])('names the codec (%s) and the topic', async (name, codec) => {
    const decoding = decode(batchOf(records(1), { attributes: codec }));
    await expect(decoding).rejects.toMatchObject({ code: 'storage', message: expect.stringContaining(name) });
    await expect(decoding).rejects.toThrow('Topic "t"');
  });

  it('is refused in the old message format', async () => {
    const batch = batchOf(records(1));
    batch.writeInt8(1, 16);
    await expect(decode(batch)).rejects.toMatchObject({ code: 'storage' });
  });

  it('is refused beyond 2^53', async () => {
    await expect(decode(batchOf(records(1), { baseOffset: 2 ** 53 }))).rejects.toMatchObject({ code: 'out-of-range' });
  });

  it('never gives a record beyond its batch, whatever the bytes', async () => {
    const batch = batchOf(records(20));
    const change = fc.tuple(fc.integer({ min: 57, max: batch.length - 1 }), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const broken = Buffer.from(batch);
        for (const [at, byte] of changes) broken[at] = byte;
        try {
          const bytes = (await decode(broken, -(2 ** 40))).records.reduce(
            (sum, { value }) => sum + (value?.length ?? 0),
            0,
          );
          expect(bytes).toBeLessThanOrEqual(broken.length);
        } catch (error) {
          expect(error).toBeInstanceOf(LogError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

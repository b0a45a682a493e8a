import { ByteReader, ByteWriter } from './kafka-bytes.ts';
import type { KafkaNode } from './kafka-client.ts';
import { type AbortedTransaction, type DecodedRecords, decodeRecords } from './kafka-records.ts';
import { LogError } from './log.ts';

const PRODUCE = 0;
const FETCH = 1;
const METADATA = 3;
const READ_COMMITTED = 1;
const ACKS_ALL = -1;
const PRODUCE_LIMIT_MS = 10_000;

async function send<T>(
  node: KafkaNode,
  api: { readonly apiKey: number; readonly apiName: string; readonly apiVersion: number },
  body: ByteWriter,
  decode: (payload: Buffer) => Promise<T>,
): Promise<T> {
  if ((node.versions?.[api.apiKey]?.maxVersion ?? 0) < api.apiVersion) {
    throw new LogError(
      'unavailable',
      `This Kafka does not know ${api.apiName} ${api.apiVersion}: 2.8 or later is needed.`,
    );
  }
  const buffer = body.written();
  return node.connectionPool.send<T>({
    request: { ...api, encode: async () => ({ buf: buffer, buffer }) },
    response: { decode, parse: async (decoded) => decoded },
  });
}

/** What a broker says of its cluster. */
export interface ClusterDescription {
  readonly brokers: readonly {
    readonly nodeId: number;
    readonly host: string;
    readonly port: number;
    readonly rack: string | null;
  }[];
  readonly clusterId: string;
  readonly controllerId: number;
  readonly topics: readonly TopicDescription[];
}

export interface TopicDescription {
  readonly errorCode: number;
  readonly topic: string;
  /** The topic's id: 32 hexadecimal digits. A topic made anew has another one. */
  readonly id: string;
  /** Number of the leading broker by partition; -1 where there is none. */
  readonly leaders: readonly number[];
}

/**
 * Asks a broker which brokers there are, and about some topics: Metadata, version 10 (Kafka 2.8). kafkajs knows older versions, which
 * have no topic ids; and without a topic it asks for all there are, and fails when one that is not ours has no leader.
 */
export async function describeCluster(node: KafkaNode, topics: readonly string[]): Promise<ClusterDescription> {
  const body = new ByteWriter();
  body.uvarint(0); // Optional fields of the request's head: none. kafkajs writes only the old kind of head.
  body.uvarint(topics.length + 1);
  for (const topic of topics) body.raw(Buffer.alloc(16)).compactString(topic).uvarint(0);
  body.int8(0).int8(0).int8(0).uvarint(0); // Do not make them, and never mind who may do what.
  const api = { apiKey: METADATA, apiName: 'Metadata', apiVersion: 10 };
  return send(node, api, body, async (payload) => readCluster(new ByteReader(payload)));
}

function readCluster(reader: ByteReader): ClusterDescription {
  reader.tags();
  reader.int32();
  const brokers = reader.compactList(() => {
    const nodeId = reader.int32();
    const host = reader.compactString() ?? '';
    const port = reader.int32();
    const rack = reader.compactString();
    reader.tags();
    return { nodeId, host, port, rack };
  });
  const clusterId = reader.compactString() ?? '';
  const controllerId = reader.int32();
  return { brokers, clusterId, controllerId, topics: reader.compactList(() => readTopic(reader)) };
}

function readTopic(reader: ByteReader): TopicDescription {
  const errorCode = reader.int16();
  const topic = reader.compactString() ?? '';
  const id = reader.uuid();
  reader.boolean();
  const leaders: number[] = [];
  reader.compactList(() => {
    const partitionError = reader.int16();
    const partition = reader.int32();
    const leader = reader.int32();
    reader.int32();
    for (let lists = 0; lists < 3; lists++) reader.compactList(() => reader.int32());
    reader.tags();
    leaders[partition] = partitionError === 0 ? leader : -1;
  });
  reader.int32();
  reader.tags();
  return { errorCode, topic, id, leaders };
}

export interface FetchRequest {
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly from: number;
    readonly bytesMax: number;
  }[];
  /** How long the broker may wait for a first record. */
  readonly waitMs: number;
  /** Of the answer, and of the records when they are no more compressed. A single batch may be larger, and comes nevertheless. */
  readonly bytesMax: number;
}

export interface FetchedPartition extends DecodedRecords {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's code; 0 is none. With an error there are no records. */
  readonly errorCode: number;
}

/** Fetches records: Fetch, version 11 (Kafka 2.3), of committed transactions only. */
export async function fetchRecords(node: KafkaNode, request: FetchRequest): Promise<FetchedPartition[]> {
  const body = new ByteWriter().int32(-1).int32(request.waitMs).int32(1).int32(request.bytesMax).int8(READ_COMMITTED);
  body.int32(0).int32(-1); // No fetch session.
  body.list(request.partitions, ({ topic, partition, from, bytesMax }) => {
    body.string(topic).int32(1).int32(partition).int32(-1).int64(from).int64(-1).int32(bytesMax);
  });
  body.int32(0).string('');
  const api = { apiKey: FETCH, apiName: 'Fetch', apiVersion: 11 };
  return send(node, api, body, (payload) => readFetched(new ByteReader(payload), request));
}

interface RawPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly data: Buffer;
}

async function readFetched(reader: ByteReader, request: FetchRequest): Promise<FetchedPartition[]> {
  reader.int32();
  const errorCode = reader.int16();
  reader.int32();
  const answered = new Map(
    readRawPartitions(reader).map((raw) => [JSON.stringify([raw.topic, raw.partition]), raw] as const),
  );
  const fetched: FetchedPartition[] = [];
  let bytesLeft = request.bytesMax;
  for (const { topic, partition, from } of request.partitions) {
    const raw = answered.get(JSON.stringify([topic, partition]));
    if (raw === undefined && errorCode === 0) continue;
    const aborted = raw?.aborted ?? [];
    const decoded = await decodeRecords(raw?.data ?? Buffer.alloc(0), {
      topic,
      partition,
      from,
      aborted,
      bytesMax: bytesLeft,
    });
    bytesLeft -= decoded.byteCount;
    fetched.push({ ...decoded, topic, partition, errorCode: raw?.errorCode ?? errorCode });
  }
  return fetched;
}

function readRawPartitions(reader: ByteReader): RawPartition[] {
  return reader
    .list(() => {
      const topic = reader.string() ?? '';
      return reader.list(() => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        reader.slice(24); // High watermark, last stable offset, first offset.
        const aborted = reader.list(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }));
        reader.int32();
        const data = reader.slice(Math.max(reader.int32(), 0));
        return { topic, partition, errorCode, aborted, data };
      });
    })
    .flat();
}

export interface ProducedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

/**
 * Appends one batch to each of some partitions: Produce, version 7 (Kafka 2.1).
 *
 * @returns Kafka's error code for each, in their order; 0 is none.
 */
export async function produceBatches(node: KafkaNode, batches: readonly ProducedBatch[]): Promise<number[]> {
  const body = new ByteWriter().string(null).int16(ACKS_ALL).int32(PRODUCE_LIMIT_MS);
  body.list([...Map.groupBy(batches, ({ topic }) => topic)], ([topic, ofTopic]) => {
    body.string(topic).list(ofTopic, ({ partition, batch }) => {
      body.int32(partition).int32(batch.length).raw(batch);
    });
  });
  const api = { apiKey: PRODUCE, apiName: 'Produce', apiVersion: 7 };
  const codes = await send(node, api, body, async (payload) => readProduced(new ByteReader(payload)));
  return batches.map(({ topic, partition }) => codes.get(JSON.stringify([topic, partition])) ?? -1);
}

function readProduced(reader: ByteReader): Map<string, number> {
  const codes = new Map<string, number>();
  reader.list(() => {
    const topic = reader.string();
    reader.list(() => {
      const partition = reader.int32();
      codes.set(JSON.stringify([topic, partition]), reader.int16());
      reader.slice(24); // Base offset, append time, first offset.
    });
  });
  return codes;
}

import { partitionOf } from '../domain/partition.ts';
import { type Connections, type KafkaAccess, type KafkaNode, retryDelayMs } from './kafka-client.ts';
import { BrokerRefusal, isLasting, toLogError, typeOf } from './kafka-errors.ts';
import { encodeBatch, lonelyBatchBytes, RECORD_OVERHEAD_BYTES } from './kafka-records.ts';
import { type ProducedBatch, produceBatches } from './kafka-requests.ts';
import type { Topic, Topics } from './kafka-topics.ts';
import { LogError, type NewRecord } from './log.ts';

const BATCH_BYTES_MAX = 512 << 10;
const REQUEST_BYTES_MAX = 8 << 20;
const UNUSED_TRANSACTION_MS = 60_000;

/** The broker has the batch already: an answer was lost. */
const DUPLICATE = 46;
/** The broker no longer knows this producer, and has not taken the batch. */
const FORGOTTEN = new Set(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH']);

export interface AppenderOptions {
  readonly access: KafkaAccess;
  readonly connections: Connections;
  readonly topics: Topics;
}

interface Call {
  /** Records not yet acknowledged. */
  left: number;
  resolve(): void;
  reject(error: LogError): void;
}

interface Item {
  readonly key: Buffer | null;
  readonly value: Uint8Array | null;
  readonly call: Call;
}

interface Producer {
  readonly id: number;
  readonly epoch: number;
}

/**
 * What is on its way to one partition. One batch at a time, repeated as it is until its fate is known: so order holds, and nothing
 * doubles.
 */
interface Lane {
  readonly key: string;
  readonly topic: string;
  readonly partition: number;
  readonly batchBytesMax: number;
  waiting: Item[];
  /** Records of the batch that is being sent or repeated. */
  sending: readonly Item[];
  batch: Buffer | undefined;
  producer: Producer | undefined;
  sequence: number;
  attempt: number;
  /** When the batch was first sent, on the monotonic clock. */
  sentAt: number;
  /** In a request, or waiting to repeat. */
  busy: boolean;
}

/**
 * Appends to a cluster: an idempotent producer. Records of all calls go out in one batch a partition and one request a broker, as soon
 * as the one before is answered; so the busier it is, the larger they get.
 *
 * kafkajs has a producer too. After a failure it sends the next records under the numbers of the failed ones, which a broker that did
 * take those drops as repeated; and it repeats what another broker is still working on.
 */
export class Appender {
  readonly #options: AppenderOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #busyNodes = new Set<number>();
  readonly #calls = new Set<Promise<void>>();
  /** By topic: the last call's entry into the lanes. */
  readonly #entering = new Map<string, Promise<void>>();
  #producer: Promise<Producer> | undefined;
  #scheduled = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** @throws LogError as `Log.append`; then nothing of the call was sent, unless it is `unavailable`. */
  async append(name: string, records: readonly NewRecord[]): Promise<void> {
    const entering = this.#enter(name, records, this.#entering.get(name));
    this.#entering.set(name, entering.then(nothing, nothing));
    // In an object, since a promise of a promise would be waited for as well.
    const { answered } = await entering;
    this.#calls.add(answered);
    try {
      await answered;
    } finally {
      this.#calls.delete(answered);
    }
  }

  /** Puts the records into their lanes, after the call before has done so. */
  async #enter(
    name: string,
    records: readonly NewRecord[],
    before: Promise<void> | undefined,
  ): Promise<{ readonly answered: Promise<void> }> {
    const [topic, bytesMax] = await Promise.all([
      this.#options.topics.topic(name),
      this.#options.topics.recordBytesMax(name),
      before,
    ]);
    if (records.length === 0) return { answered: Promise.resolve() };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const call: Call = { left: records.length, resolve, reject };
    const items = records.map((record) => itemOf(topic, record, call, bytesMax));
    for (const [item, partition] of items) this.#lane(topic, partition, bytesMax).waiting.push(item);
    this.#schedule();
    return { answered: promise };
  }

  /** Resolves when every call so far has been answered. */
  async drained(): Promise<void> {
    await Promise.all(this.#entering.values());
    await Promise.allSettled(this.#calls);
  }

  #lane({ name, id }: Topic, partition: number, bytesMax: number): Lane {
    const key = JSON.stringify([name, id, partition]);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      const batchBytesMax = Math.min(BATCH_BYTES_MAX, bytesMax);
      const idle = { waiting: [], sending: [], batch: undefined, producer: undefined, busy: false };
      lane = { key, topic: name, partition, batchBytesMax, sequence: 0, attempt: 0, sentAt: 0, ...idle };
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /** Once per turn of the event loop, so that calls of one turn travel together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#sendWhatIsReady();
    });
  }

  #sendWhatIsReady(): void {
    const ready = [...this.#lanes.values()].filter(
      ({ busy, waiting, batch }) => !busy && (batch !== undefined || waiting.length > 0),
    );
    // All at once: while one topic is looked up, the lanes of another would be sent, and then be sent once more from here.
    for (const lane of ready) lane.busy = true;
    for (const [name, lanes] of Map.groupBy(ready, ({ topic }) => topic)) void this.#offerAll(name, lanes);
  }

  async #offerAll(name: string, lanes: readonly Lane[]): Promise<void> {
    try {
      const { leaders } = await this.#options.topics.topic(name);
      for (const [nodeId, led] of Map.groupBy(lanes, ({ partition }) => leaders[partition] ?? -1))
        this.#offer(nodeId, led);
    } catch (error) {
      for (const lane of lanes) this.#fail(lane, error);
    }
  }

  /** Lanes that found their broker busy wait for its answer, and are then looked at again. */
  #offer(nodeId: number, lanes: Lane[]): void {
    for (const lane of lanes) lane.busy = false;
    if (this.#busyNodes.has(nodeId)) return;
    this.#busyNodes.add(nodeId);
    const chosen: Lane[] = [];
    for (let bytes = 0; bytes < REQUEST_BYTES_MAX; bytes += BATCH_BYTES_MAX) {
      const lane = lanes.shift();
      if (lane === undefined) break;
      lane.busy = true;
      if (lane.attempt === 0) lane.sentAt = this.#options.access.clock.elapsed();
      // To the end, so that no lane is always the one too many.
      this.#lanes.delete(lane.key);
      this.#lanes.set(lane.key, lane);
      chosen.push(lane);
    }
    void this.#send(nodeId, chosen).finally(() => {
      this.#busyNodes.delete(nodeId);
      this.#schedule();
    });
  }

  async #send(nodeId: number, lanes: readonly Lane[]): Promise<void> {
    const { access, connections } = this.#options;
    try {
      const node = await connections.node(nodeId);
      const producer = await this.#openProducer(node);
      const batches = lanes.map((lane): ProducedBatch => {
        if (lane.batch === undefined) this.#fill(lane, producer);
        return { topic: lane.topic, partition: lane.partition, batch: lane.batch ?? Buffer.alloc(0) };
      });
      const codes = await produceBatches(node, batches);
      lanes.forEach((lane, i) => {
        this.#settle(lane, codes[i] ?? -1);
      });
    } catch (error) {
      await connections.recover(error);
      for (const lane of lanes) this.#repeat(lane, error);
    } finally {
      if (lanes.some(({ attempt }) => attempt === 5)) {
        access.logger.warn(
          { topics: [...new Set(lanes.map(({ topic }) => topic))] },
          'Kafka takes no records; trying again',
        );
      }
    }
  }

  #fill(lane: Lane, fresh: Producer): void {
    let count = 0;
    for (let bytes = 0; count < lane.waiting.length; count++) {
      const { key, value } = lane.waiting[count] as Item;
      bytes += (key?.length ?? 0) + (value?.length ?? 0) + RECORD_OVERHEAD_BYTES;
      if (count > 0 && bytes > lane.batchBytesMax - 61) break;
    }
    lane.sending = lane.waiting.slice(0, count);
    lane.waiting = lane.waiting.slice(count);
    this.#encode(lane, lane.producer ?? fresh);
  }

  #encode(lane: Lane, producer: Producer): void {
    if (lane.producer !== producer) lane.sequence = 0;
    lane.producer = producer;
    const source = { producerId: producer.id, producerEpoch: producer.epoch, firstSequence: lane.sequence };
    lane.batch = encodeBatch(lane.sending, source, this.#options.access.clock.now());
  }

  #settle(lane: Lane, code: number): void {
    if (code === 0 || code === DUPLICATE) {
      this.#acknowledge(lane);
      return;
    }
    const refusal = new BrokerRefusal(code, `records of ${lane.topic}/${lane.partition}`);
    if (FORGOTTEN.has(refusal.type)) {
      // A new producer, under whose numbers the batch is encoded anew.
      this.#producer = undefined;
      lane.producer = undefined;
      lane.waiting = [...lane.sending, ...lane.waiting];
      lane.batch = undefined;
    }
    this.#repeat(lane, refusal);
  }

  #acknowledge(lane: Lane): void {
    // Sequences are 31 bits, and begin at 0 again.
    lane.sequence = (lane.sequence + lane.sending.length) % 2 ** 31;
    const done = lane.sending;
    lane.sending = [];
    lane.batch = undefined;
    lane.attempt = 0;
    lane.busy = false;
    for (const { call } of done) {
      call.left -= 1;
      if (call.left === 0) call.resolve();
    }
  }

  #repeat(lane: Lane, error: unknown): void {
    const { access, topics } = this.#options;
    if (isLasting(error) || isRefused(error) || access.clock.elapsed() - lane.sentAt > access.unavailableMs) {
      this.#fail(lane, error);
      return;
    }
    topics.forget(lane.topic);
    void access.clock.sleep(retryDelayMs(lane.attempt++)).then(() => {
      lane.busy = false;
      this.#schedule();
    });
  }

  /** Rejects all that waits for the partition too, so that nothing later overtakes; the rest of those calls is not sent any more. */
  #fail(lane: Lane, error: unknown): void {
    const failed = new Set([...lane.sending, ...lane.waiting].map(({ call }) => call));
    const refused = refusalOf(lane, error);
    for (const call of failed) call.reject(refused);
    for (const other of this.#lanes.values()) other.waiting = other.waiting.filter(({ call }) => !failed.has(call));
    lane.sending = [];
    lane.batch = undefined;
    lane.attempt = 0;
    lane.busy = false;
    // Whether the broker took the batch is unknown: its numbers must not be used again.
    lane.producer = undefined;
    this.#producer = undefined;
  }

  #openProducer(node: KafkaNode): Promise<Producer> {
    if (this.#producer === undefined) {
      const opening = node
        .initProducerId({ transactionTimeout: UNUSED_TRANSACTION_MS })
        .then(({ producerId, producerEpoch }) => ({ id: Number(producerId), epoch: producerEpoch }));
      opening.catch(() => {
        if (this.#producer === opening) this.#producer = undefined;
      });
      this.#producer = opening;
    }
    return this.#producer;
  }
}

function nothing(): void {}

function itemOf(topic: Topic, { key, value, partition }: NewRecord, call: Call, bytesMax: number): [Item, number] {
  const chosen = partition ?? (key === null ? -1 : partitionOf(key, topic.leaders.length));
  if (topic.leaders[chosen] === undefined) {
    throw new LogError(
      'out-of-range',
      `A record for topic "${topic.name}" names partition ${partition ?? 'none'} and key ${key === null ? 'none' : 'one'}. ` +
        `Give a key, or a partition from 0 to ${topic.leaders.length - 1}.`,
    );
  }
  const item = { key: key === null ? null : Buffer.from(key), value, call };
  const bytes = lonelyBatchBytes(item);
  if (bytes <= bytesMax) return [item, chosen];
  throw new LogError(
    'too-large',
    `A record for topic "${topic.name}" makes a batch of ${bytes} bytes, and the topic takes ${bytesMax}. ` +
      'Raise its max.message.bytes, or limit what is written.',
  );
}

function isRefused(error: unknown): boolean {
  return ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD'].includes(typeOf(error));
}

function refusalOf({ topic, partition }: Lane, error: unknown): LogError {
  if (!isRefused(error)) return toLogError(error, `appending to ${topic}/${partition}`);
  return typeOf(error) === 'INVALID_RECORD'
    ? new LogError('storage', `Topic "${topic}" is compacted, and takes no records without a key. Give keys.`, {
        cause: error,
      })
    : new LogError('too-large', `A record is too large for topic "${topic}". Raise its max.message.bytes.`, {
        cause: error,
      });
}

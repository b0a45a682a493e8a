import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import type { Clock } from '../domain/clock.ts';
import { Appender } from './kafka-append.ts';
import { Connections, type KafkaAccess, type KafkaLogger, persist } from './kafka-client.ts';
import { KafkaMember } from './kafka-member.ts';
import { fetchCommitted } from './kafka-positions.ts';
import { readPartition } from './kafka-read.ts';
import { Topics } from './kafka-topics.ts';
import {
  type Committed,
  type GroupOptions,
  type Log,
  LogError,
  type LogRecord,
  type Member,
  type NewRecord,
  type PartitionOffsets,
  type ReadRange,
  type TopicSpec,
} from './log.ts';

export interface KafkaLogOptions {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  /** Names this program in the brokers' logs and quotas. */
  readonly clientId?: string;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: SASLOptions;
  /** Put before the names of topics and groups, so that several installations may share a cluster. */
  readonly topicPrefix?: string;
  /** Of topics that are made. Default: the broker's. From 3 on, two copies acknowledge. */
  readonly replicationFactor?: number;
  /** Settings, beyond clean-up and time-stamps, of topics that are made. */
  readonly topicSettings?: Readonly<Record<string, string>>;
  /** A member that was not heard of for so long is put out of its group; its own leases end after half of it. Default 10 s. */
  readonly sessionMs?: number;
  /** Brokers may be away for so long before calls reject, and members end, as `unavailable`. Default 5 min. */
  readonly unavailableMs?: number;
  /** A member ends as `stalled` when records are there and none comes for so long. Default 60 s. */
  readonly stallMs?: number;
  /** A member ends as `stalled` when its `batch` takes longer. Default 5 min. */
  readonly batchLimitMs?: number;
  /** Of one batch; a single record may be larger. Default 4 MiB. */
  readonly maxBytesPerPartition?: number;
  /** Of all records that a member has fetched and not worked off. Default 16 MiB. */
  readonly maxBytes?: number;
  readonly clock: Clock;
  /** Where to say what an operator may want to know. Default: nowhere. */
  readonly logger?: KafkaLogger;
}

const REQUEST_LIMIT_MS = 30_000;
const REBALANCE_MS = 30_000;
const OPENING_LIMIT_MS = 30_000;
const SILENT: KafkaLogger = { debug: () => undefined, info: () => undefined, warn: () => undefined };

type Settings = Omit<Required<KafkaLogOptions>, 'ssl' | 'sasl' | 'replicationFactor' | 'clientId' | 'brokers'> &
  Pick<KafkaLogOptions, 'replicationFactor'>;

/**
 * A `Log` in an Apache Kafka cluster of version 2.8 or later.
 *
 * kafkajs keeps the connections, authenticates, and speaks most of the protocol. Its consumer and producer are not used: see
 * `Membership`, `Fetcher` and `Appender` for what they would do to the promises of `Log`.
 *
 * Times are trusted when the topic has `message.timestamp.type=LogAppendTime`, as those have that `ensureTopics` makes. The
 * incarnation of a topic is its topic id.
 *
 * @throws LogError `unavailable` when no broker answers within 30 s, or the user is refused.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const { brokers, clientId = 'tokenwarden', ssl, sasl, clock, logger = SILENT, ...rest } = options;
  const settings: Settings = {
    clock,
    logger,
    topicPrefix: '',
    topicSettings: {},
    sessionMs: 10_000,
    unavailableMs: 300_000,
    stallMs: 60_000,
    batchLimitMs: 300_000,
    maxBytesPerPartition: 4 << 20,
    maxBytes: 16 << 20,
    ...rest,
  };
  const access: KafkaAccess = {
    brokers,
    clientId,
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
    unavailableMs: settings.unavailableMs,
    clock,
    logger,
  };
  const connections = new Connections(access, REQUEST_LIMIT_MS);
  const limit = { ...access, unavailableMs: Math.min(OPENING_LIMIT_MS, access.unavailableMs) };
  try {
    const connect = () => connections.anyNode();
    await persist(limit, `connecting to ${brokers.join(', ')}`, connect, (error) => connections.recover(error));
  } catch (error) {
    await connections.close(clock);
    throw error;
  }
  return new KafkaLog(access, settings, connections);
}

class KafkaLog implements Log {
  readonly #access: KafkaAccess;
  readonly #settings: Settings;
  readonly #connections: Connections;
  readonly #topics: Topics;
  readonly #appender: Appender;
  readonly #members = new Set<KafkaMember>();
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor(access: KafkaAccess, settings: Settings, connections: Connections) {
    this.#access = access;
    this.#settings = settings;
    this.#connections = connections;
    const { replicationFactor, topicSettings } = settings;
    const made = { topicSettings, ...(replicationFactor !== undefined && { replicationFactor }) };
    this.#topics = new Topics({ access, connections, ...made });
    this.#appender = new Appender({ access, connections, topics: this.#topics });
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#check();
    await this.#topics.ensure(topics.map((spec) => ({ ...spec, topic: this.#named(spec.topic) })));
  }

  async append(topic: string, records: readonly NewRecord[]): Promise<void> {
    this.#check();
    await this.#appender.append(this.#named(topic), records);
  }

  async join(group: GroupOptions): Promise<Member> {
    this.#check();
    for (const topic of group.topics) await this.#topics.topic(this.#named(topic));
    if (this.#closing !== undefined) throw closedError();
    const { topicPrefix, sessionMs, stallMs, batchLimitMs, maxBytes, maxBytesPerPartition } = this.#settings;
    const member: KafkaMember = new KafkaMember({
      access: this.#access,
      topics: this.#topics,
      connections: new Connections(this.#access, sessionMs),
      group,
      prefix: topicPrefix,
      sessionMs,
      rebalanceMs: Math.max(REBALANCE_MS, 2 * sessionMs),
      bytesMax: maxBytes,
      bytesMaxPerPartition: maxBytesPerPartition,
      stallMs,
      batchLimitMs,
      ended: () => this.#members.delete(member),
    });
    this.#members.add(member);
    await member.start();
    return member;
  }

  async *read(topic: string, partition: number, range: ReadRange = {}): AsyncGenerator<readonly LogRecord[]> {
    this.#check();
    for (const offset of [range.from, range.to]) checkOffset(topic, offset);
    const { maxBytesPerPartition, stallMs } = this.#settings;
    const parts = { access: this.#access, connections: this.#connections, topics: this.#topics };
    yield* readPartition({ ...parts, bytesMax: maxBytesPerPartition, stallMs }, this.#named(topic), partition, range);
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    this.#check();
    return this.#topics.offsets(await this.#topics.topic(this.#named(topic)));
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, Committed>> {
    this.#check();
    const { name, leaders } = await this.#topics.topic(this.#named(topic));
    const groupId = this.#named(group);
    const ask = async () =>
      fetchCommitted(await this.#connections.coordinator(groupId), groupId, name, [...leaders.keys()]);
    const doing = `asking what the group "${groupId}" has committed`;
    return persist(this.#access, doing, ask, (error) => this.#connections.recover(error));
  }

  async incarnation(topic: string): Promise<string> {
    this.#check();
    const name = this.#named(topic);
    this.#topics.forget(name);
    return (await this.#topics.topic(name)).id;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Members may append and commit until they have stopped.
    await Promise.all([...this.#members].map((member) => member.stop()));
    this.#closed = true;
    await this.#appender.drained();
    await this.#connections.close(this.#settings.clock);
  }

  #named(name: string): string {
    return this.#settings.topicPrefix + name;
  }

  #check(): void {
    if (this.#closed) throw closedError();
  }
}

function closedError(): LogError {
  return new LogError('closed', 'This log is closed. Open it again.');
}

function checkOffset(topic: string, offset: number | undefined): void {
  if (offset === undefined || (Number.isSafeInteger(offset) && offset >= 0)) return;
  throw new LogError('out-of-range', `${offset} is no offset of topic "${topic}". Give a whole number from 0.`);
}

import type { ConnectionOptions } from 'node:tls';
import {
  type Broker,
  type BrokerMetadata,
  type Cluster,
  type CoordinatorMetadata,
  type ITopicConfig,
  Kafka,
  logLevel,
  type SASLOptions,
} from 'kafkajs';
import type { Clock } from '../domain/clock.ts';
import { isLasting, toLogError, typeOf } from './kafka-errors.ts';
import { mendKafkaJs } from './kafka-mends.ts';
import { Nodes } from './kafka-nodes.ts';
import { describeCluster } from './kafka-requests.ts';
import { connectWholeAnswers } from './kafka-socket.ts';
import { LogError } from './log.ts';

/** Where a Kafka log writes what an operator may want to know: a pino logger fits. */
export interface KafkaLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** How to reach a cluster. */
export interface KafkaAccess {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: SASLOptions;
  /** Brokers may be away for so long before calls are rejected, and members end, as `unavailable`. */
  readonly unavailableMs: number;
  readonly clock: Clock;
  readonly logger: KafkaLogger;
}

/** What kafkajs asks of a request that it is to send: the body, and how to read the answer. */
export interface WireRequest<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    decode(payload: Buffer): Promise<T>;
    parse(decoded: T): Promise<T>;
  };
  readonly requestTimeout?: number;
}

interface JoinedGroup {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

/** One broker: what kafkajs 2.2.4 declares of it, and what it has besides. The version is pinned, and will not move any more. */
export interface KafkaNode extends Broker {
  /** What the broker can do: API key → versions. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
  readonly connectionPool: {
    readonly pool: readonly {
      readonly socket?: { destroy(): unknown } | null;
      /** Looks after time-outs. */
      readonly requestQueue: { rejectAll(error: Error): void; destroy(): void };
      isConnected(): boolean;
    }[];
    getConnection(index?: number): Promise<unknown>;
    send<T>(request: WireRequest<T>): Promise<T>;
  };
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<CoordinatorMetadata>;
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    groupProtocols: { name: string; metadata: Buffer }[];
  }): Promise<JoinedGroup>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  createTopics(request: { topics: ITopicConfig[]; timeout: number }): Promise<unknown>;
  describeConfigs(request: { resources: { type: number; name: string; configNames: string[] }[] }): Promise<{
    resources: readonly { configEntries: readonly { configName: string; configValue: string }[] }[];
  }>;
  initProducerId(request: { transactionTimeout: number }): Promise<{ producerId: string; producerEpoch: number }>;
  listOffsets(request: {
    isolationLevel: number;
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
  }): Promise<{
    responses: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }>;
}

const GROUP = 0;

/** What kafkajs's `Cluster` has besides. */
interface Innards {
  readonly brokerPool: {
    readonly seedBroker: KafkaNode | undefined;
    readonly brokers: Readonly<Record<string, KafkaNode>>;
    createBroker(options: object): KafkaNode;
  };
}

/** kafkajs with its own retries short, since ours are aware of leases and limits. */
function createKafka(access: KafkaAccess, requestTimeoutMs: number): Kafka {
  mendKafkaJs();
  return new Kafka({
    brokers: [...access.brokers],
    clientId: access.clientId,
    ...(access.ssl === undefined ? {} : { ssl: access.ssl }),
    ...(access.sasl === undefined ? {} : { sasl: access.sasl }),
    connectionTimeout: 3_000,
    requestTimeout: requestTimeoutMs,
    socketFactory: connectWholeAnswers,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 2 },
    logLevel: logLevel.INFO,
    // All that kafkajs finds worth saying comes back to us as an error too, and is told by us when it matters.
    logCreator: () => (entry) => {
      const { message, timestamp: _, logger: __, ...fields } = entry.log;
      access.logger.debug({ kafkajs: entry.namespace, ...fields }, message);
    },
  });
}

/**
 * A broker that asks for no topics when it looks for the others, and is not connected before it has said what it can do: kafkajs takes an open
 * connection for enough, also when that question went unanswered, and never asks again.
 */
function repaired(node: KafkaNode): KafkaNode {
  const isConnected = node.isConnected.bind(node);
  node.isConnected = () => node.versions !== null && isConnected();
  node.metadata = async () => {
    const { brokers, clusterId, controllerId } = await describeCluster(node, []);
    return { brokers: [...brokers], clusterId, controllerId, throttleTime: 0, topicMetadata: [] } as BrokerMetadata;
  };
  return node;
}

/**
 * Connections to the brokers of a cluster: at most two a broker, one of them for fetching alone.
 *
 * kafkajs hands its own to a partition assigner: that is how we get at them without its consumer.
 */
export class Connections {
  readonly #cluster: Cluster & Innards;
  readonly #nodes = new Nodes();
  #closed = false;

  constructor(access: KafkaAccess, requestTimeoutMs: number) {
    let taken: Cluster | undefined;
    createKafka(access, requestTimeoutMs).consumer({
      groupId: 'none',
      allowAutoTopicCreation: false,
      partitionAssigners: [
        ({ cluster }) => {
          taken = cluster;
          const nobody = { name: 'none', version: 0, metadata: Buffer.alloc(0) };
          return { ...nobody, assign: async () => [], protocol: () => nobody };
        },
      ],
    });
    if (taken === undefined) throw new Error('kafkajs made a consumer without asking for its assigner');
    this.#cluster = taken as Cluster & Innards;
    const { brokerPool } = this.#cluster;
    const createBroker = brokerPool.createBroker;
    brokerPool.createBroker = (options) => this.#nodes.add(repaired(createBroker(options)));
  }

  /** A broker by its number, connected. */
  async node(nodeId: number): Promise<KafkaNode> {
    await this.#open();
    return (await this.#cluster.findBroker({ nodeId: String(nodeId) })) as KafkaNode;
  }

  /** The controller, or some broker that passes on to it, connected. */
  async anyNode(): Promise<KafkaNode> {
    await this.#open();
    return (await this.#cluster.findControllerBroker()) as KafkaNode;
  }

  /** The broker that coordinates a group, connected. */
  async coordinator(groupId: string): Promise<KafkaNode> {
    const node = await this.anyNode();
    const { coordinator } = await node.findGroupCoordinator({ groupId, coordinatorType: GROUP });
    return this.node(coordinator.nodeId);
  }

  /** After a failure that a broker which went away may have caused: looks which brokers there are. */
  async recover(error: unknown): Promise<void> {
    if (this.#closed || !(typeOf(error).startsWith('KafkaJS') || typeOf(error) === 'NOT_CONTROLLER')) return;
    // A broker that does not answer gets new connections.
    if (typeOf(error) === 'KafkaJSRequestTimeoutError') this.#cluster.removeBroker(addressOf(error));
    // A failure here shows again when the caller repeats what failed.
    await this.#cluster.refreshMetadata().catch(() => undefined);
    const { seedBroker, brokers } = this.#cluster.brokerPool;
    this.#nodes.retire(new Set([seedBroker, ...Object.values(brokers)]));
  }

  /** Waits for answers still to come, but not for long. */
  async close(clock: Clock): Promise<void> {
    this.#closed = true;
    await atMost(clock, CLOSE_LIMIT_MS, this.#nodes.close());
    this.#nodes.cutOff();
  }

  /** kafkajs would open again what was closed. */
  async #open(): Promise<void> {
    if (this.#closed) throw new LogError('closed', 'This log is closed. Open it again.');
    await this.#cluster.refreshMetadataIfNecessary();
  }
}

/** Waits for a promise, but not longer than `limitMs`. Rejects when it does. */
export async function atMost(clock: Clock, limitMs: number, promise: Promise<unknown>): Promise<void> {
  const timeout = new AbortController();
  try {
    await Promise.race([promise, clock.sleep(limitMs, timeout.signal)]);
  } finally {
    timeout.abort();
  }
}

/** The broker that a time-out of kafkajs names. */
function addressOf(error: unknown): { host: string; port: number } {
  const broker = error instanceof Error && 'broker' in error ? String(error.broker) : '';
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) };
}

const CLOSE_LIMIT_MS = 3_000;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;

/** Delays between attempts: 50 ms, doubled up to 1 s. */
export function retryDelayMs(attempt: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** attempt, LONGEST_DELAY_MS);
}

/**
 * Repeats what fails while brokers are away or change their roles.
 *
 * @param doing for the message, after "Kafka failed at".
 * @throws LogError `unavailable` after `access.unavailableMs`, and at once for what does not pass by itself.
 */
export async function persist<T>(
  access: KafkaAccess,
  doing: string,
  action: () => Promise<T>,
  recover: (error: unknown) => Promise<void>,
): Promise<T> {
  const startedAt = access.clock.elapsed();
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      const waited = access.clock.elapsed() - startedAt;
      if (isLasting(error) || waited > access.unavailableMs) throw toLogError(error, doing);
      if (attempt === WARN_AT_ATTEMPT) access.logger.warn({ err: error }, `Kafka failed at ${doing}; trying again`);
      await recover(error);
      await access.clock.sleep(retryDelayMs(attempt));
    }
  }
}

/** By then something has lasted longer than an ordinary change of roles: about 1.5 s. */
const WARN_AT_ATTEMPT = 5;

import { type Connections, type KafkaAccess, persist } from './kafka-client.ts';
import { BrokerRefusal, toLogError, typeOf } from './kafka-errors.ts';
import { describeCluster } from './kafka-requests.ts';
import { LogError, type PartitionOffsets, type TopicSpec } from './log.ts';

/** What the adapter knows of a topic. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  /** Number of the leading broker by partition; -1 while there is none. */
  readonly leaders: readonly number[];
}

export interface TopicsOptions {
  readonly access: KafkaAccess;
  readonly connections: Connections;
  /** Of topics that are made. Without it, the broker's default. */
  readonly replicationFactor?: number;
  /** More settings of topics that are made. */
  readonly topicSettings?: Readonly<Record<string, string>>;
}

const CREATE_LIMIT_MS = 10_000;
const NEW_TOPIC_LIMIT_MS = 30_000;
const POLL_MS = 50;
const RECORD_BYTES_DEFAULT = 1_048_588;
const EARLIEST = -2;
const LATEST = -1;
const READ_COMMITTED = 1;
const UNKNOWN_TOPIC = 3;
/** kafkajs's `ConfigResourceTypes.TOPIC`, which an ES module cannot import by name. */
const TOPIC_RESOURCE = 2;
/** Old values of a key stay for so long: what a lost owner still wrote cannot hide what its successor wrote before. */
const COMPACTION_LAG_MS = 6 * 3_600_000;
const COMPACTED_SEGMENT_MS = 3_600_000;

/** The topics of a cluster: makes them, and remembers who leads their partitions. */
export class Topics {
  readonly #options: TopicsOptions;
  readonly #known = new Map<string, Promise<Topic>>();
  readonly #recordBytesMax = new Map<string, Promise<number>>();
  /** What was asked of topics that were ensured. */
  readonly #specs = new Map<string, TopicSpec>();

  constructor(options: TopicsOptions) {
    this.#options = options;
  }

  /** @throws LogError `unknown-topic`; `partition-count` when one that was ensured has another number by now. */
  topic(name: string): Promise<Topic> {
    let known = this.#known.get(name);
    if (known === undefined) {
      known = this.#describe(name);
      this.#known.set(name, known);
      known.catch(() => this.#known.delete(name));
    }
    return known;
  }

  /** Asks anew at the next use: leaders have changed. */
  forget(name: string): void {
    this.#known.delete(name);
  }

  /** Earliest and end offset of partitions, by number. The end is that of committed transactions. */
  async offsets(
    topic: Topic,
    partitions: readonly number[] = topic.leaders.map((_, i) => i),
  ): Promise<PartitionOffsets[]> {
    const found = await Promise.all([
      this.#listOffsets(topic.name, partitions, EARLIEST),
      this.#listOffsets(topic.name, partitions, LATEST),
    ]);
    return partitions.map((partition) => {
      const [earliest, end] = found.map((offsets) => offsets.get(partition));
      if (earliest === undefined || end === undefined) throw noPartition(topic, partition);
      return { partition, earliest, end };
    });
  }

  /** The topic's `max.message.bytes`, or Kafka's default where this user may not ask for it. */
  recordBytesMax(name: string): Promise<number> {
    let known = this.#recordBytesMax.get(name);
    if (known === undefined) {
      known = this.#settings(name).then((settings) =>
        Number(settings?.get('max.message.bytes') ?? RECORD_BYTES_DEFAULT),
      );
      this.#recordBytesMax.set(name, known);
      known.catch(() => this.#recordBytesMax.delete(name));
    }
    return known;
  }

  async ensure(specs: readonly TopicSpec[]): Promise<void> {
    const missing: TopicSpec[] = [];
    for (const spec of specs) {
      this.forget(spec.topic);
      if (await this.#exists(spec.topic)) await this.#check(spec);
      else missing.push(spec);
    }
    if (missing.length > 0) await this.#create(missing);
  }

  async #exists(name: string): Promise<boolean> {
    try {
      await this.topic(name);
      return true;
    } catch (error) {
      if (error instanceof LogError && error.code === 'unknown-topic') return false;
      throw error;
    }
  }

  async #describe(name: string): Promise<Topic> {
    return this.#persist(`looking up topic "${name}"`, async () => {
      const [found] = (await describeCluster(await this.#options.connections.anyNode(), [name])).topics;
      if (found === undefined || found.errorCode === UNKNOWN_TOPIC) throw unknownTopic(name);
      if (found.leaders.length === 0) throw new BrokerRefusal(found.errorCode, `to describe topic "${name}"`);
      const spec = this.#specs.get(name);
      if (spec !== undefined) checkCount(spec, found.leaders.length);
      return { name, id: found.id, leaders: found.leaders };
    });
  }

  async #listOffsets(name: string, partitions: readonly number[], timestamp: number): Promise<Map<number, number>> {
    return this.#persist(
      `asking for the offsets of topic "${name}"`,
      async () => {
        const { leaders } = await this.topic(name);
        const requests = [...Map.groupBy(partitions, (partition) => leaders[partition] ?? -1)].map(
          async ([leader, led]) => {
            const node = await this.#options.connections.node(leader);
            const asked = led.map((partition) => ({ partition, timestamp }));
            const topics = [{ topic: name, partitions: asked }];
            return (await node.listOffsets({ isolationLevel: READ_COMMITTED, topics })).responses;
          },
        );
        const answers = (await Promise.all(requests)).flat().flatMap((answer) => answer.partitions);
        return new Map(answers.map(({ partition, offset }) => [partition, Number(offset)]));
      },
      () => this.forget(name),
    );
  }

  async #check(spec: TopicSpec): Promise<void> {
    const { topic: name, cleanup } = spec;
    checkCount(spec, (await this.topic(name)).leaders.length);
    this.#specs.set(name, spec);
    const settings = await this.#settings(name);
    if (settings === undefined) return;
    const policy = settings.get('cleanup.policy') ?? '';
    if (cleanup === 'compact' && policy.split(',').includes('delete')) {
      throw new LogError(
        'storage',
        `Topic "${name}" is cleaned up by "${policy}", and would lose keys that have not changed for a while. ` +
          'Set its cleanup.policy to compact.',
      );
    }
    if (settings.get('message.timestamp.type') !== 'LogAppendTime') {
      this.#options.access.logger.warn({ topic: name }, 'this topic should have message.timestamp.type=LogAppendTime');
    }
  }

  async #create(specs: readonly TopicSpec[]): Promise<void> {
    const names = specs.map(({ topic }) => topic).join(', ');
    await this.#persist(`making the topics ${names}`, async () => {
      const node = await this.#options.connections.anyNode();
      const topics = specs.map((spec) => ({
        topic: spec.topic,
        numPartitions: spec.partitionCount,
        replicationFactor: this.#options.replicationFactor ?? -1,
        configEntries: Object.entries(this.#newSettings(spec)).map(([name, value]) => ({ name, value })),
      }));
      await node
        .createTopics({ topics, timeout: CREATE_LIMIT_MS })
        .catch((cause: unknown) => refuseToCreate(names, cause));
    });
    for (const spec of specs) {
      await this.#untilLed(spec.topic);
      await this.#check(spec);
    }
  }

  #newSettings({ cleanup, retentionMs }: TopicSpec): Record<string, string> {
    const kept: Record<string, string> =
      cleanup === 'delete'
        ? retentionMs === undefined
          ? {}
          : { 'retention.ms': String(retentionMs) }
        : { 'min.compaction.lag.ms': String(COMPACTION_LAG_MS), 'segment.ms': String(COMPACTED_SEGMENT_MS) };
    const safe: Record<string, string> =
      (this.#options.replicationFactor ?? 0) >= 3 ? { 'min.insync.replicas': '2' } : {};
    const always = { 'cleanup.policy': cleanup, 'message.timestamp.type': 'LogAppendTime' };
    return { ...always, ...kept, ...safe, ...this.#options.topicSettings };
  }

  /** Waits until every partition of a new topic has a leader, so that the first append does not meet one without. */
  async #untilLed(name: string): Promise<void> {
    const { clock } = this.#options.access;
    const startedAt = clock.elapsed();
    for (;;) {
      this.forget(name);
      const topic = (await this.#exists(name)) ? await this.topic(name) : undefined;
      if (topic?.leaders.every((leader) => leader >= 0)) return;
      if (clock.elapsed() - startedAt > NEW_TOPIC_LIMIT_MS) {
        throw new LogError(
          'unavailable',
          `The new topic "${name}" has partitions without a leader. Check the brokers.`,
        );
      }
      await clock.sleep(POLL_MS);
    }
  }

  /** Settings that matter here; `undefined` where this user may not ask for them. */
  async #settings(name: string): Promise<ReadonlyMap<string, string> | undefined> {
    const { logger } = this.#options.access;
    return this.#persist(`asking for the settings of topic "${name}"`, async () => {
      const node = await this.#options.connections.anyNode();
      const configNames = ['cleanup.policy', 'message.timestamp.type', 'max.message.bytes'];
      try {
        const resources = [{ type: TOPIC_RESOURCE, name, configNames }];
        const answer = await node.describeConfigs({ resources });
        const entries = answer.resources[0]?.configEntries ?? [];
        return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
      } catch (error) {
        if (!typeOf(error).endsWith('AUTHORIZATION_FAILED')) throw error;
        logger.debug({ topic: name }, 'this user may not describe topics: their settings are not checked');
        return undefined;
      }
    });
  }

  #persist<T>(doing: string, action: () => Promise<T>, changed?: () => void): Promise<T> {
    return persist(this.#options.access, doing, action, async (error) => {
      changed?.();
      await this.#options.connections.recover(error);
    });
  }
}

/** @throws LogError `partition-count`. */
function checkCount({ topic: name, partitionCount, cleanup }: TopicSpec, count: number): void {
  if (count === partitionCount) return;
  const anew =
    cleanup === 'delete'
      ? 'delete it: it is made anew at the next start, baselines are kept, and what stages have not dealt with yet (see `tokenwarden status`) is lost'
      : 'put a copy with the old number in its place: it holds what nothing else does';
  throw new LogError(
    'partition-count',
    `Topic "${name}" has ${count} partitions, and ${partitionCount} are configured. With another number keys change their ` +
      `partition, and tokens would be judged without their baselines. If the configuration was changed, set partitionCount to ${count} ` +
      `again. If somebody has changed the topic, stop all processes and ${anew}. Or begin anew with a topicPrefix of its own.`,
  );
}

/** kafkajs gathers the errors of several topics; those that exist by now are none, and checked after. */
function refuseToCreate(names: string, cause: unknown): void {
  const errors: unknown[] =
    cause instanceof Error && 'errors' in cause && Array.isArray(cause.errors) ? cause.errors : [cause];
  const refused = errors.find((error) => typeOf(error) !== 'TOPIC_ALREADY_EXISTS');
  if (refused === undefined) return;
  const passing = ['NOT_CONTROLLER', 'REQUEST_TIMED_OUT', 'KafkaJSConnectionError', 'KafkaJSConnectionClosedError'];
  if (passing.includes(typeOf(refused))) throw refused;
  const { message } = toLogError(refused, `making the topics ${names}`);
  throw new LogError('storage', message, { cause: refused });
}

export function unknownTopic(name: string): LogError {
  return new LogError('unknown-topic', `There is no topic "${name}" in this Kafka. Check its name, or make it.`);
}

export function noPartition({ name, leaders }: Topic, partition: number): LogError {
  return new LogError('out-of-range', `Topic "${name}" has partitions 0 to ${leaders.length - 1}, not ${partition}.`);
}

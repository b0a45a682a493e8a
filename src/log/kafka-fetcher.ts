import { type Connections, type KafkaAccess, retryDelayMs } from './kafka-client.ts';
import { BrokerRefusal, isLasting, toLogError } from './kafka-errors.ts';
import type { Holding } from './kafka-holding.ts';
import { type FetchedPartition, fetchRecords } from './kafka-requests.ts';
import type { Topic, Topics } from './kafka-topics.ts';
import { LogError } from './log.ts';

export interface FetcherOptions {
  readonly access: KafkaAccess;
  readonly connections: Connections;
  readonly topics: Topics;
  readonly holdings: () => Iterable<Holding>;
  readonly bytesMax: number;
  readonly bytesMaxPerPartition: number;
  readonly failed: (cause: unknown) => void;
}

/** How long a broker may wait for a first record. */
const IDLE_WAIT_MS = 250;
/** The same while another partition of the broker is being worked on, and may soon want more. */
const BUSY_WAIT_MS = 10;
const OUT_OF_RANGE = 1;

/**
 * Fetches for the partitions of a member: one request a broker at a time, for those partitions that want records. A partition whose
 * callback is at work has its next batch fetched meanwhile; and does not keep the others waiting, as it would with kafkajs's own
 * consumer.
 *
 * In all, `bytesMax` bounds what is fetched and not yet worked off: beyond it, nothing more is fetched. (A single batch of records
 * may be larger, and comes nevertheless.)
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #busyNodes = new Set<number>();
  readonly #topicIds = new Map<string, string>();
  readonly #warned = new Set<string>();
  readonly #stopping = new AbortController();
  #scheduled = false;
  #attempt = 0;
  #turn = 0;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** Looks, soon, for partitions that want records. */
  wake(): void {
    if (this.#scheduled || this.#stopping.signal.aborted) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#fetchWhatIsWanted();
    });
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Whether nothing is fetched since callbacks have not worked off what was. */
  isFull(): boolean {
    return this.#room() <= 0;
  }

  #room(): number {
    let held = 0;
    for (const { heldBytes } of this.#options.holdings()) held += heldBytes;
    return this.#options.bytesMax - held;
  }

  async #fetchWhatIsWanted(): Promise<void> {
    const byNode = new Map<number, Holding[]>();
    try {
      for (const holding of this.#options.holdings()) {
        if (!holding.wantsRecords()) continue;
        const topic = await this.#options.topics.topic(holding.kafkaTopic);
        this.#checkSame(topic);
        const { leaders } = topic;
        const leader = leaders[holding.name.partition] ?? -1;
        byNode.set(leader, [...(byNode.get(leader) ?? []), holding]);
      }
    } catch (error) {
      this.#options.failed(error);
      return;
    }
    for (const [nodeId, wanting] of byNode) {
      if (this.#busyNodes.has(nodeId) || this.#stopping.signal.aborted || this.isFull()) continue;
      this.#busyNodes.add(nodeId);
      void this.#fetch(nodeId, wanting).finally(() => {
        this.#busyNodes.delete(nodeId);
        this.wake();
      });
    }
  }

  /** Offsets mean nothing in a topic that was made anew under its name. */
  #checkSame({ name, id }: Topic): void {
    const known = this.#topicIds.get(name);
    if (known === undefined) this.#topicIds.set(name, id);
    else if (known !== id) {
      throw new LogError(
        'unknown-topic',
        `Topic "${name}" was deleted, and made anew, while it was read: positions in it mean nothing any more. ` +
          'Restart the process when that was meant.',
      );
    }
  }

  async #fetch(nodeId: number, wanting: Holding[]): Promise<void> {
    const { connections, bytesMaxPerPartition, holdings } = this.#options;
    // A broker sends a batch that is larger than it may only for the first partition: each is the first in its turn.
    const order = rotate(wanting, this.#turn++)
      .filter((holding) => holding.wantsRecords())
      .map((holding) => ({ holding, from: holding.position }));
    if (order.length === 0) return;
    const isBusy = [...holdings()].some((holding) => holding.isBusy);
    try {
      const node = await connections.node(nodeId);
      const fetched = await fetchRecords(node, {
        partitions: order.map(({ holding: { kafkaTopic, name }, from }) => {
          return { topic: kafkaTopic, partition: name.partition, from, bytesMax: bytesMaxPerPartition };
        }),
        waitMs: isBusy ? BUSY_WAIT_MS : IDLE_WAIT_MS,
        bytesMax: Math.max(this.#room(), 1),
      });
      const arrived = new Map(fetched.map((one) => [nameOf(one.topic, one.partition), one]));
      const refused = order.filter(({ holding, from }) => {
        const { kafkaTopic, name } = holding;
        return this.#deliver(holding, from, arrived.get(nameOf(kafkaTopic, name.partition))) !== undefined;
      });
      if (refused.length === 0) this.#attempt = 0;
      else await this.#delay();
    } catch (error) {
      await connections.recover(error);
      for (const { holding } of order) this.#trouble(holding, error);
      await this.#delay();
    }
  }

  #deliver(holding: Holding, from: number, fetched: FetchedPartition | undefined): BrokerRefusal | undefined {
    const { kafkaTopic, name } = holding;
    if (fetched === undefined) return undefined;
    if (fetched.errorCode !== 0 && fetched.errorCode !== OUT_OF_RANGE) {
      const refusal = new BrokerRefusal(fetched.errorCode, `to read ${kafkaTopic}/${name.partition}`);
      this.#trouble(holding, refusal);
      return refusal;
    }
    holding.failingSince = undefined;
    if (fetched.errorCode === OUT_OF_RANGE) holding.deliver(from, 'out-of-range');
    else if (fetched.next > from) holding.deliver(from, fetched);
    if (fetched.claimedTimes) this.#warnOfTimes(kafkaTopic);
    return undefined;
  }

  /** Leaders move, brokers restart: that passes, or it takes too long. */
  #trouble(holding: Holding, error: unknown): void {
    const { access, topics, failed } = this.#options;
    const now = access.clock.elapsed();
    holding.failingSince ??= now;
    topics.forget(holding.kafkaTopic);
    if (isLasting(error) || now - holding.failingSince > access.unavailableMs) {
      failed(toLogError(error, `reading ${holding.kafkaTopic}/${holding.name.partition}`));
    }
  }

  async #delay(): Promise<void> {
    await this.#options.access.clock.sleep(retryDelayMs(this.#attempt++), this.#stopping.signal);
  }

  #warnOfTimes(topic: string): void {
    if (this.#warned.has(topic)) return;
    this.#warned.add(topic);
    const message =
      'records of this topic carry the time their producers claim: set its message.timestamp.type=LogAppendTime';
    this.#options.access.logger.warn({ topic }, message);
  }
}

function rotate<T>(values: readonly T[], by: number): T[] {
  const first = by % values.length;
  return [...values.slice(first), ...values.slice(0, first)];
}

function nameOf(topic: string, partition: number): string {
  return JSON.stringify([topic, partition]);
}

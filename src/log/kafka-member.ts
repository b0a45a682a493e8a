import { atMost, type Connections, type KafkaAccess, persist, retryDelayMs } from './kafka-client.ts';
import { isLasting, toLogError } from './kafka-errors.ts';
import { Fetcher } from './kafka-fetcher.ts';
import { Holding } from './kafka-holding.ts';
import { Membership } from './kafka-membership.ts';
import { checkPosition, fetchCommitted } from './kafka-positions.ts';
import { type Instant, Tenure } from './kafka-tenure.ts';
import { noPartition, type Topics } from './kafka-topics.ts';
import { type Watched, watchProgress } from './kafka-watch.ts';
import { type Committed, type GroupOptions, LogError, type Member, type TopicPartition } from './log.ts';

export interface MemberOptions {
  readonly access: KafkaAccess;
  readonly topics: Topics;
  /** The member's own; closed when it ends. */
  readonly connections: Connections;
  readonly group: GroupOptions;
  /** What is put before names of topics and groups in Kafka. */
  readonly prefix: string;
  readonly sessionMs: number;
  readonly rebalanceMs: number;
  readonly bytesMax: number;
  readonly bytesMaxPerPartition: number;
  /** Records are there, and none comes: for so long. */
  readonly stallMs: number;
  /** One batch may be in the callback's hands for so long. */
  readonly batchLimitMs: number;
  readonly ended: () => void;
}

/** A member of a Kafka consumer group. */
export class KafkaMember implements Member {
  readonly done: Promise<void>;
  readonly #options: MemberOptions;
  readonly #membership: Membership;
  readonly #fetcher: Fetcher;
  readonly #groupName: string;
  /** The latest holding of each partition, also after its end. */
  readonly #holdings = new Map<string, Holding>();
  /** Resolves when `join` has returned: no callback comes before the caller has the member. */
  readonly #joined = Promise.withResolvers<void>();
  readonly #outcome = Promise.withResolvers<void>();
  readonly #left = Promise.withResolvers<void>();
  readonly #watching = new AbortController();
  /** By the group's leader, whether held or not. */
  #assigned: readonly TopicPartition[] = [];
  #tenure: Tenure | undefined;
  #running = true;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.done = this.#outcome.promise;
    const { access, topics, connections, group, prefix, sessionMs, rebalanceMs, bytesMax, bytesMaxPerPartition } =
      options;
    const failed = (cause: unknown) => this.fail(cause);
    this.#groupName = prefix + group.group;
    const holdings = () => this.#holdings.values();
    this.#fetcher = new Fetcher({ access, topics, connections, holdings, bytesMax, bytesMaxPerPartition, failed });
    const subscribed = group.topics.map((topic) => prefix + topic);
    const events = {
      owned: () => this.#owned(),
      assign: (partitions: readonly TopicPartition[], since: Instant) => this.#assign(partitions, since),
      heard: (since: Instant) => this.#heard(since),
      called: (since: Instant) => this.#tenure?.call(since),
      lost: () => this.#lose(),
      failed,
    };
    const place = { group: this.#groupName, subscribed, sessionMs, rebalanceMs, events };
    this.#membership = new Membership({ access, topics, connections, ...place });
  }

  /** Resolves when the member runs. */
  async start(): Promise<void> {
    try {
      await this.#membership.start();
    } catch (error) {
      this.#running = false;
      await this.#end();
      this.#left.resolve();
      throw error;
    }
    setImmediate(this.#joined.resolve);
    void this.#watch();
  }

  /** When it rejects while brokers are away, the position may have been kept nevertheless. */
  async commit(name: TopicPartition, position: Committed): Promise<void> {
    const holding = this.#holdings.get(keyOf(this.#options.prefix + name.topic, name.partition));
    if (holding === undefined) throw this.#notOwner(name);
    checkPosition(name, position);
    await holding.commitInTurn(() => this.#commit(holding, position));
  }

  stop(): Promise<void> {
    if (this.#running) {
      this.#running = false;
      for (const holding of this.#holdings.values()) holding.release();
      void this.#leave(Promise.all([...this.#holdings.values()].map(({ ended }) => ended)));
    }
    return this.#left.promise;
  }

  /** Whoever waits for `done` learns it at once, even when other partitions have a callback in hand. */
  fail(cause: unknown): void {
    this.#outcome.reject(cause);
    for (const holding of this.#holdings.values()) holding.abandon();
    if (!this.#running) return;
    this.#running = false;
    void this.#leave(this.#untilEnded([...this.#holdings.values()]));
  }

  async #leave(ready: Promise<unknown>): Promise<void> {
    await ready;
    await this.#end();
    this.#outcome.resolve();
    this.#left.resolve();
  }

  async #end(): Promise<void> {
    const { access, connections, ended } = this.#options;
    this.#watching.abort();
    this.#fetcher.stop();
    await this.#membership.leave();
    this.#tenure?.end();
    await connections.close(access.clock);
    ended();
  }

  #owned(): TopicPartition[] {
    const held = [...this.#holdings.values()].filter((holding) => holding.lease.valid());
    return held.map(({ kafkaTopic, name }) => ({ topic: kafkaTopic, partition: name.partition }));
  }

  async #assign(partitions: readonly TopicPartition[], since: Instant): Promise<boolean> {
    this.#assigned = partitions;
    const keys = new Set(partitions.map(({ topic, partition }) => keyOf(topic, partition)));
    const lost = [...this.#holdings]
      .filter(([key, { isHeld }]) => isHeld && !keys.has(key))
      .map(([, holding]) => holding);
    // Nobody is given them before this member has joined anew without them.
    for (const holding of lost) holding.release();
    this.#heard(since);
    this.#tenure?.joined();
    for (const partition of partitions) this.#hold(partition);
    await this.#untilEnded(lost);
    for (const holding of lost) holding.revoke();
    return lost.length > 0;
  }

  /** Their leases are void already: after a while others may go on, even when a callback has not noticed. */
  #untilEnded(holdings: readonly Holding[]): Promise<void> {
    const { access, sessionMs } = this.#options;
    return atMost(access.clock, sessionMs, Promise.all(holdings.map(({ ended }) => ended)));
  }

  /** After a lapse everything is taken anew: the leases of before stay void. */
  #heard(since: Instant): void {
    if (this.#tenure?.renew(since)) return;
    const { access, sessionMs, rebalanceMs } = this.#options;
    const tenure = new Tenure({ clock: access.clock, leaseMs: sessionMs / 2, rejoinMs: rebalanceMs / 2 }, since);
    // An answer that took too long proves nothing; the next one may.
    if (!tenure.valid()) return;
    const again = [...this.#holdings.values()].filter(({ isHeld }) => isHeld);
    if (again.length > 0) {
      access.logger.warn(
        { group: this.#groupName, partitions: again.length },
        'leases had lapsed; taking the partitions anew',
      );
    }
    for (const holding of again) holding.revoke();
    this.#tenure = tenure;
    for (const partition of this.#assigned) this.#hold(partition);
  }

  #lose(): void {
    this.#assigned = [];
    this.#tenure?.end();
    for (const holding of this.#holdings.values()) holding.revoke();
  }

  #hold({ topic: kafkaTopic, partition }: TopicPartition): void {
    const key = keyOf(kafkaTopic, partition);
    const before = this.#holdings.get(key);
    const tenure = this.#tenure;
    if (!this.#running || !tenure?.valid() || before?.isCurrent) return;
    const { access, group, prefix, bytesMaxPerPartition } = this.#options;
    const name = { topic: kafkaTopic.slice(prefix.length), partition };
    const context = {
      options: group,
      clock: access.clock,
      bytesMax: bytesMaxPerPartition,
      kafkaTopic,
      tenure,
      committed: () => this.#committed(kafkaTopic, partition),
      offsets: () => this.#offsets(kafkaTopic, partition),
      wake: () => this.#fetcher.wake(),
    };
    const ready = Promise.all([before?.ended, this.#joined.promise]);
    this.#holdings.set(key, new Holding(context, name, ready, (cause) => this.fail(cause)));
  }

  async #offsets(topic: string, partition: number) {
    const found = await this.#options.topics.topic(topic);
    const [offsets] = await this.#options.topics.offsets(found, [partition]);
    if (offsets === undefined) throw noPartition(found, partition);
    return offsets;
  }

  async #committed(topic: string, partition: number): Promise<Committed | undefined> {
    const { access } = this.#options;
    const doing = `asking what the group "${this.#groupName}" has committed`;
    const ask = async () => {
      const node = await this.#membership.coordinator();
      return fetchCommitted(node, this.#groupName, topic, [partition]);
    };
    return (await persist(access, doing, ask, (error) => this.#recover(error))).get(partition);
  }

  async #commit(holding: Holding, { offset, metadata }: Committed): Promise<void> {
    const { clock } = this.#options.access;
    for (let attempt = 0; holding.mayCommit(); attempt++) {
      try {
        const node = await this.#membership.coordinator();
        const { memberId, generation } = this.#membership.standing();
        if (!holding.mayCommit()) break;
        const partitions = [{ partition: holding.name.partition, offset: String(offset), metadata }];
        const topics = [{ topic: holding.kafkaTopic, partitions }];
        await node.offsetCommit({ groupId: this.#groupName, groupGenerationId: generation, memberId, topics });
        return;
      } catch (error) {
        if (isLasting(error)) throw toLogError(error, `committing in the group "${this.#groupName}"`);
        await this.#recover(error);
        await clock.sleep(retryDelayMs(attempt));
      }
    }
    throw this.#notOwner(holding.name);
  }

  async #recover(error: unknown): Promise<void> {
    this.#membership.forgetCoordinator();
    await this.#options.connections.recover(error);
  }

  async #watch(): Promise<void> {
    const { access, stallMs, batchLimitMs } = this.#options;
    const { signal } = this.#watching;
    const watched = { group: this.#groupName, fetcher: this.#fetcher, holdings: () => this.#holdings.values() };
    const endOf = async ({ kafkaTopic, name }: Watched) => (await this.#offsets(kafkaTopic, name.partition)).end;
    try {
      await watchProgress({ clock: access.clock, ...watched, endOf, stallMs, batchLimitMs, signal });
    } catch (error) {
      this.fail(error);
    }
  }

  #notOwner({ topic, partition }: TopicPartition): LogError {
    return new LogError(
      'not-owner',
      `${topic}/${partition} is not, or no longer, this member's in the group "${this.#groupName}". ` +
        'Drop what was done for it: its owner does that again.',
    );
  }
}

function keyOf(topic: string, partition: number): string {
  return JSON.stringify([topic, partition]);
}

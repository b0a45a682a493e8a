import { type GroupContext, Holding } from './embedded-holding.ts';
import type { Partition, Topic } from './embedded-topic.ts';
import { notOwner } from './embedded-writer.ts';
import type { Committed, GroupOptions, Member, TopicPartition } from './log.ts';

/** How often the owner looks for what other processes appended. */
const WATCH_MS = 100;

/** The consumer groups of one process: who has which partition, and handing over when that changes. */
export class Groups {
  readonly #context: GroupContext;
  /** Members in order of joining. */
  readonly #members = new Set<EmbeddedMember>();
  /** The latest holding of each partition of each group, until it has ended. */
  readonly #holdings = new Map<string, Holding>();
  #watching: AbortController | undefined;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  join(options: GroupOptions, topics: readonly Topic[]): Member {
    const member = new EmbeddedMember(this.#context, options, topics, {
      leaving: () => this.#share(options.group),
      left: () => this.#remove(member),
    });
    this.#members.add(member);
    this.#share(options.group);
    if (this.#watching === undefined) void this.#watch();
    return member;
  }

  /** Stops every member and waits for all of them; what they fail with is told by their `done`. */
  async stop(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.stop()));
  }

  /** Ends every member with a failure of the log itself. */
  fail(cause: unknown): void {
    for (const member of this.#members) member.fail(cause);
  }

  #remove(member: EmbeddedMember): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#watching?.abort();
    this.#watching = undefined;
  }

  /** Gives partition p of each topic to the running member p modulo their number: the same partitions of two topics stay together. */
  #share(group: string): void {
    const members = [...this.#members].filter((member) => member.group === group);
    for (const topic of new Set(members.flatMap((member) => member.topics))) {
      const takers = members.filter((member) => member.running && member.topics.includes(topic));
      for (const partition of topic.partitions) {
        const key = JSON.stringify([group, topic.name, partition.number]);
        const current = this.#holdings.get(key);
        const owner = takers[partition.number % takers.length];
        if (current !== undefined && owner?.holds(current)) continue;
        current?.release();
        if (owner !== undefined) this.#hold(key, owner.take(partition, current?.ended));
      }
    }
  }

  #hold(key: string, holding: Holding): void {
    this.#holdings.set(key, holding);
    void holding.ended.then(() => {
      if (this.#holdings.get(key) === holding) this.#holdings.delete(key);
    });
  }

  async #watch(): Promise<void> {
    const watching = new AbortController();
    this.#watching = watching;
    while (!watching.signal.aborted) {
      await this.#context.clock.sleep(WATCH_MS, watching.signal);
      if (watching.signal.aborted) return;
      try {
        this.#context.store.refresh();
      } catch (error) {
        this.fail(error);
      }
    }
  }
}

interface MemberEvents {
  /** No longer running: others may be given its partitions. */
  readonly leaving: () => void;
  /** Every holding has ended. */
  readonly left: () => void;
}

class EmbeddedMember implements Member {
  readonly group: string;
  readonly topics: readonly Topic[];
  readonly done: Promise<void>;
  readonly #context: GroupContext;
  readonly #options: GroupOptions;
  readonly #events: MemberEvents;
  readonly #holdings = new Set<Holding>();
  readonly #outcome = Promise.withResolvers<void>();
  readonly #left = Promise.withResolvers<void>();
  #running = true;

  constructor(context: GroupContext, options: GroupOptions, topics: readonly Topic[], events: MemberEvents) {
    this.#context = context;
    this.#options = options;
    this.group = options.group;
    this.topics = topics;
    this.#events = events;
    this.done = this.#outcome.promise;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Whether a holding is this member's, and not ended. */
  holds(holding: Holding): boolean {
    return this.#holdings.has(holding) && holding.lease.valid();
  }

  take(partition: Partition, previousEnded: Promise<void> | undefined): Holding {
    const holding = new Holding(this.#context, this.#options, partition, previousEnded, (cause) => this.fail(cause));
    this.#holdings.add(holding);
    void holding.ended.then(() => this.#holdings.delete(holding));
    return holding;
  }

  async commit(name: TopicPartition, committed: Committed): Promise<void> {
    const holding = [...this.#holdings].find(
      (one) => one.name.topic === name.topic && one.name.partition === name.partition && one.mayCommit(),
    );
    if (holding === undefined) throw notOwner(this.group, name);
    await this.#context.writer.commit(
      { group: this.group, partition: holding.partition, committed },
      holding.mayCommit,
    );
  }

  stop(): Promise<void> {
    if (this.#running) {
      for (const holding of this.#holdings) holding.release();
      void this.#leave();
    }
    return this.#left.promise;
  }

  /** Whoever waits for `done` learns it at once, even when other partitions have a callback in hand. */
  fail(cause: unknown): void {
    this.#outcome.reject(cause);
    for (const holding of this.#holdings) holding.abandon();
    if (this.#running) void this.#leave();
  }

  async #leave(): Promise<void> {
    this.#running = false;
    const ended = [...this.#holdings].map((holding) => holding.ended);
    this.#events.leaving();
    await Promise.all(ended);
    this.#events.left();
    this.#outcome.resolve();
    this.#left.resolve();
  }
}

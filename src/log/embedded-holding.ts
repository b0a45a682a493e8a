import type { Clock } from '../domain/clock.ts';
import type { EmbeddedStore } from './embedded-store.ts';
import type { Partition } from './embedded-topic.ts';
import type { Turns } from './embedded-turns.ts';
import type { Writer } from './embedded-writer.ts';
import { type GroupOptions, type Lease, LogError, type TopicPartition } from './log.ts';

/** What members of groups work with. */
export interface GroupContext {
  readonly store: EmbeddedStore;
  readonly writer: Writer;
  readonly turns: Turns;
  readonly clock: Clock;
}

/**
 * `held`: batches flow. `released`: it is handed over, or the member stops, and may still commit.
 * `abandoned`: the member failed. `ended`: no callback runs or will run.
 */
type State = 'held' | 'released' | 'abandoned' | 'ended';

/** One member's time with one partition, from `assigned` over its batches to `revoked`. */
export class Holding {
  readonly partition: Partition;
  readonly name: TopicPartition;
  readonly lease: Lease = { valid: () => this.#state === 'held' || this.#state === 'released' };
  /** Resolves when no callback of it runs or will run. Never rejects: failures go to `failed`. */
  readonly ended: Promise<void>;
  readonly #context: GroupContext;
  readonly #options: GroupOptions;
  #state: State = 'held';
  #started = false;
  #resume: (() => void) | undefined;

  /** Takes over when `previousEnded` resolves. */
  constructor(
    context: GroupContext,
    options: GroupOptions,
    partition: Partition,
    previousEnded: Promise<void> | undefined,
    failed: (cause: unknown) => void,
  ) {
    this.#context = context;
    this.#options = options;
    this.partition = partition;
    this.name = { topic: partition.topic, partition: partition.number };
    this.ended = this.#run(previousEnded).catch(failed);
  }

  /** From the first callback on, while the lease is valid. */
  readonly mayCommit = (): boolean => this.#started && this.lease.valid();

  release(): void {
    if (this.#state === 'held') this.#become('released');
  }

  abandon(): void {
    if (this.#state !== 'ended') this.#become('abandoned');
  }

  #become(state: State): void {
    this.#state = state;
    this.#wake();
  }

  async #run(previousEnded: Promise<void> | undefined): Promise<void> {
    await previousEnded;
    // A turn later `join` has resolved: no callback comes before the caller has the member.
    await this.#context.turns();
    try {
      if (!this.#is('held')) return;
      this.#started = true;
      await this.#consume();
      if (!this.#is('abandoned')) await this.#options.revoked?.(this.name);
    } finally {
      this.partition.idle.delete(this.#wake);
      this.#state = 'ended';
    }
  }

  async #consume(): Promise<void> {
    const { store, turns } = this.#context;
    let position = await this.#start();
    for (;;) {
      await turns();
      if (!this.#is('held')) return;
      store.refresh();
      if (position < this.partition.earliest) position = this.#passGap(position);
      const { end } = this.partition;
      const records = position < end ? store.read(this.partition, position, end) : [];
      const last = records.at(-1);
      if (last === undefined) {
        // Compaction may have left nothing up to the end.
        position = end;
        await this.#moreRecords(position);
      } else {
        await this.#options.batch(this.name, records, this.lease);
        position = last.offset + 1;
      }
    }
  }

  async #start(): Promise<number> {
    const { store } = this.#context;
    const committed = store.committed(this.#options.group, this.partition).get(this.partition.number);
    const asked = await this.#options.assigned?.(this.name, committed, this.lease);
    store.refresh();
    const { earliest, end } = this.partition;
    const position = asked ?? committed?.offset ?? earliest;
    if (Number.isSafeInteger(position) && position >= 0 && position <= end) return position;
    throw new LogError(
      'out-of-range',
      `${this.#where()} was to start at ${position}, and the log ends at ${end}. Its position belongs to another log: ` +
        'restore the data folder that it was made with, or commit a position from 0 to the end.',
    );
  }

  #passGap(position: number): number {
    const { earliest } = this.partition;
    if (this.#options.gap === undefined) {
      throw new LogError(
        'out-of-range',
        `${this.#where()} is at ${position}, and the records before ${earliest} are no longer kept: they are lost to it. ` +
          'Keep records longer than this group may lag behind.',
      );
    }
    this.#options.gap(this.name, position, earliest);
    return earliest;
  }

  #where(): string {
    return `Group "${this.#options.group}" at ${this.name.topic}/${this.name.partition}`;
  }

  #moreRecords(position: number): Promise<void> {
    if (!this.#is('held') || this.partition.end > position) return Promise.resolve();
    this.partition.idle.add(this.#wake);
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  readonly #wake = (): void => this.#resume?.();

  #is(state: State): boolean {
    return this.#state === state;
  }
}

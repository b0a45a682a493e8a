import type { Clock } from '../domain/clock.ts';
import type { FetchedPartition } from './kafka-requests.ts';
import type { Tenure } from './kafka-tenure.ts';
import {
  type Committed,
  type GroupOptions,
  type Lease,
  LogError,
  type LogRecord,
  type PartitionOffsets,
  type TopicPartition,
} from './log.ts';

/** What a holding needs of its member. */
export interface HoldingContext {
  readonly options: GroupOptions;
  readonly clock: Clock;
  /** Larger batches are handed out in parts. */
  readonly bytesMax: number;
  /** The topic's name in Kafka. */
  readonly kafkaTopic: string;
  readonly tenure: Tenure;
  committed(): Promise<Committed | undefined>;
  offsets(): Promise<PartitionOffsets>;
  /** The holding wants records. */
  wake(): void;
}

/**
 * `held`: batches flow. `released`: the member stops, or hands over to somebody who waits for the end: it may still commit. `revoked`: it was
 * lost. `abandoned`: the member failed. `ended`: no callback runs or will run.
 */
type State = 'held' | 'released' | 'revoked' | 'abandoned' | 'ended';

/** What a fetcher brings: records, or the news that the position is outside of the partition. */
type Arrival = FetchedPartition | 'out-of-range';

/** One member's time with one partition, from `assigned` over its batches to `revoked`. */
export class Holding {
  readonly name: TopicPartition;
  readonly lease: Lease = {
    valid: () => (this.#state === 'held' || this.#state === 'released') && this.#context.tenure.valid(),
  };
  /** Resolves when no callback of it runs or will run. Never rejects: failures go to `failed`. */
  readonly ended: Promise<void>;
  /** Where to fetch next. */
  position = 0;
  /** Whose fetches for this holding fail: since when, on the monotonic clock. */
  failingSince: number | undefined;
  readonly #context: HoldingContext;
  #state: State = 'held';
  #started = false;
  #fetching = false;
  #arrived: Arrival | undefined;
  #resume: (() => void) | undefined;
  #heldBytes = 0;
  #progressAt: number;
  #batchSince: number | undefined;
  #committing: Promise<unknown> = Promise.resolve();
  readonly #givenUp = Promise.withResolvers<undefined>();

  /** Takes over when `before` resolves. */
  constructor(
    context: HoldingContext,
    name: TopicPartition,
    before: Promise<unknown>,
    failed: (cause: unknown) => void,
  ) {
    this.#context = context;
    this.name = name;
    this.#progressAt = context.clock.elapsed();
    this.ended = this.#run(before).catch(failed);
  }

  get kafkaTopic(): string {
    return this.#context.kafkaTopic;
  }

  /** Whether it can still be this member's: neither given up nor lapsed. */
  get isCurrent(): boolean {
    return this.#state === 'held' && this.#context.tenure.valid();
  }

  /** Whether it was not given up; its lease may have lapsed. */
  get isHeld(): boolean {
    return this.#state === 'held';
  }

  /** Bytes of fetched records that are still in use. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether a callback is at work on a batch. */
  get isBusy(): boolean {
    return this.#batchSince !== undefined;
  }

  /** From the first callback on, while the lease is valid. */
  mayCommit(): boolean {
    return this.#started && this.lease.valid();
  }

  /** Commits of one partition keep their order. */
  commitInTurn(commit: () => Promise<void>): Promise<void> {
    const committed = this.#committing.then(commit);
    this.#committing = committed.catch(() => undefined); // Told to its own caller.
    return committed;
  }

  /** Whether to fetch for it: its records are used up, or nearly. */
  wantsRecords(): boolean {
    return this.#fetching && this.#arrived === undefined && this.isCurrent;
  }

  /** @param from the position that was asked for: an answer that comes too late is for another one. */
  deliver(from: number, arrival: Arrival): void {
    if (!this.wantsRecords() || from !== this.position) return;
    this.#progressAt = this.#context.clock.elapsed();
    if (arrival !== 'out-of-range') {
      this.position = arrival.next;
      // Nothing but holes, as compaction and transactions leave them.
      if (arrival.records.length === 0) return;
      this.#heldBytes += arrival.byteCount;
    }
    this.#arrived = arrival;
    this.#wake();
  }

  /** For how long nothing came, ms; `undefined` while nothing is expected. */
  waitingMs(): number | undefined {
    return this.wantsRecords() && !this.isBusy ? this.#context.clock.elapsed() - this.#progressAt : undefined;
  }

  /** Nothing came, and rightly so: the partition has ended. */
  waitAnew(): void {
    this.#progressAt = this.#context.clock.elapsed();
  }

  /** For how long a batch is in the callback's hands, ms. */
  batchMs(): number | undefined {
    return this.#batchSince === undefined ? undefined : this.#context.clock.elapsed() - this.#batchSince;
  }

  release(): void {
    if (this.#state === 'held') this.#become('released');
  }

  revoke(): void {
    if (this.#state === 'held' || this.#state === 'released') this.#become('revoked');
  }

  abandon(): void {
    if (this.#state !== 'ended') this.#become('abandoned');
  }

  #become(state: State): void {
    this.#state = state;
    this.#givenUp.resolve(undefined);
    this.#wake();
  }

  async #run(before: Promise<unknown>): Promise<void> {
    await before;
    try {
      await this.#consume();
      if (this.#started && !this.#is('abandoned')) await this.#context.options.revoked?.(this.name);
    } finally {
      this.#state = 'ended';
      this.#heldBytes = 0;
      this.#arrived = undefined;
    }
  }

  async #consume(): Promise<void> {
    const position = await this.#start();
    if (position === undefined) return;
    this.position = position;
    for (;;) {
      this.#progressAt = this.#context.clock.elapsed();
      this.#fetching = true;
      const arrival = await this.#next();
      if (arrival === undefined) return;
      if (arrival !== 'out-of-range') {
        await this.#handOut(arrival);
        continue;
      }
      const bounds = await this.#whileHeld(() => this.#context.offsets());
      if (bounds === undefined) return;
      this.position = this.#passGap(this.position, bounds);
    }
  }

  /** The first position; `undefined` when the partition is no longer held. */
  async #start(): Promise<number | undefined> {
    const known = await this.#whileHeld(async () => ({ committed: await this.#context.committed() }));
    if (known === undefined) return undefined;
    this.#started = true;
    const asked = await this.#context.options.assigned?.(this.name, known.committed, this.lease);
    const bounds = await this.#whileHeld(() => this.#context.offsets());
    if (bounds === undefined) return undefined;
    const position = asked ?? known.committed?.offset ?? bounds.earliest;
    return position < bounds.earliest || position > bounds.end ? this.#passGap(position, bounds) : position;
  }

  /** Asks the cluster, but not longer than the partition is held: then nobody wants to know. */
  async #whileHeld<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (!this.#is('held')) return undefined;
    const asked = ask();
    asked.catch(() => undefined); // Told by the race, unless nobody wants to know.
    const answer = await Promise.race([asked, this.#givenUp.promise]);
    return this.#is('held') ? answer : undefined;
  }

  #passGap(position: number, { earliest, end }: PartitionOffsets): number {
    const { options } = this.#context;
    const where = `Group "${options.group}" at ${this.name.topic}/${this.name.partition}`;
    if (!Number.isSafeInteger(position) || position < 0 || position >= earliest) {
      throw new LogError(
        'out-of-range',
        `${where} was to go on at ${position}, and the partition has records ${earliest} to ${end - 1}. The position belongs to ` +
          'another topic of this name, or Kafka has lost records: find out which, then commit a position from there.',
      );
    }
    if (options.gap === undefined) {
      throw new LogError(
        'out-of-range',
        `${where} is at ${position}, and the records before ${earliest} are no longer kept: they are lost to it. ` +
          "Raise the topic's retention.ms above the time that this group may lag behind.",
      );
    }
    options.gap(this.name, position, earliest);
    return earliest;
  }

  async #handOut(fetched: FetchedPartition): Promise<void> {
    try {
      for (const records of inParts(fetched, this.#context.bytesMax)) {
        // After a lapse it waits to be given up: whatever was done for a batch would be void.
        if (!this.isCurrent) return;
        this.#batchSince = this.#context.clock.elapsed();
        await this.#context.options.batch(this.name, records, this.lease);
        this.#batchSince = undefined;
      }
    } finally {
      this.#batchSince = undefined;
      this.#heldBytes -= fetched.byteCount;
    }
  }

  async #next(): Promise<Arrival | undefined> {
    while (this.#is('held') && (this.#arrived === undefined || !this.isCurrent)) {
      this.#context.wake();
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
    const arrival = this.#is('held') ? this.#arrived : undefined;
    this.#fetching = arrival !== 'out-of-range';
    this.#arrived = undefined;
    if (arrival !== undefined && this.#fetching) {
      // The next batch is asked for before the callback may keep the thread busy.
      this.#context.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return arrival;
  }

  readonly #wake = (): void => this.#resume?.();

  #is(state: State): boolean {
    return this.#state === state;
  }
}

/** Compressed records may be many times as large as what was fetched. */
function* inParts({ records, byteCount }: FetchedPartition, bytesMax: number): Generator<readonly LogRecord[]> {
  if (byteCount <= bytesMax) return yield records;
  let start = 0;
  let bytes = 0;
  for (let i = 0; i < records.length; i++) {
    const size = (records[i]?.value?.length ?? 0) + (records[i]?.key?.length ?? 0);
    if (i > start && bytes + size > bytesMax) {
      yield records.slice(start, i);
      [start, bytes] = [i, 0];
    }
    bytes += size;
  }
  yield records.slice(start);
}

import type { Clock } from '../domain/clock.ts';
import { cleanUp } from './embedded-cleanup.ts';
import type { Access } from './embedded-file.ts';
import { Groups } from './embedded-groups.ts';
import { closedError, EmbeddedStore } from './embedded-store.ts';
import type { Partition } from './embedded-topic.ts';
import { createTurns } from './embedded-turns.ts';
import { createWriter, type Writer } from './embedded-writer.ts';
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

export interface EmbeddedLogOptions {
  /** Data folder on a local disk; the owner makes it. */
  readonly folder: string;
  /**
   * `own`: everything, for one process at a time. `append`: append and read beside the owner. `read`: only read. Members of groups and
   * clean-up are the owner's.
   */
  readonly access: Access;
  readonly clock: Clock;
  /**
   * On a full disk the owner's appends and commits wait for room, in their order, until `close`. Told why at each attempt, and `null` when
   * they go on. Opening, `ensureTopics` and whoever is not the owner are refused with `full` instead.
   */
  readonly onWaiting?: (why: LogError | null) => void;
  /** Told how much was dropped on opening: of appends in hand when a process or its machine stopped, which nobody was told are durable. */
  readonly onTorn?: (byteCount: number) => void;
}

/** A `Log` in one SQLite file. The groups' members are those of the owner's process. */
export interface EmbeddedLog extends Log {
  /**
   * Applies retention and compaction, which the owner does by itself from time to time.
   *
   * @param which `due`: compact only where it pays. `all`: everywhere.
   */
  cleanUp(which: 'due' | 'all'): Promise<void>;
}

const CLEANUP_INTERVAL_MS = 10_000;

/**
 * Opens the log of a data folder.
 *
 * An existing topic takes over the clean-up that `ensureTopics` asks for; without `retentionMs` its records stay for ever.
 *
 * @throws LogError `locked` when another process owns the folder, `storage` or `full` when it cannot be used.
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<EmbeddedLog> {
  const { folder, access, clock, onTorn } = options;
  const store = new EmbeddedStore(folder, access, clock);
  if (store.tornBytes > 0) onTorn?.(store.tornBytes);
  return new SqliteLog(store, options);
}

class SqliteLog implements EmbeddedLog {
  readonly #store: EmbeddedStore;
  readonly #access: Access;
  readonly #clock: Clock;
  readonly #writer: Writer;
  readonly #groups: Groups;
  readonly #turns = createTurns();
  readonly #stopping = new AbortController();
  readonly #cleaning: Promise<void>;
  #cleanup: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #closed = false;
  /** What the work in the background failed with: from then on nothing is promised any more. */
  #failure: { readonly cause: unknown } | undefined;

  constructor(store: EmbeddedStore, { access, clock, onWaiting = () => undefined }: EmbeddedLogOptions) {
    this.#store = store;
    this.#access = access;
    this.#clock = clock;
    const patience = { signal: this.#stopping.signal, onWaiting };
    this.#writer = createWriter(store, clock, access === 'own' ? patience : undefined);
    this.#groups = new Groups({ store, writer: this.#writer, turns: this.#turns, clock });
    this.#cleaning = access === 'own' ? this.#cleanRegularly() : Promise.resolve();
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#check('append');
    await this.#store.ensureTopics(topics);
  }

  async append(topic: string, records: readonly NewRecord[]): Promise<void> {
    this.#check('append');
    await this.#writer.append(this.#store.topic(topic), records);
  }

  async join(options: GroupOptions): Promise<Member> {
    this.#check('own');
    const topics = options.topics.map((topic) => this.#store.topic(topic));
    if (this.#closing !== undefined) throw closedError(this.#store.folder);
    return this.#groups.join(options, topics);
  }

  async *read(topic: string, partition: number, range: ReadRange = {}): AsyncGenerator<readonly LogRecord[]> {
    this.#check('read');
    const source = this.#partition(topic, partition);
    const to = Math.min(checkOffset(range.to, topic) ?? source.end, source.end);
    let position = Math.max(checkOffset(range.from, topic) ?? 0, source.earliest);
    while (position < to) {
      await this.#turns();
      this.#check('read');
      const records = this.#store.read(source, position, to);
      const last = records.at(-1);
      if (last === undefined) return;
      yield records;
      position = last.offset + 1;
    }
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    this.#check('read');
    return this.#store
      .topic(topic)
      .partitions.map(({ number, earliest, end }) => ({ partition: number, earliest, end }));
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, Committed>> {
    this.#check('read');
    return this.#store.committed(group, { topicId: this.#store.topic(topic).id });
  }

  async incarnation(topic: string): Promise<string> {
    this.#check('read');
    return this.#store.topic(topic).incarnation;
  }

  async cleanUp(which: 'due' | 'all'): Promise<void> {
    this.#check('own');
    const context = { store: this.#store, turns: this.#turns, signal: this.#stopping.signal };
    // One pass at a time; a pass that failed has told its own caller.
    this.#cleanup = this.#cleanup.catch(() => undefined).then(() => cleanUp(context, which, this.#clock.now()));
    await this.#cleanup;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    // Members may append and commit until they have stopped.
    await this.#groups.stop();
    this.#closed = true;
    await this.#writer.drained();
    await this.#cleaning;
    await this.#cleanup.catch(() => undefined);
    this.#store.close();
  }

  async #cleanRegularly(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#clock.sleep(CLEANUP_INTERVAL_MS, signal);
      if (signal.aborted) return;
      try {
        await this.cleanUp('due');
      } catch (cause) {
        // Cleaning needs room too: it has time, and appends tell of it.
        if (cause instanceof LogError && cause.code === 'full') continue;
        this.#failure ??= { cause };
        this.#groups.fail(cause);
        return;
      }
    }
  }

  /** @throws LogError `closed`, `locked`, and what the work in the background failed with. */
  #check(needed: Access): void {
    if (this.#closed) throw closedError(this.#store.folder);
    if (this.#failure !== undefined) throw this.#failure.cause;
    if (RIGHTS[this.#access] >= RIGHTS[needed]) return;
    throw new LogError(
      'locked',
      `The log in ${this.#store.folder} was opened with access "${this.#access}", and this needs "${needed}". Open it so.`,
    );
  }

  #partition(topic: string, number: number): Partition {
    const { partitions } = this.#store.topic(topic);
    const partition = partitions[number];
    if (partition !== undefined) return partition;
    throw new LogError('out-of-range', `Topic "${topic}" has partitions 0 to ${partitions.length - 1}, not ${number}.`);
  }
}

const RIGHTS: Readonly<Record<Access, number>> = { read: 0, append: 1, own: 2 };

function checkOffset(offset: number | undefined, topic: string): number | undefined {
  if (offset === undefined || (Number.isSafeInteger(offset) && offset >= 0)) return offset;
  throw new LogError('out-of-range', `${offset} is no offset of topic "${topic}". Give a whole number from 0.`);
}

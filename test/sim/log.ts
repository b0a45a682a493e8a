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
} from '../../src/log/log.ts';
import { type Broker, incarnationOf } from './broker.ts';
import type { Coordinator } from './coordinator.ts';
import { SimMember } from './member.ts';
import type { SimProcess, Surroundings } from './process.ts';

/** After this a request that was not answered has failed. */
const REQUEST_MS_MAX = 5000;
const LATE_MS_MAX = 9000;
const READ_RECORDS_MAX = 200;

/** A process's connection to the simulated logs. */
export class SimLog implements Log {
  readonly #process: SimProcess;
  readonly #broker: Broker;
  readonly #coordinator: Coordinator;
  readonly #around: Surroundings;
  readonly #onAppend: (process: SimProcess, topic: string, records: readonly NewRecord[]) => void;
  /** When the latest append to each partition lands: one connection, so they keep their order. */
  readonly #landsAt = new Map<string, number>();

  /** @param onAppend is told of every append as it is called, before anything happens */
  constructor(
    process: SimProcess,
    broker: Broker,
    coordinator: Coordinator,
    around: Surroundings,
    onAppend: (process: SimProcess, topic: string, records: readonly NewRecord[]) => void,
  ) {
    this.#process = process;
    this.#broker = broker;
    this.#coordinator = coordinator;
    this.#around = around;
    this.#onAppend = onAppend;
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    await this.#roundTrip();
    for (const topic of topics) this.#broker.createTopic(topic);
  }

  async append(topic: string, records: readonly NewRecord[]): Promise<void> {
    this.#onAppend(this.#process, topic, records);
    const byPartition = Map.groupBy(records, (record) => this.#broker.place(topic, record));
    await Promise.all([...byPartition].map(([partition, part]) => this.#request(topic, partition, part)));
  }

  async join(options: GroupOptions): Promise<Member> {
    await this.#roundTrip();
    const member = new SimMember(options, this.#process, this.#broker, this.#coordinator, this.#around);
    // The caller has the member in its hands before the first callback.
    this.#around.schedule.after(1, this.#process, () => this.#coordinator.join(member));
    return member;
  }

  async *read(topic: string, partition: number, range: ReadRange = {}): AsyncIterable<readonly LogRecord[]> {
    await this.#roundTrip();
    const { earliest, end } = this.#broker.partition(topic, partition);
    const to = Math.min(range.to ?? end, end);
    for (let from = Math.max(range.from ?? 0, earliest); from < to; ) {
      await this.#roundTrip();
      if (this.#around.random.next() < this.#around.rates().readFails)
        throw new LogError('unavailable', 'a read failed');
      const records = this.#broker.read(topic, partition, from, READ_RECORDS_MAX).filter(({ offset }) => offset < to);
      const last = records.at(-1);
      if (last === undefined) return;
      yield records;
      from = last.offset + 1;
    }
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    await this.#roundTrip();
    return this.#broker.partitions(topic).map(({ earliest, end }, partition) => ({ partition, earliest, end }));
  }

  async committed(group: string, topic: string): Promise<ReadonlyMap<number, Committed>> {
    await this.#roundTrip();
    const found = new Map<number, Committed>();
    for (const partition of this.#broker.partitions(topic).keys()) {
      const committed = this.#broker.committed(group, topic, partition);
      if (committed) found.set(partition, committed);
    }
    return found;
  }

  async incarnation(topic: string): Promise<string> {
    await this.#roundTrip();
    return incarnationOf(topic);
  }

  async close(): Promise<void> {}

  #roundTrip(): Promise<void> {
    const { schedule, random } = this.#around;
    const cutMs = Math.max(0, this.#process.cutUntil - schedule.now);
    return schedule.sleep(1 + random.below(3) + cutMs, this.#process);
  }

  #request(topic: string, partition: number, records: readonly NewRecord[]): Promise<void> {
    const { schedule, random, rates } = this.#around;
    const { appendLost, appendUnanswered, appendLate, appendPartly, appendTwice } = rates();
    const result = Promise.withResolvers<void>();
    const giveUp = (why: string) => result.reject(new LogError('unavailable', `an append to ${topic} ${why}`));
    schedule.after(REQUEST_MS_MAX, this.#process, () => giveUp('was not answered in time'));
    const chance = random.next();
    if (chance < appendLost) return result.promise;
    const key = `${topic}/${partition}`;
    const late = random.next() < appendLate ? random.below(LATE_MS_MAX) : 0;
    const landsAt = Math.max(
      schedule.now + 1 + random.below(4) + late,
      this.#process.cutUntil + random.below(20),
      this.#landsAt.get(key) ?? 0,
    );
    this.#landsAt.set(key, landsAt);
    const survives = random.next() < 0.5;
    const times = random.next() < appendTwice ? 2 : 1;
    const isPart = random.next() < appendPartly;
    const landing = isPart ? records.slice(0, random.below(records.length)) : records;
    const kept = landing.map(({ value, ...rest }) => ({ ...rest, value: value && Buffer.from(value) }));
    schedule.after(landsAt - schedule.now, null, () => {
      if (this.#process.dead && !survives) return;
      for (let i = 0; i < times; i++) this.#broker.append(topic, partition, kept, this.#process.name);
      if (!isPart && chance >= appendLost + appendUnanswered)
        schedule.after(1 + random.below(3), this.#process, result.resolve);
    });
    return result.promise;
  }
}

import {
  type Committed,
  type GroupOptions,
  type Lease,
  LogError,
  type LogRecord,
  type Member,
  type TopicPartition,
} from '../../src/log/log.ts';
import type { Broker } from './broker.ts';
import type { Coordinator } from './coordinator.ts';
import { LEASE_MS, type SimProcess, type Surroundings } from './process.ts';

const BATCH_RECORDS_MAX = 60;
/** How often a member asks whether it is still one. */
const HEARTBEAT_MS = 1000;

interface Holding {
  readonly place: TopicPartition;
  readonly lease: Lease;
  state: 'held' | 'lost' | 'ended';
  /** Whether its predecessor has ended, and its first callback may have been called: before that it commits nothing. */
  started: boolean;
  /** Ends the wait for records. */
  wake: () => void;
  /** Settles when no callback of it runs or will run. */
  ended: Promise<void>;
}

/** A member of a consumer group, as a process sees it. */
export class SimMember implements Member {
  readonly group: string;
  readonly process: SimProcess;
  readonly options: GroupOptions;
  readonly done: Promise<void>;
  readonly #settled = Promise.withResolvers<void>();
  readonly #holdings = new Map<string, Holding>();
  readonly #broker: Broker;
  readonly #coordinator: Coordinator;
  readonly #around: Surroundings;
  readonly #commitsLandAt = new Map<string, number>();
  /** The process's, when it joined. */
  #lapseCount: number;
  #state: 'running' | 'stopping' | 'over' = 'running';

  constructor(
    options: GroupOptions,
    process: SimProcess,
    broker: Broker,
    coordinator: Coordinator,
    around: Surroundings,
  ) {
    this.group = options.group;
    this.options = options;
    this.process = process;
    this.#lapseCount = process.lapseCount;
    this.#broker = broker;
    this.#coordinator = coordinator;
    this.#around = around;
    this.done = this.#settled.promise;
    this.done.catch(() => undefined);
    broker.listen((topic, partition) => this.#holdings.get(`${topic}/${partition}`)?.wake());
    this.#heartbeat();
  }

  /** Whether it may act for a partition, by all it knows. */
  holds({ topic, partition }: TopicPartition): boolean {
    return this.#holdings.get(`${topic}/${partition}`)?.lease.valid() === true;
  }

  /** The coordinator gives it a partition. */
  gain(place: TopicPartition): void {
    const key = `${place.topic}/${place.partition}`;
    const before = this.#holdings.get(key)?.ended ?? Promise.resolve();
    const holding: Holding = {
      place,
      lease: { valid: () => false },
      state: 'held',
      started: false,
      wake: () => undefined,
      ended: before,
    };
    let lapsed = false;
    const valid = () => {
      const { dead, silentMs, lapseCount } = this.process;
      const isSilent = dead || silentMs >= LEASE_MS || lapseCount > this.#lapseCount;
      lapsed ||= isSilent || holding.state !== 'held' || this.#state === 'over';
      return !lapsed;
    };
    Object.assign(holding, { lease: { valid } });
    this.#holdings.set(key, holding);
    holding.ended = this.#serve(holding, before).catch((cause: unknown) => this.fail(cause));
  }

  /** The coordinator takes one away. */
  lose({ topic, partition }: TopicPartition): void {
    const holding = this.#holdings.get(`${topic}/${partition}`);
    if (holding === undefined || holding.state !== 'held') return;
    holding.state = 'lost';
    holding.wake();
  }

  fail(cause: unknown): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    for (const holding of this.#holdings.values()) holding.wake();
    this.#settled.reject(cause);
    this.#coordinator.leave(this);
  }

  commit(place: TopicPartition, position: Committed): Promise<void> {
    const { schedule, random, rates } = this.#around;
    const { commitLost, commitUnanswered } = rates();
    const key = `${place.topic}/${place.partition}`;
    const holding = this.#holdings.get(key);
    const result = Promise.withResolvers<void>();
    const answer = (settle: () => void, delayMs: number) => schedule.after(delayMs, this.process, settle);
    const refuse = () => result.reject(new LogError('not-owner', `${key} is no longer this member's`));
    const chance = random.next();
    if (chance < commitLost) {
      answer(() => result.reject(new LogError('unavailable', 'the commit was lost')), 5000);
      return result.promise;
    }
    const landsAt = Math.max(
      schedule.now + 1 + random.below(10),
      this.process.cutUntil,
      this.#commitsLandAt.get(key) ?? 0,
    );
    this.#commitsLandAt.set(key, landsAt);
    schedule.after(landsAt - schedule.now, null, () => {
      if (this.process.dead && random.next() < 0.5) return;
      const mine =
        this.#coordinator.owns(this, place) && this.#holdings.get(key) === holding && holding?.started === true;
      if (!mine) {
        answer(refuse, 2);
        return;
      }
      this.#broker.commit(this.group, place.topic, place.partition, position);
      if (chance < commitLost + commitUnanswered) {
        answer(() => result.reject(new LogError('unavailable', 'the commit was not answered')), 5000);
      } else answer(result.resolve, 1 + random.below(5));
    });
    return result.promise;
  }

  async stop(): Promise<void> {
    if (this.#state === 'over') return;
    this.#state = 'stopping';
    for (const holding of this.#holdings.values()) holding.wake();
    await Promise.all([...this.#holdings.values()].map(({ ended }) => ended));
    if ((this.#state as string) === 'over') return;
    this.#state = 'over';
    this.#coordinator.leave(this);
    this.#settled.resolve();
  }

  async #serve(holding: Holding, before: Promise<void>): Promise<void> {
    await before;
    const { options, process } = this;
    const { schedule, random } = this.#around;
    const { place, lease } = holding;
    await schedule.sleep(random.below(100), process);
    if (holding.state !== 'held' || this.#state !== 'running') return;
    holding.started = true;
    const committed = this.#coordinator.committed(this.group, place);
    const given = await options.assigned?.(place, committed, lease);
    const { earliest, end } = this.#broker.partition(place.topic, place.partition);
    let position = given ?? committed?.offset ?? earliest;
    if (given === undefined && committed === undefined) this.#broker.noteBeginning(this.group, place);
    if (position > end) throw new LogError('out-of-range', `${position} is beyond the end, ${end}`);
    while (holding.state === 'held' && this.#state === 'running') {
      position = this.#passGap(place, position);
      const records = this.#broker.read(place.topic, place.partition, position, 1 + random.below(BATCH_RECORDS_MAX));
      if (records.length === 0) {
        await this.#news(holding);
        continue;
      }
      await schedule.sleep(1 + random.below(5), process);
      if (holding.state !== 'held' || this.#state !== 'running') break;
      await options.batch(place, records.map(copyOf), lease);
      position = (records.at(-1) as LogRecord).offset + 1;
    }
    if ((this.#state as string) !== 'over') await options.revoked?.(place);
    holding.state = 'ended';
  }

  #passGap(place: TopicPartition, position: number): number {
    const { earliest } = this.#broker.partition(place.topic, place.partition);
    if (position >= earliest) return position;
    if (!this.options.gap) throw new LogError('out-of-range', `${position} is older than what is kept`);
    this.options.gap(place, position, earliest);
    this.#broker.noteGap({ group: this.group, ...place, fromOffset: position, toOffset: earliest });
    return earliest;
  }

  #news(holding: Holding): Promise<void> {
    return new Promise((resolve) => {
      holding.wake = () => {
        holding.wake = () => undefined;
        this.#around.schedule.after(1 + this.#around.random.below(3), this.process, resolve);
      };
    });
  }

  /** A member that was silent for too long gives everything up, and comes back as a new one. */
  #heartbeat(): void {
    if (this.#state === 'over') return;
    this.#around.schedule.after(HEARTBEAT_MS, this.process, () => {
      if (this.#state === 'running' && this.process.isHeard && this.process.lapseCount > this.#lapseCount) {
        for (const holding of this.#holdings.values()) this.lose(holding.place);
        this.#coordinator.leave(this);
        this.#lapseCount = this.process.lapseCount;
        this.#coordinator.join(this);
      }
      this.#heartbeat();
    });
  }
}

function copyOf(record: LogRecord): LogRecord {
  return { ...record, value: record.value && Buffer.from(record.value) };
}

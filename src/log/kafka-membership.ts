import {
  ASSIGNER,
  assignPartitions,
  decodeAssignment,
  decodeClaim,
  encodeAssignment,
  encodeClaim,
} from './kafka-assigner.ts';
import { atMost, Connections, type KafkaAccess, type KafkaNode, retryDelayMs } from './kafka-client.ts';
import { isLasting, toLogError, typeOf } from './kafka-errors.ts';
import { type Instant, instantOf } from './kafka-tenure.ts';
import type { Topics } from './kafka-topics.ts';
import { LogError, type TopicPartition } from './log.ts';

export interface MembershipOptions {
  readonly access: KafkaAccess;
  readonly topics: Topics;
  /** For everything but joining, during which a broker leaves other requests of the same connection unanswered. */
  readonly connections: Connections;
  readonly group: string;
  readonly subscribed: readonly string[];
  readonly sessionMs: number;
  readonly rebalanceMs: number;
  readonly events: MembershipEvents;
}

/** What a membership tells its member. */
export interface MembershipEvents {
  /** What the member owns now. */
  owned(): readonly TopicPartition[];
  /**
   * The member may own these from now on, by a request sent at `since`, and nothing else.
   *
   * @returns whether anything was given up, after that has ended.
   */
  assign(partitions: readonly TopicPartition[], since: Instant): Promise<boolean>;
  /** The coordinator answered a request sent at `since`: the member is still in the group. */
  heard(since: Instant): void;
  /** The coordinator has called the members to join anew. */
  called(since: Instant): void;
  /** The member is no longer in the group: it owns nothing. */
  lost(): void;
  failed(cause: unknown): void;
}

interface Standing {
  memberId: string;
  generation: number;
}

const HEARTBEATS_PER_SESSION = 20;
/** A heartbeat is how a member learns that another has come or gone: until then nobody has what that one left. */
const HEARTBEAT_MS_MAX = 200;
/** The same after a round, which another often follows: when whoever had to give something up has done so. */
const SETTLING_HEARTBEAT_MS = 50;
const SETTLING_MS = 3_000;
const TOPIC_CHECK_MS = 60_000;
/** Asked to join anew, or no longer known under the old name: joining again mends it. */
const REJOIN = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'MEMBER_ID_REQUIRED']);
const COORDINATOR_MOVED = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
]);

/**
 * A place in a consumer group, by Kafka's classic protocol: joins, keeps the place with heartbeats, and joins anew when it is called
 * to, while the member goes on with what it owns.
 *
 * kafkajs has a consumer that does this too. It stops for every rebalance, cannot say whether its place is still safe, goes on with
 * partitions that it has lost, and ends for good on some errors while it repeats others for ever.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #joining: Connections;
  readonly #leaving = new AbortController();
  readonly #standing: Standing = { memberId: '', generation: -1 };
  #rejoin = Promise.withResolvers<void>();
  #coordinator: Promise<KafkaNode> | undefined;
  #rounds = 0;
  #isJoining = true;
  #joinedAt = 0;
  #leads = false;
  #partitionCounts: ReadonlyMap<string, number> = new Map();
  #awaySince: number | undefined;
  #warned = false;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#joining = new Connections(options.access, options.sessionMs);
  }

  /** Resolves when the group has let the member in, and assigned its first partitions, if any. */
  async start(): Promise<void> {
    const { access, events } = this.#options;
    for (let attempt = 0; !this.#leaving.signal.aborted; attempt++) {
      try {
        const { partitions, since } = await this.#join();
        this.#ended = Promise.all([this.#stay(partitions, since), this.#beat()]).catch(events.failed);
        return;
      } catch (error) {
        await this.#recover(error);
        await access.clock.sleep(retryDelayMs(attempt), this.#leaving.signal);
      }
    }
    throw new LogError('closed', 'The log was closed while a member joined.');
  }

  /** Who the member is to the coordinator: what commits are signed with. */
  standing(): Readonly<Standing> {
    return { ...this.#standing };
  }

  /** The coordinator of the group, connected. */
  coordinator(): Promise<KafkaNode> {
    if (this.#coordinator === undefined) {
      const looking = this.#options.connections.coordinator(this.#options.group);
      looking.catch(() => this.forgetCoordinator());
      this.#coordinator = looking;
    }
    return this.#coordinator;
  }

  forgetCoordinator(): void {
    this.#coordinator = undefined;
  }

  /** Leaves the group, so that the others need not wait for the end of the session. */
  async leave(): Promise<void> {
    const { access, group } = this.#options;
    this.#leaving.abort();
    this.#rejoin.resolve();
    const { memberId } = this.#standing;
    if (memberId !== '') {
      try {
        const request = this.coordinator().then((node) => node.leaveGroup({ groupId: group, memberId }));
        await atMost(access.clock, LEAVE_LIMIT_MS, request);
      } catch (error) {
        // The group finds out by itself when the session is over.
        access.logger.debug({ err: error, group }, 'could not leave the group');
      }
    }
    await this.#joining.close(access.clock);
    await atMost(access.clock, LEAVE_LIMIT_MS, this.#ended);
  }

  /** Owns, gives up, joins anew: until it leaves. */
  async #stay(first: readonly TopicPartition[], firstSince: Instant): Promise<void> {
    let [partitions, since] = [first, firstSince];
    const { clock } = this.#options.access;
    for (let attempt = 0; !this.#leaving.signal.aborted; ) {
      const gaveUp = await this.#options.events.assign(partitions, since);
      if (!gaveUp) await this.#rejoin.promise;
      for (let joined = false; !joined && !this.#leaving.signal.aborted; ) {
        try {
          ({ partitions, since } = await this.#join());
          [joined, attempt] = [true, 0];
        } catch (error) {
          await this.#recover(error);
          if (!this.#leaving.signal.aborted) await clock.sleep(retryDelayMs(attempt++), this.#leaving.signal);
        }
      }
    }
  }

  async #join(): Promise<{ readonly partitions: readonly TopicPartition[]; readonly since: Instant }> {
    const { group, subscribed, sessionMs, rebalanceMs, events, access } = this.#options;
    const standing = this.#standing;
    this.#rounds += 1;
    this.#isJoining = true;
    this.#rejoin = Promise.withResolvers();
    const node = await this.#joining.coordinator(group);
    const claim = { topics: subscribed, owned: events.owned(), generation: standing.generation };
    const joined = await node.joinGroup({
      groupId: group,
      sessionTimeout: sessionMs,
      rebalanceTimeout: rebalanceMs,
      memberId: standing.memberId,
      groupProtocols: [{ name: ASSIGNER, metadata: encodeClaim(claim) }],
    });
    this.#leads = joined.leaderId === joined.memberId;
    const groupAssignment = this.#leads ? await this.#assignAll(joined.members) : [];
    const since = instantOf(access.clock);
    const request = { groupId: group, generationId: joined.generationId, memberId: joined.memberId, groupAssignment };
    // From here on, what comes back signed with the old generation is no news.
    Object.assign(standing, { memberId: joined.memberId, generation: joined.generationId });
    const { memberAssignment } = await node.syncGroup(request);
    this.#isJoining = false;
    this.#joinedAt = access.clock.elapsed();
    this.#back();
    return { partitions: decodeAssignment(memberAssignment), since };
  }

  async #assignAll(
    members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[],
  ): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const claims = members.map(({ memberId, memberMetadata }) => decodeClaim(memberId, memberMetadata));
    this.#partitionCounts = await this.#countPartitions(new Set(claims.flatMap(({ topics }) => topics)));
    const assigned = assignPartitions(claims, this.#partitionCounts);
    return [...assigned].map(([memberId, partitions]) => ({
      memberId,
      memberAssignment: encodeAssignment(partitions),
    }));
  }

  async #countPartitions(topics: Iterable<string>): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const topic of topics) counts.set(topic, (await this.#options.topics.topic(topic)).leaders.length);
    return counts;
  }

  async #beat(): Promise<void> {
    const { clock } = this.#options.access;
    let checkedAt = clock.elapsed();
    while (!this.#leaving.signal.aborted) {
      await clock.sleep(this.#beatMs(), this.#leaving.signal);
      if (this.#leaving.signal.aborted) return;
      await this.#beatOnce();
      if (this.#leads && clock.elapsed() - checkedAt > TOPIC_CHECK_MS) {
        checkedAt = clock.elapsed();
        await this.#watchTopics();
      }
    }
  }

  #beatMs(): number {
    const { access, sessionMs } = this.#options;
    const isSettling = access.clock.elapsed() - this.#joinedAt < SETTLING_MS;
    return Math.min(sessionMs / HEARTBEATS_PER_SESSION, isSettling ? SETTLING_HEARTBEAT_MS : HEARTBEAT_MS_MAX);
  }

  async #beatOnce(): Promise<void> {
    const { group, events, access } = this.#options;
    const { memberId, generation } = this.#standing;
    const round = this.#rounds;
    if (memberId === '') return;
    const since = instantOf(access.clock);
    try {
      const node = await this.coordinator();
      await node.heartbeat({ groupId: group, groupGenerationId: generation, memberId });
      events.heard(since);
      this.#back();
    } catch (error) {
      const type = typeOf(error);
      if (type === 'REBALANCE_IN_PROGRESS') events.heard(since);
      if (!REJOIN.has(type)) await this.#recover(error);
      // While a join is under way, the coordinator calls us to it, or knows us by a generation that we do not know yet.
      if (!REJOIN.has(type) || this.#isJoining || round !== this.#rounds) return;
      if (type === 'REBALANCE_IN_PROGRESS') events.called(since);
      else this.#lose(type);
      this.#rejoin.resolve();
    }
  }

  #lose(type: string): void {
    const { events, access, group } = this.#options;
    access.logger.warn({ group, reason: type }, 'put out of the consumer group; joining anew');
    if (type !== 'ILLEGAL_GENERATION') this.#standing.memberId = '';
    this.#standing.generation = -1;
    events.lost();
  }

  /** Topics may get more partitions: the leader shares them out by joining anew. */
  async #watchTopics(): Promise<void> {
    const { topics, access } = this.#options;
    try {
      const known = this.#partitionCounts;
      for (const topic of known.keys()) topics.forget(topic);
      const counts = await this.#countPartitions(known.keys());
      if ([...counts].some(([topic, count]) => count !== known.get(topic))) this.#rejoin.resolve();
    } catch (error) {
      if (error instanceof LogError && error.code === 'partition-count') throw error;
      // Whoever reads the topic meets the failure too, and says so.
      access.logger.debug({ err: error }, 'could not look for new partitions');
    }
  }

  #back(): void {
    const warned = this.#warned;
    [this.#awaySince, this.#warned] = [undefined, false];
    if (!warned) return;
    this.#options.access.logger.info({ group: this.#options.group }, 'the consumer group can be reached again');
  }

  /** @throws LogError when it is of no use to go on. */
  async #recover(error: unknown): Promise<void> {
    const { access, group, connections } = this.#options;
    if (this.#leaving.signal.aborted) return;
    const type = typeOf(error);
    if (REJOIN.has(type)) {
      if (type !== 'REBALANCE_IN_PROGRESS') this.#lose(type);
      return;
    }
    const doing = `keeping a place in the consumer group "${group}"`;
    const now = access.clock.elapsed();
    this.#awaySince ??= now;
    if (!this.#warned && !COORDINATOR_MOVED.has(type)) {
      this.#warned = true;
      access.logger.warn({ err: error, group }, 'the consumer group cannot be reached');
    }
    if (isLasting(error) || now - this.#awaySince > access.unavailableMs) throw toLogError(error, doing);
    this.forgetCoordinator();
    await Promise.all([connections.recover(error), this.#joining.recover(error)]);
  }
}

const LEAVE_LIMIT_MS = 3_000;

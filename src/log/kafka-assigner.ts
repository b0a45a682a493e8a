import { AssignerProtocol } from 'kafkajs';
import type { TopicPartition } from './log.ts';

/** The group protocol's name: members of one group must all speak it. */
export const ASSIGNER = 'tokenwarden-cooperative-sticky';

/** What a member tells the group's leader when it joins. */
export interface MemberClaim {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** What it owns, and will own until it gives it up. */
  readonly owned: readonly TopicPartition[];
  /** Of the generation in which it came to own that. */
  readonly generation: number;
}

/**
 * Shares partitions between members: evenly, each where it was, as far as that goes. The same partition of several topics stays
 * together. What has to move is given to nobody while its owner still claims it; when that has given it up it joins anew, and the
 * next round gives it away. So no partition ever has two owners (the idea of Kafka's KIP-429).
 *
 * @returns partitions by member id, for every member.
 */
export function assignPartitions(
  members: readonly MemberClaim[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const assigned = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
  const owners = ownersOf(members);
  for (const { topics, memberIds } of subscriptionsOf(members)) {
    const unitCount = Math.max(0, ...topics.map((topic) => partitionCounts.get(topic) ?? 0));
    const before = Array.from({ length: unitCount }, (_, partition) =>
      topics.map((topic) => owners.get(nameOf({ topic, partition }))).find((owner) => owner !== undefined),
    );
    const loads = new Map(memberIds.map((memberId) => [memberId, assigned.get(memberId)?.length ?? 0]));
    shareUnits(before, loads).forEach((memberId, partition) => {
      for (const topic of topics) {
        if (partition >= (partitionCounts.get(topic) ?? 0)) continue;
        const owner = owners.get(nameOf({ topic, partition }));
        if (owner === undefined || owner === memberId) assigned.get(memberId)?.push({ topic, partition });
      }
    });
  }
  return assigned;
}

/** Of several claims to one partition, that of the latest generation holds: older ones are of members that were cut off. */
function ownersOf(members: readonly MemberClaim[]): Map<string, string> {
  const owners = new Map<string, string>();
  for (const { memberId, owned } of members.toSorted((a, b) => a.generation - b.generation)) {
    for (const partition of owned) owners.set(nameOf(partition), memberId);
  }
  return owners;
}

/** Topics with the same subscribers, which are shared out together. */
function subscriptionsOf(members: readonly MemberClaim[]): { topics: string[]; memberIds: string[] }[] {
  const topics = [...new Set(members.flatMap((member) => member.topics))].sort();
  const subscribers = (topic: string) =>
    members.filter((member) => member.topics.includes(topic)).map(({ memberId }) => memberId);
  const groups = Map.groupBy(topics, (topic) => JSON.stringify(subscribers(topic).sort()));
  return [...groups.values()].map((together) => ({
    topics: together,
    memberIds: subscribers(together[0] ?? '').sort(),
  }));
}

/** @returns the member for each unit, by its number. */
function shareUnits(before: readonly (string | undefined)[], loads: ReadonlyMap<string, number>): string[] {
  const kept = new Map([...loads.keys()].map((memberId) => [memberId, [] as number[]]));
  before.forEach((owner, unit) => {
    if (owner !== undefined) kept.get(owner)?.push(unit);
  });
  // Members that own most keep one more when the units do not come out even: fewest have to move.
  const order = [...kept].sort(
    ([a, unitsA], [b, unitsB]) =>
      unitsB.length - unitsA.length || (loads.get(a) ?? 0) - (loads.get(b) ?? 0) || (a < b ? -1 : 1),
  );
  const share = Math.floor(before.length / order.length);
  const remainder = before.length % order.length;
  const target = new Array<string | undefined>(before.length).fill(undefined);
  const wanting: string[] = [];
  order.forEach(([memberId, units], rank) => {
    const quota = share + (rank < remainder ? 1 : 0);
    for (const unit of units.slice(0, quota)) target[unit] = memberId;
    for (let left = quota - units.length; left > 0; left--) wanting.push(memberId);
  });
  return target.map((memberId) => memberId ?? wanting.shift() ?? '');
}

function nameOf({ topic, partition }: TopicPartition): string {
  return JSON.stringify([topic, partition]);
}

/** The bytes of a member's claim in its request to join: Kafka's own format, so that its tools can show the group. */
export function encodeClaim({ topics, owned, generation }: Omit<MemberClaim, 'memberId'>): Buffer {
  const userData = Buffer.from(JSON.stringify({ generation, owned: byTopic(owned) }));
  return AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [...topics], userData });
}

/** Reads a claim. What is not one claims nothing. */
export function decodeClaim(memberId: string, bytes: Buffer): MemberClaim {
  const metadata = AssignerProtocol.MemberMetadata.decode(bytes);
  const claim = parseJson(metadata?.userData.toString() ?? '');
  const generation = isObject(claim) && typeof claim['generation'] === 'number' ? claim['generation'] : -1;
  const owned = isObject(claim) && isObject(claim['owned']) ? partitionsOf(Object.entries(claim['owned'])) : [];
  return { memberId, topics: metadata?.topics ?? [], owned, generation };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Another program's bytes: it claims nothing.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function partitionsOf(entries: readonly [string, unknown][]): TopicPartition[] {
  return entries.flatMap(([topic, partitions]) =>
    Array.isArray(partitions)
      ? partitions.filter((partition) => Number.isInteger(partition)).map((partition: number) => ({ topic, partition }))
      : [],
  );
}

export function encodeAssignment(assigned: readonly TopicPartition[]): Buffer {
  const userData = Buffer.alloc(0);
  return AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: byTopic(assigned), userData });
}

/** An empty answer, which a coordinator gives to members that the leader left out, assigns nothing. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  const assignment = bytes.length === 0 ? undefined : AssignerProtocol.MemberAssignment.decode(bytes)?.assignment;
  return partitionsOf(Object.entries(assignment ?? {}));
}

function byTopic(partitions: readonly TopicPartition[]): Record<string, number[]> {
  const groups = Map.groupBy(partitions, ({ topic }) => topic);
  return Object.fromEntries(
    [...groups].sort().map(([topic, group]) => [topic, group.map(({ partition }) => partition).sort((a, b) => a - b)]),
  );
}

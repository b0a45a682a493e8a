import type { Committed, TopicPartition } from '../../src/log/log.ts';
import type { Broker } from './broker.ts';
import type { SimMember } from './member.ts';
import { SESSION_MS, type Surroundings } from './process.ts';

const ROUND_MS = 500;

interface Group {
  readonly members: SimMember[];
  readonly owners: Map<string, SimMember>;
}

/** Shares the partitions of a group's topics between its members, and moves them as members come, go, and fall silent. */
export class Coordinator {
  readonly #groups = new Map<string, Group>();
  readonly #broker: Broker;
  readonly #around: Surroundings;

  constructor(broker: Broker, around: Surroundings) {
    this.#broker = broker;
    this.#around = around;
    this.#round();
  }

  join(member: SimMember): void {
    const group: Group = this.#groups.get(member.group) ?? { members: [], owners: new Map() };
    this.#groups.set(member.group, group);
    group.members.push(member);
    this.#share(group);
  }

  leave(member: SimMember): void {
    const group = this.#groups.get(member.group);
    const index = group?.members.indexOf(member) ?? -1;
    if (group === undefined || index === -1) return;
    group.members.splice(index, 1);
    for (const [key, owner] of group.owners) if (owner === member) group.owners.delete(key);
    this.#share(group);
  }

  isMember(member: SimMember): boolean {
    return this.#groups.get(member.group)?.members.includes(member) === true;
  }

  owns(member: SimMember, { topic, partition }: TopicPartition): boolean {
    return this.#groups.get(member.group)?.owners.get(`${topic}/${partition}`) === member;
  }

  /** Whether a process may act for a partition, as it knows itself. */
  mayAct(processName: string, group: string, topic: string, partition: number): boolean {
    const members = this.#groups.get(group)?.members ?? [];
    return members.some((member) => member.process.name === processName && member.holds({ topic, partition }));
  }

  committed(group: string, { topic, partition }: TopicPartition): Committed | undefined {
    return this.#broker.committed(group, topic, partition);
  }

  /** Puts out whoever has been silent for a session, and tells those who were put out and can hear it again. */
  #round(): void {
    for (const group of this.#groups.values()) {
      for (const member of [...group.members]) if (member.process.silentMs >= SESSION_MS) this.leave(member);
      this.#share(group);
    }
    this.#around.schedule.after(ROUND_MS, null, () => this.#round());
  }

  #share(group: Group): void {
    const reachable = group.members.filter((member) => member.process.isHeard);
    if (reachable.length === 0) return;
    const wanted = [...new Set(group.members.flatMap(({ options }) => options.topics))].flatMap((topic) =>
      this.#broker.partitions(topic).map((_, partition) => ({ topic, partition })),
    );
    const fairMax = Math.ceil(wanted.length / group.members.length);
    for (const place of wanted) {
      const key = `${place.topic}/${place.partition}`;
      const owner = group.owners.get(key);
      // Of somebody silent nothing is taken before the session is over.
      if (owner !== undefined && (!owner.process.isHeard || countOf(group, owner) <= fairMax)) continue;
      const next = reachable.reduce((a, b) => (countOf(group, b) < countOf(group, a) ? b : a));
      if (next === owner) continue;
      owner?.lose(place);
      group.owners.set(key, next);
      next.gain(place);
    }
  }
}

function countOf({ owners }: Group, member: SimMember): number {
  let count = 0;
  for (const owner of owners.values()) if (owner === member) count += 1;
  return count;
}

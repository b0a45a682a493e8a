import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assignPartitions,
  decodeAssignment,
  decodeClaim,
  encodeAssignment,
  encodeClaim,
  type MemberClaim,
} from '../../src/log/kafka-assigner.ts';
import type { TopicPartition } from '../../src/log/log.ts';

function member(memberId: string, owned: readonly TopicPartition[] = [], generation = 1, topics = ['t']): MemberClaim {
  return { memberId, topics, owned, generation };
}

function of(topic: string, ...partitions: number[]): TopicPartition[] {
  return partitions.map((partition) => ({ topic, partition }));
}

/** Rounds as a group goes through them: what a member loses it gives up, and joins again without it. */
function settle(
  members: readonly MemberClaim[],
  counts: ReadonlyMap<string, number>,
): { rounds: number; last: Map<string, TopicPartition[]> } {
  let present = members;
  for (let rounds = 1; ; rounds++) {
    const last = assignPartitions(present, counts);
    const next = present.map((one) => ({ ...one, owned: last.get(one.memberId) ?? [], generation: rounds + 100 }));
    const lost = present.some(({ memberId, owned }) => owned.some((had) => !has(last.get(memberId), had)));
    if (!lost) return { rounds, last };
    expect(rounds).toBeLessThan(4);
    present = next;
  }
}

function has(partitions: readonly TopicPartition[] = [], { topic, partition }: TopicPartition): boolean {
  return partitions.some((one) => one.topic === topic && one.partition === partition);
}

function names(assigned: ReadonlyMap<string, readonly TopicPartition[]>): string[] {
  return [...assigned.values()].flat().map(({ topic, partition }) => `${topic}/${partition}`);
}

describe('sharing partitions', () => {
  it('gives everything to the only member', () => {
    expect(assignPartitions([member('a')], new Map([['t', 3]]))).toEqual(new Map([['a', of('t', 0, 1, 2)]]));
  });

  it('leaves everything where it is when nothing has changed', () => {
    const members = [member('a', of('t', 1, 4)), member('b', of('t', 0, 3)), member('c', of('t', 2))];
    const assigned = assignPartitions(members, new Map([['t', 5]]));
    expect(assigned.get('a')).toEqual(of('t', 1, 4));
    expect(assigned.get('b')).toEqual(of('t', 0, 3));
    expect(assigned.get('c')).toEqual(of('t', 2));
  });

  it('takes from the owner first, and gives to the other only then', () => {
    const counts = new Map([['t', 4]]);
    const before = [member('a', of('t', 0, 1, 2, 3)), member('b')];
    expect(assignPartitions(before, counts)).toEqual(
      new Map([
        ['a', of('t', 0, 1)],
        ['b', []],
      ]),
    );
    const after = [member('a', of('t', 0, 1)), member('b')];
    expect(assignPartitions(after, counts)).toEqual(
      new Map([
        ['a', of('t', 0, 1)],
        ['b', of('t', 2, 3)],
      ]),
    );
  });

  it('gives what a member that left had to the others at once', () => {
    const members = [member('a', of('t', 0, 1)), member('b', of('t', 2))];
    const assigned = assignPartitions(members, new Map([['t', 6]]));
    expect(assigned.get('a')).toEqual(of('t', 0, 1, 3));
    expect(assigned.get('b')).toEqual(of('t', 2, 4, 5));
  });

  it('keeps the same partition of two topics together', () => {
    const topics = ['t', 'u'];
    const counts = new Map([
      ['t', 4],
      ['u', 4],
    ]);
    const { last } = settle([member('a', of('t', 3), 1, topics), member('b', of('u', 0), 1, topics)], counts);
    for (const assigned of last.values()) {
      const ofTopic = (name: string) =>
        assigned.filter(({ topic }) => topic === name).map(({ partition }) => partition);
      expect(ofTopic('t')).toEqual(ofTopic('u'));
      expect(ofTopic('t')).toHaveLength(2);
    }
  });

  it('gives a topic only to its subscribers', () => {
    const counts = new Map([
      ['t', 2],
      ['u', 2],
    ]);
    const assigned = assignPartitions([member('a', [], 1, ['t', 'u']), member('b', [], 1, ['t'])], counts);
    expect(assigned.get('a')).toEqual([...of('t', 0), ...of('u', 0, 1)]);
    expect(assigned.get('b')).toEqual(of('t', 1));
  });

  it('believes the latest of two claims', () => {
    const members = [member('cut-off', of('t', 0), 3), member('owner', of('t', 0), 7)];
    expect(assignPartitions(members, new Map([['t', 1]])).get('owner')).toEqual(of('t', 0));
  });

  const anyGroup = fc
    .record({
      partitionCount: fc.nat(24),
      memberCount: fc.integer({ min: 1, max: 9 }),
      seed: fc.infiniteStream(fc.nat(9)),
    })
    .map(({ partitionCount, memberCount, seed }) => {
      const owners = Array.from({ length: partitionCount }, () => seed.next().value);
      const members = Array.from({ length: memberCount }, (_, i) => {
        const owned = owners.flatMap((owner, partition) => (owner === i ? [{ topic: 't', partition }] : []));
        return member(`m${i}`, owned);
      });
      return { partitionCount, members };
    });

  it('comes to rest, evenly shared, with everything given away once', () => {
    fc.assert(
      fc.property(anyGroup, ({ partitionCount, members }) => {
        const { rounds, last } = settle(members, new Map([['t', partitionCount]]));
        expect(rounds).toBeLessThanOrEqual(2);
        expect(names(last).sort()).toEqual(Array.from({ length: partitionCount }, (_, i) => `t/${i}`).sort());
        const sizes = [...last.values()].map((partitions) => partitions.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('never gives away what another member claims, and moves no more than it must', () => {
    fc.assert(
      fc.property(anyGroup, ({ partitionCount, members }) => {
        const counts = new Map([['t', partitionCount]]);
        const first = assignPartitions(members, counts);
        for (const { memberId, owned } of members) {
          for (const one of owned) {
            const holders = [...first].filter(([, partitions]) => has(partitions, one)).map(([id]) => id);
            expect(holders.every((id) => id === memberId)).toBe(true);
          }
        }
        const share = Math.ceil(partitionCount / members.length);
        const isKept = (memberId: string, one: TopicPartition) => has(first.get(memberId), one);
        const kept = members.flatMap(({ memberId, owned }) => owned.filter((one) => isKept(memberId, one))).length;
        const floor = Math.floor(partitionCount / members.length);
        const atLeast = members.reduce((sum, { owned }) => sum + Math.min(owned.length, floor), 0);
        const atMost = members.reduce((sum, { owned }) => sum + Math.min(owned.length, share), 0);
        expect(kept).toBeGreaterThanOrEqual(atLeast);
        expect(kept).toBeLessThanOrEqual(atMost);
      }),
    );
  });
});

describe('what travels', () => {
  it('a claim comes back', () => {
    const claim = { topics: ['t', 'u'], owned: [...of('t', 0, 3), ...of('u', 12)], generation: 41 };
    expect(decodeClaim('m', encodeClaim(claim))).toEqual({ memberId: 'm', ...claim });
  });

  it('an assignment comes back, and an empty answer is none', () => {
    const assigned = [...of('t', 0, 3), ...of('u', 12)];
    expect(decodeAssignment(encodeAssignment(assigned))).toEqual(assigned);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
  });

  it('a claim without our part, or with a strange one, claims nothing', () => {
    const claim = encodeClaim({ topics: ['t'], owned: of('t', 0), generation: 1 });
    const strange = Buffer.from(claim.toString('latin1').replace('"owned":{"t":[0]}', '"owned":{"t":"?"}'), 'latin1');
    expect(decodeClaim('m', strange)).toMatchObject({ topics: ['t'], owned: [] });
    const broken = Buffer.from(claim.toString('latin1').replace('{"generation"', '["generation"'), 'latin1');
    expect(decodeClaim('m', broken)).toMatchObject({ topics: ['t'], owned: [], generation: -1 });
  });
});

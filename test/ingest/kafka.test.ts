import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKafkaSource } from '../../src/ingest/kafka.ts';
import { decodePosition } from '../../src/ingest/source.ts';
import type { Format } from '../../src/normalise/format.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Collecting, holdingFormat, line, nameAt, namesUpTo, startCollecting, until } from './collecting.ts';

const TOPIC = 'audit.raw';
const GROUP = 'tokenwarden';
let collecting: Collecting;
let partitionEnds: number[];

beforeEach(async () => {
  collecting = await startCollecting();
  partitionEnds = [0, 0, 0];
  await collecting.log.ensureTopics([{ topic: TOPIC, partitionCount: 3, cleanup: 'delete' }]);
});
afterEach(() => collecting[Symbol.asyncDispose]());

async function produce(from: number, to: number): Promise<void> {
  const records = Array.from({ length: to - from }, (_, i) => {
    const partition = (from + i) % 3;
    partitionEnds[partition]! += 1;
    return { key: null, partition, value: Buffer.from(line(nameAt(from + i))) };
  });
  await collecting.log.append(TOPIC, records);
}

function run(format?: Format): { readonly done: Promise<void>; stop(): Promise<void> } {
  const stopping = new AbortController();
  const source = openKafkaSource({
    name: 'kafka',
    log: collecting.log,
    topics: [TOPIC],
    group: GROUP,
    clock: systemClock,
  });
  const done = source.run(collecting.intake('kafka', format), stopping.signal);
  done.catch(() => undefined);
  return {
    done,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function untilNames(count: number): Promise<void> {
  await until(async () => (await collecting.events()).length >= count);
}

describe('openKafkaSource', () => {
  it('takes all partitions once, and commits where it stopped', async () => {
    await produce(0, 3000);
    let source = run();
    await untilNames(3000);
    await source.stop();
    const committed = await collecting.log.committed(GROUP, TOPIC);
    for (const [partition, { offset, metadata }] of committed) {
      expect(offset).toBe(partitionEnds[partition]);
      expect(decodePosition(metadata)?.offset).toBe(offset);
    }
    expect(committed.size).toBe(3);
    await collecting.reopen();
    source = run();
    await produce(3000, 3300);
    await untilNames(3300);
    await source.stop();
    expect(await collecting.names()).toEqual(namesUpTo(3300));
    expect(collecting.counts).toMatchObject({ taken: 3300, repeated: 0 });
    expect((await collecting.events()).every(({ id }) => /^kafka\/audit\.raw-[0-2]@[0-9a-f]{8}\/\d+$/.test(id))).toBe(
      true,
    );
  });

  it('settles what is held back when nothing more comes, and commits it', async () => {
    const source = run(holdingFormat());
    await produce(0, 9);
    await untilNames(9);
    await produce(9, 10);
    await untilNames(10);
    await until(async () => (await collecting.log.committed(GROUP, TOPIC)).get(0)?.offset === partitionEnds[0]);
    await source.stop();
  });

  it('adds nothing twice when it reads again what was taken but not committed', async () => {
    await produce(0, 900);
    const first = run();
    await untilNames(900);
    await first.stop();
    // As a crash leaves it: the group stands where it began, with the log's ends of then.
    const member = await collecting.log.join({ group: GROUP, topics: [TOPIC], batch: async () => undefined });
    for (const partition of [0, 1, 2]) {
      await until(() =>
        member.commit({ topic: TOPIC, partition }, { offset: 0, metadata: '0,0,0,0,0' }).then(
          () => true,
          () => false, // Not assigned yet.
        ),
      );
    }
    await member.stop();
    const second = run();
    await produce(900, 930);
    await untilNames(930);
    await second.stop();
    expect(await collecting.names()).toEqual(namesUpTo(930));
    expect(collecting.counts.repeated).toBe(900);
  });

  it('commits a position before the first record, so that a crash right after finds what was written', async () => {
    await produce(0, 30);
    const source = run();
    await untilNames(30);
    const committed = await collecting.log.committed(GROUP, TOPIC);
    // Not half a second old: only the start has been committed.
    expect([...committed.values()].map(({ offset, metadata }) => [offset, decodePosition(metadata)?.offset])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    await source.stop();
  });

  it('passes tombstones over and makes dead letters of what is too long', async () => {
    await collecting.log.append(TOPIC, [
      { key: 'a', partition: 0, value: null },
      { key: 'b', partition: 0, value: Buffer.alloc((1 << 20) + 1, 'x') },
      { key: 'c', partition: 0, value: Buffer.from(line(nameAt(0))) },
    ]);
    const source = run();
    await untilNames(1);
    await source.stop();
    expect(await collecting.deadLetters()).toMatchObject([
      {
        id: expect.stringMatching(/^kafka\/audit\.raw-0@[0-9a-f]{8}\/1$/),
        code: 'too-large',
        truncated: true,
        receivedAt: expect.any(Number),
      },
    ]);
  });

  it('hands partitions over to a second member without losing or repeating any', async () => {
    const first = run();
    await produce(0, 600);
    await sleep(30);
    const second = run();
    await produce(600, 1200);
    await untilNames(1200);
    await first.stop();
    await produce(1200, 1500);
    await untilNames(1500);
    await second.stop();
    expect(await collecting.names()).toEqual(namesUpTo(1500));
  });

  it('rejects when what it takes can no longer be made durable', async () => {
    const source = run();
    await produce(0, 30);
    await untilNames(30);
    const failing = openKafkaSource({
      name: 'other',
      log: collecting.log,
      topics: [TOPIC],
      group: 'other',
      clock: systemClock,
    }).run(
      {
        resume: async () => ({
          held: false,
          abandon: () => undefined,
          take: () => Promise.reject(new Error('disk full')),
          settle: async () => ({ offset: 0, logEnds: [] }),
        }),
      },
      new AbortController().signal,
    );
    await expect(failing).rejects.toThrow('disk full');
    await source.stop();
  });
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf } from '../../../src/domain/partition.ts';
import type { Random } from '../../../src/domain/random.ts';
import { startClickHouseFront } from '../../support/clickhouse-front.ts';
import {
  checkArchive,
  checkBooks,
  type Installation,
  install,
  PARTITION_COUNT,
  settle,
  settleArchive,
} from '../installation.ts';
import { type Member, startMember } from '../member.ts';
import type { Scenario } from '../scenario.ts';
import type { Moment, Step, Trap } from '../steps.ts';
import { openStream, type Stream } from '../stream.ts';
import { createTraffic, type Traffic } from '../traffic.ts';
import { median, until } from '../watched.ts';

/** After a week a baseline is old enough to revoke on. */
const DAYS = 8;
/** Writes that a zombie may have on its way: in between the look at its lease and the log. */
const FROZEN_AT = [
  'collect: append events',
  'detect: append findings',
  'respond: append decision',
  'detect: append baselines',
  'archive: insert',
  'detect: commit',
  'respond: append outcome',
] as const satisfies readonly Step[];
/** Far below what is usual, and above what a busy machine keeps a process waiting. */
const SESSION_MS = 2000;
/** Of the lines that flow, five times a second. */
const BAIT_EVERY = 20;
const REACHED_MS_MAX = 30_000;
/** Far longer than a session and all that follows its end. */
const TAKEN_OVER_MS_MAX = 15_000;

export default {
  id: 'zombie',
  title:
    'of two processes one is stopped (SIGSTOP) in the midst of a write; the other takes over; then it goes on where it was',
  on: ['kafka'],
  isShort: false,
  async run(context) {
    const { isShort, random, defer } = context;
    const installation = await install(context, { log: { sessionTimeoutMs: SESSION_MS } });
    const stream = await openStream(context, { ...installation, partitionCount: PARTITION_COUNT });
    const traffic = createTraffic('zombie', isShort ? 30 : 90, isShort ? 10 : 34);
    const store = await startClickHouseFront(join(installation.dataFolder, 'clickhouse'));
    let isOpen = true;
    const closeStore = async () => {
      if (isOpen) await store[Symbol.asyncDispose]();
      isOpen = false;
    };
    defer(closeStore);
    for (let day = 0; day < DAYS; day++) await stream.write(traffic.takeDay());
    const config = installation.configOf(stream.sources, { clickhouse: { kind: 'server', url: store.url } });
    const pair = await Promise.all([startMember(context, 'one', config), startMember(context, 'two', config)] as const);
    const processes = pair.map(({ tokenwarden }) => tokenwarden);
    const scene: Scene = { installation, stream, traffic, random, pair, stopMs: isShort ? 4000 : 15_000 };
    await settle(installation, traffic.lineCount, processes);
    const tookOverMs: number[] = [];
    const steps = drawn(FROZEN_AT, random).slice(0, isShort ? 1 : undefined);
    for (const [round, step] of steps.entries()) tookOverMs.push(await freeze(scene, round, step));
    await stream.write(traffic.take(100));
    await stream.taken();
    await settle(installation, traffic.lineCount, processes);
    await settleArchive(installation);
    for (const { tokenwarden } of pair) assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    await closeStore();
    const books = await checkBooks(installation, { ...traffic, repeatedCount: 'any' });
    const archived = await checkArchive(installation, books.assessments);
    return {
      'stopped at': steps.length,
      'for, s': scene.stopMs / 1000,
      'taken over, ms (median)': median(tookOverMs),
      'taken over, ms (longest)': Math.round(Math.max(...tookOverMs)),
      ...books,
      archived,
    };
  },
} satisfies Scenario;

interface Scene {
  readonly installation: Installation;
  readonly stream: Stream;
  readonly traffic: Traffic;
  readonly random: Random;
  readonly pair: readonly [Member, Member];
  readonly stopMs: number;
}

/** @returns ms from the stop until the other had a token revoked whose partition the stopped one held */
async function freeze(scene: Scene, round: number, step: Step): Promise<number> {
  const { installation, stream, traffic, random, stopMs } = scene;
  const [victim, other] = await choose(scene, round, step);
  const held = await victim.partitions();
  const moment: Moment = random.pick(['before', 'during']);
  const trap: Trap = { step, moment, turn: 1 + random.below(2), signal: 'SIGSTOP' };
  const name = `${victim.name} ${moment} ${step} (time ${trap.turn})`;
  const trappedCount = victim.trappedCount();
  let count = 0;
  const endFlow = stream.flow(() => {
    // Somebody new is to be told of, and revoked, time and again, so that there is something to decide and to be done.
    const isDue = /respond|findings/.test(step) && count++ % BAIT_EVERY === 0;
    const bait = isDue ? traffic.takeKept(() => true) : undefined;
    return [...traffic.take(20), ...traffic.takeBad(), ...(bait?.lines ?? [])];
  });
  victim.arm(trap);
  await until(() => victim.trappedCount() > trappedCount, REACHED_MS_MAX, victim.tokenwarden).catch(
    (cause: unknown) => {
      throw new Error(`${name} was not reached`, { cause });
    },
  );
  const stoppedAt = performance.now();
  const theft = traffic.takeKept((token) => held.includes(partitionOf(token, PARTITION_COUNT)));
  assert.ok(theft, `${name}: no token is left to be stolen in ${held}`);
  await stream.write(theft.lines);
  const { requests } = installation.receiver;
  const isRevoked = () =>
    requests.some(({ path, body }) => path.includes('/revoke') && body.includes(`"${theft.token}"`));
  await until(isRevoked, TAKEN_OVER_MS_MAX, other.tokenwarden);
  const tookOverMs = performance.now() - stoppedAt;
  await sleep(Math.max(0, stopMs - tookOverMs));
  victim.tokenwarden.signal('SIGCONT');
  // Woken amid work, and let in again.
  await until(async () => (await victim.partitions()).length > 0, REACHED_MS_MAX, victim.tokenwarden);
  await endFlow();
  return tookOverMs;
}

/** In turns, as far as the one whose turn it is comes to the step. @returns who is to be stopped, and who goes on */
async function choose({ pair }: Scene, round: number, step: Step): Promise<readonly [Member, Member]> {
  const [one, two] = pair;
  for (const { partitions, tokenwarden } of pair)
    await until(async () => (await partitions()).length > 0, REACHED_MS_MAX, tokenwarden);
  const isFirst = step.startsWith('respond') ? await one.isInOffice() : round % 2 === 0;
  return isFirst ? [one, two] : [two, one];
}

function drawn<T>(values: readonly T[], random: Random): readonly T[] {
  return values
    .map((value) => ({ value, rank: random.next() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DAY_MS } from '../../../src/baseline/time.ts';
import { CANARY_TABLE } from '../../../src/simulate/certain.ts';
import { createBeacons, type DecidedEvent, decidedEvents } from '../beacons.ts';
import { checkBooks, install, PARTITION_COUNT, settle } from '../installation.ts';
import { type Member, startMember } from '../member.ts';
import type { FaultContext, Scenario } from '../scenario.ts';
import { openStream } from '../stream.ts';
import { createTraffic } from '../traffic.ts';
import { median, until } from '../watched.ts';

const DAYS = 8;
const TOKENS = 200;
const START = Date.UTC(2026, 8, 7);
/** One of each partition so often: so exact is what is measured. */
const BEACON_MS = 20;
/** What the beacons touch. */
const DETECTORS = { canary: { tables: [CANARY_TABLE] } };
/** As an installation has it that sets nothing. */
const SESSION_MS = 10_000;
const MOVED_MS_MAX = 40_000;
/** What is late because of a move has come by then, and the next begins from rest. */
const REST_MS = 3000;
/** A machine that is busy with other things writes fewer of them in that time: then the rest is longer. */
const BEACONS_PER_MOVE = 200;
/** Who has to move partitions has them moved by then, on a busy machine too. */
const PAUSE_MS_MAX = 5000;

export default {
  id: 'scale',
  title: 'under load, one process becomes three and one again, by SIGTERM; partitions move with their baselines',
  on: ['kafka'],
  isShort: false,
  async run(context) {
    const { isShort, random } = context;
    const installation = await install(context, { log: { sessionTimeoutMs: SESSION_MS } });
    const stream = await openStream(context, { ...installation, partitionCount: PARTITION_COUNT });
    const traffic = createTraffic('scale', TOKENS);
    for (let day = 0; day < DAYS; day++) await stream.write(traffic.takeDay());
    const { response, detection } = installation.configOf([]) as {
      readonly response: { readonly receivers: object };
      readonly detection: object;
    };
    // The beacons go on whatever is revoked, which would be told as a revocation without effect.
    const config = installation.configOf(stream.sources, {
      mode: 'observe',
      clickhouse: { kind: 'off' },
      response: { receivers: response.receivers },
      detection: { ...detection, detectors: DETECTORS },
    });
    const crew = createCrew(context, config);
    await crew.grow();
    await stream.taken();
    await settle(installation, traffic.lineCount, crew.processes());
    const beacons = createBeacons('scale', TOKENS, PARTITION_COUNT, START + DAYS * DAY_MS);
    let beaconCount = 0;
    const endWork = stream.flow(() => traffic.take(20));
    const endBeacons = stream.flow(() => {
      beaconCount += PARTITION_COUNT;
      return beacons.take();
    }, BEACON_MS);
    await sleep(REST_MS);
    const moves: Move[] = [];
    const move = async (kind: Move['kind'], make: () => Promise<unknown>) => {
      const from = Date.now();
      const countBefore = beaconCount;
      await make();
      await crew.balanced();
      await sleep(REST_MS);
      await until(() => beaconCount - countBefore >= BEACONS_PER_MOVE, MOVED_MS_MAX);
      moves.push({ kind, from, to: Date.now() });
    };
    for (let round = 0; round < (isShort ? 1 : 3); round++) {
      for (let i = 0; i < 2; i++) await move('joining', () => crew.grow());
      for (let i = 0; i < 2; i++) await move('leaving', () => crew.shrink(random.below(crew.processes().length)));
    }
    await Promise.all([endWork(), endBeacons()]);
    await stream.taken();
    await settle(installation, traffic.lineCount + beaconCount, crew.processes());
    await crew.shrink(0);
    const decided = await decidedEvents(stream.log, stream.topic);
    const lines = { badCount: 0, lineCount: traffic.lineCount + beaconCount };
    const books = await checkBooks(installation, lines, { detectorOptions: DETECTORS });
    assert.deepEqual(decidedTwice(decided, moves), [], 'findings that stand twice: whose lease was lost?');
    assert.equal(decided.length, books.assessments);
    assert.ok(decided.length > 0.8 * beaconCount, `${decided.length} of ${beaconCount} beacons made a finding`);
    const usualMs = median(decided.map(({ rawAt, decidedAt }) => decidedAt - rawAt));
    const joining = pausesMs('joining', moves, decided, usualMs);
    const leaving = pausesMs('leaving', moves, decided, usualMs);
    assert.ok(Math.max(...joining, ...leaving) < PAUSE_MS_MAX, `joining ${joining}, leaving ${leaving}`);
    return {
      moves: moves.length,
      'decided in, ms': usualMs,
      'pause joining, ms (median)': median(joining),
      'pause joining, ms (longest)': Math.max(...joining),
      'pause leaving, ms (median)': median(leaving),
      'pause leaving, ms (longest)': Math.max(...leaving),
      ...books,
    };
  },
} satisfies Scenario;

interface Move {
  readonly kind: 'joining' | 'leaving';
  readonly from: number;
  readonly to: number;
}

/** Which stand twice, when, and what moved meanwhile: only who loses a lease leaves that behind, and nobody does who ends in order. */
function decidedTwice(decided: readonly DecidedEvent[], moves: readonly Move[]): readonly string[] {
  const byEvent = Map.groupBy(decided, ({ eventId }) => eventId);
  return [...byEvent.values()]
    .filter(({ length }) => length > 1)
    .map((findings) => {
      const times = findings.map(({ decidedAt }) => decidedAt);
      const meanwhile = moves.flatMap(({ kind, from, to }, i) =>
        times.some((at) => at >= from && at < to) ? [`move ${i + 1} (${kind}), ${from} to ${to}`] : [],
      );
      return `${findings[0]?.eventId} at ${times.join(' and ')}; ${meanwhile.join('; ')}`;
    });
}

/**
 * For each move: how much longer than usual the event waited that waited longest, in whichever partition. From the source's topic having it,
 * through both of its hand-overs (who collects, who detects), to its finding being durable.
 */
function pausesMs(
  kind: Move['kind'],
  moves: readonly Move[],
  decided: readonly DecidedEvent[],
  usualMs: number,
): readonly number[] {
  return moves
    .filter((move) => move.kind === kind)
    .map(({ from, to }) => {
      const within = decided.filter(({ rawAt }) => rawAt >= from && rawAt < to);
      assert.ok(within.length > 100, `only ${within.length} events were decided while ${kind}`);
      return Math.max(...within.map(({ rawAt, decidedAt }) => decidedAt - rawAt)) - usualMs;
    });
}

/** Processes that come and go. */
function createCrew(context: FaultContext, config: object) {
  const crew: Member[] = [];
  let count = 0;
  return {
    processes: () => crew.map(({ tokenwarden }) => tokenwarden),
    grow: async () => void crew.push(await startMember(context, `p${++count}`, config)),
    async shrink(index: number) {
      const [{ tokenwarden }] = crew.splice(index, 1) as [Member];
      assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    },
    /** Waits until each partition is somebody's, and nobody has more than has to be. */
    async balanced() {
      const share = Math.ceil(PARTITION_COUNT / crew.length);
      for (const { tokenwarden } of crew.slice(0, 1)) {
        const isBalanced = async () => {
          const held = await Promise.all(crew.map((member) => member.partitions()));
          return held.flat().length === PARTITION_COUNT && held.every(({ length }) => length > 0 && length <= share);
        };
        await until(isBalanced, MOVED_MS_MAX, tokenwarden);
      }
    },
  };
}

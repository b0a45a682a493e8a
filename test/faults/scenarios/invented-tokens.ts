import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/guarded-process.ts';
import { metricOf } from '../../support/metrics.ts';
import { checkBooks, settle } from '../installation.ts';
import { sampleMemory } from '../resident.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { median, until, watchFleet } from '../watched.ts';

/** Of each of three partitions. */
const TOKENS_MAX = 8000;
const PARTITION_COUNT = 3;
const PER_MINUTE = 1_000_000;
const FLOOD_COUNT = 200_000;
const FLOOD_COUNT_SHORT = 50_000;
const TURN_MS = 250;
/** Beside the slabs, which are bounded: batches in hand, and what the collector of garbage has not seen to. */
const GROWN_MIB_MAX = 300;
const SETTLING_MS = 300_000;

export default {
  id: 'invented-tokens',
  title: 'somebody invents tokens and tables, a million a minute, while others are stolen',
  on: ['embedded'],
  isShort: false,
  async run(context) {
    const { defer, isShort } = context;
    const floodCount = isShort ? FLOOD_COUNT_SHORT : FLOOD_COUNT;
    const watched = await watchFleet(context);
    const port = await freePort();
    const { detection } = watched.config as { detection: object };
    const config = {
      ...watched.config,
      clickhouse: { kind: 'off' },
      operations: { port },
      detection: { ...detection, tokensMax: TOKENS_MAX },
    };
    let tokenwarden = await startWatching(context, config);
    await settle(watched, watched.lineCount(), [tokenwarden], SETTLING_MS);
    const quietMs = [await watched.steal(tokenwarden), await watched.steal(tokenwarden)];

    const memory = sampleMemory(tokenwarden);
    defer(memory.stop);
    const scanner = watched.fleet.tokens.findLast(({ habit }) => habit === 'service')!;
    const startedAt = performance.now();
    const amidMs: number[] = [];
    let tokensMost = 0;
    const flood = async () => {
      for (let written = 0; written < floodCount; ) {
        const due = Math.min(floodCount, Math.ceil(((performance.now() - startedAt) / 60_000) * PER_MINUTE) + 1);
        watched.write(inventions(written, due, scanner.token));
        written = due;
        await sleep(TURN_MS);
      }
    };
    const flooding = flood();
    const hasEnded = flooding.then(() => true);
    do {
      amidMs.push(await watched.steal(tokenwarden, SETTLING_MS));
      tokensMost = Math.max(tokensMost, await metricOf(port, 'tokenwarden_tokens'));
    } while (!(await Promise.race([hasEnded, sleep(isShort ? 500 : 5000)])));
    await flooding;
    const taken = async () => (await metricOf(port, 'tokenwarden_detect_events_total')) >= watched.lineCount();
    await until(taken, SETTLING_MS, tokenwarden);
    const tookMs = performance.now() - startedAt;
    memory.stop();
    const forgotten = await metricOf(port, 'tokenwarden_detect_forgotten_tokens_total');
    const told = tokenwarden.log().split('more tokens than detection.tokensMax').length - 1;
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());

    // Who starts after it finds what was learned, and learns on.
    const restartedAt = performance.now();
    tokenwarden = await startWatching(context, config, { limitMs: SETTLING_MS });
    const restartMs = Math.round(performance.now() - restartedAt);
    const afterMs = await watched.steal(tokenwarden, SETTLING_MS);
    await settle(watched, watched.lineCount(), [tokenwarden], SETTLING_MS);
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());

    // Baselines of those that were there before are, to the byte, as if nobody had invented any.
    const real = new Set(watched.fleet.tokens.map(({ token }) => token));
    const mature = new Set(
      watched.fleet.tokens.filter(({ habit }) => habit !== 'rarely-used').map(({ token }) => token),
    );
    const installation = { ...watched, receiver: watched.gateway };
    const wanted = (token: string) => mature.has(token);
    const kept = (token: string) => real.has(token);
    const books = await checkBooks(installation, { lineCount: watched.lineCount(), badCount: 0 }, { wanted, kept });
    assert.equal(books.tokens, mature.size, 'mature tokens were forgotten');
    assert.ok(forgotten > floodCount / 2, `${forgotten} tokens were forgotten`);
    assert.ok(tokensMost <= TOKENS_MAX * PARTITION_COUNT, `${tokensMost} tokens`);
    assert.ok(told >= 1 && told <= 2 + tookMs / 60_000, `told ${told} times`);
    assert.ok(memory.grownMiB() < GROWN_MIB_MAX, `grew by ${memory.grownMiB()} MiB`);
    return {
      ...books,
      invented: floodCount,
      forgotten,
      'tokens at most': tokensMost,
      'events/s': Math.round((floodCount / tookMs) * 1000),
      'grown at most, MiB': Math.round(memory.grownMiB()),
      'revoked before, ms': median(quietMs),
      'amid them, ms': median(amidMs),
      'at most, ms': Math.round(Math.max(...amidMs)),
      'after a restart, ms': Math.round(afterMs),
      'restart, ms': restartMs,
    };
  },
} satisfies Scenario;

/** Tokens nobody has, on tables that there are not; every tenth time a real one looks for such a table. */
function inventions(from: number, to: number, scanner: string): readonly string[] {
  return Array.from({ length: to - from }, (_, k) => {
    const i = from + k;
    const token = i % 10 === 0 ? scanner : `invented-${i.toString(36)}`;
    const time = new Date(Date.UTC(2026, 8, 17) + i).toISOString();
    const address = `198.51.${i % 256}.${(i >> 8) % 256}`;
    return `{"time":"${time}","token":"${token}","source_ip":"${address}","tables":["made.up_${i}"],"rows":1}`;
  });
}

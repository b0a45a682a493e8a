import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exception, hangs, type Reply, resets } from '../../store/fault-server.ts';
import { type ClickHouseFront, startClickHouseFront } from '../../support/clickhouse-front.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { median, until, watchFleet } from '../watched.ts';

const SETTLING_MS = 60_000;

/** What a server in trouble does, after which an honest answer follows. */
function troubles({ honest }: ClickHouseFront): readonly [string, Reply][] {
  return [
    ['503', (_, response) => void response.writeHead(503).end('<h1>503 Service Unavailable</h1>')],
    ['reset before it was taken', resets],
    [
      'reset after it was taken',
      async (asked, response) => {
        const { socket } = response;
        // The engine takes it, and nobody hears of it.
        await honest(asked, { ...deaf(), destroyed: true } as never);
        socket?.resetAndDestroy();
      },
    ],
    ['read-only', exception(242, 'TABLE_IS_READ_ONLY')],
    ['an exception behind 200', exception(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', 200)],
    [
      'slow',
      async (asked, response) => {
        await sleep(1500);
        await honest(asked, response);
      },
    ],
    [
      'an answer that trickles, and then breaks off',
      async (asked, response) => {
        await honest(asked, { ...deaf(), destroyed: true } as never);
        response.writeHead(200, { 'Content-Length': 1000 });
        for (let i = 0; i < 10; i++) {
          response.write(' ');
          await sleep(100);
        }
        response.socket?.resetAndDestroy();
      },
    ],
    ['hangs', hangs],
  ];
}

/** A response that goes nowhere. */
function deaf() {
  return { end: () => undefined, writeHead: () => undefined };
}

export default {
  id: 'clickhouse-away',
  title: 'ClickHouse is in every kind of trouble, then away, also at a restart, while tokens are stolen',
  on: ['embedded', 'kafka'],
  isShort: 'embedded',
  async run(context) {
    const { folder, defer, isShort } = context;
    const watched = await watchFleet(context);
    const front = await startClickHouseFront(join(folder, 'clickhouse'));
    defer(() => front[Symbol.asyncDispose]());
    const config = { ...watched.config, clickhouse: { kind: 'server', url: front.url } };
    let tokenwarden = await startWatching(context, config);
    const archived = async () =>
      Number((await front.query<{ n: string }>('SELECT toString(count()) AS n FROM events'))[0]?.n);
    await until(async () => (await archived()) === watched.lineCount(), SETTLING_MS, tokenwarden);

    // Stolen in the midst of days' worth of others, both times alike.
    const stealInCrowd = () => {
      for (let day = 0; day < (isShort ? 1 : 5); day++) watched.writeDay();
      return watched.steal(tokenwarden);
    };
    const upMs: number[] = [];
    const quietUpMs: number[] = [];
    for (let i = 0; i < 3; i++) upMs.push(await stealInCrowd());
    for (let i = 0; i < 3; i++) quietUpMs.push(await watched.steal(tokenwarden));

    let troubleCount = 0;
    for (const [, trouble] of troubles(front).slice(0, isShort ? 4 : undefined)) {
      let left = 2;
      // A request that hangs is waited for: the client's own time-out is longer than this scenario.
      front.reply((asked, response) => {
        if (asked.rows === '' || left-- <= 0) return front.honest(asked, response);
        troubleCount += 1;
        return trouble(asked, response);
      });
      watched.writeDay();
      await until(() => left <= (trouble === hangs ? 1 : 0), SETTLING_MS, tokenwarden);
    }

    await front.down();
    const before = tokenwarden.residentMiB();
    const awayMs: number[] = [];
    const quietAwayMs: number[] = [];
    for (let i = 0; i < 3; i++) awayMs.push(await stealInCrowd());
    for (let i = 0; i < 3; i++) quietAwayMs.push(await watched.steal(tokenwarden));
    const grownMiB = tokenwarden.residentMiB() - before;
    // The process dies meanwhile: its successors start with an announced insert behind them, one without a store, one before one that hangs.
    const succeed = async () => {
      await tokenwarden.kill();
      tokenwarden = await startWatching(context, config, { limitMs: 20_000 });
      quietAwayMs.push(await watched.steal(tokenwarden));
    };
    await succeed();
    await front.up();
    front.reply(hangs);
    await succeed();
    await front.down();

    await front.up();
    const upAt = performance.now();
    await until(async () => (await archived()) >= watched.lineCount(), SETTLING_MS, tokenwarden);
    const caughtUpMs = Math.round(performance.now() - upAt);
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    const [counted] = await front.query<{ rows: string; places: string; ids: string; hours: string }>(
      `SELECT toString(count()) AS rows, toString(uniqExact(log_partition, log_offset)) AS places,
        toString(uniqExact(id)) AS ids, toString((SELECT sum(event_count) FROM token_hours)) AS hours FROM events`,
    );
    const all = String(watched.lineCount());
    assert.deepEqual(counted, { rows: all, places: all, ids: all, hours: all });
    assert.ok(median(quietAwayMs) < 2 * median(quietUpMs) + 300, `up ${quietUpMs}, away ${quietAwayMs}`);
    assert.ok(median(awayMs) < 2 * median(upMs) + 500, `up ${upMs}, away ${awayMs}`);
    assert.ok(grownMiB < 150, `grew by ${grownMiB} MiB while ClickHouse was away`);
    return {
      events: all,
      troubles: troubleCount,
      'revoked with it, ms': median(quietUpMs),
      'revoked without it, ms': median(quietAwayMs),
      'behind days of events with it, ms': median(upMs),
      'and without it, ms': median(awayMs),
      'grown while away, MiB': Math.round(grownMiB),
      'caught up, ms': caughtUpMs,
      duplicates: 0,
      holes: 0,
    };
  },
} satisfies Scenario;

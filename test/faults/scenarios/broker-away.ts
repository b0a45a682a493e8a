import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/guarded-process.ts';
import { createFeed } from '../feed.ts';
import { closeBooks, install, settle } from '../installation.ts';
import { startOwnKafka } from '../own-kafka.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { until } from '../watched.ts';

const AWAY_MS = 120_000;
const AWAY_SHORT_MS = 10_000;
const CAUGHT_UP_MS_MAX = 180_000;
/** A busy machine is no fault. */
const SESSION_MS = 6000;
/** What a process may hold more than before while it can write nowhere: a batch or two, and garbage. */
const GROWN_MIB_MAX = 150;

export default {
  id: 'broker-away',
  title: 'the broker is away for two minutes, while there is more and more to read',
  on: ['kafka'],
  isShort: false,
  async run(context) {
    const { isShort } = context;
    const kafka = await startOwnKafka(context);
    const installation = await install(context, { kafka, log: { sessionTimeoutMs: SESSION_MS } });
    const feed = createFeed(context, 30);
    const port = await freePort();
    const config = installation.configOf(feed.sources, { operations: { port } });
    const tokenwarden = await startWatching(context, config);
    await settle(installation, feed.traffic.lineCount, [tokenwarden]);
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, body: await response.text() };
    };
    await until(async () => (await ask('/readyz')).status === 200, 30_000, tokenwarden);
    const before = { lineCount: feed.traffic.lineCount, residentMiB: tokenwarden.residentMiB() };

    const endFlow = feed.flow(isShort ? 50 : 100);
    const coming = kafka.restart(isShort ? AWAY_SHORT_MS : AWAY_MS);
    let back = false;
    const seen = coming.then(() => {
      back = true;
    });
    let residentMiBMax = 0;
    let unreadyCount = 0;
    await sleep(2000);
    while (!back) {
      const [health, readiness] = [await ask('/healthz'), await ask('/readyz')];
      if (back) break;
      assert.equal(health.status, 200, health.body);
      if (readiness.status === 503) {
        assert.match(readiness.body, /our log cannot be read/);
        unreadyCount += 1;
      }
      residentMiBMax = Math.max(residentMiBMax, tokenwarden.residentMiB());
      await Promise.race([seen, sleep(1000)]);
    }
    await seen;
    endFlow();
    const missed = feed.traffic.lineCount - before.lineCount;
    const backAt = performance.now();
    await settle(installation, feed.traffic.lineCount, [tokenwarden], CAUGHT_UP_MS_MAX);
    const caughtUpMs = performance.now() - backAt;
    await until(async () => (await ask('/readyz')).status === 200, 30_000, tokenwarden);

    assert.ok(unreadyCount > 0, 'called itself ready without its log');
    for (const text of ['the consumer group cannot be reached', 'the consumer group can be reached again'])
      assert.ok(tokenwarden.log().includes(text), `"${text}" was not logged`);
    const grownMiB = Math.round(residentMiBMax - before.residentMiB);
    assert.ok(grownMiB < GROWN_MIB_MAX, `grew by ${grownMiB} MiB while the broker was away`);
    const books = await closeBooks(installation, feed.traffic, tokenwarden);
    return {
      'away, s': (isShort ? AWAY_SHORT_MS : AWAY_MS) / 1000,
      'lines meanwhile': missed,
      'grown meanwhile, MiB': grownMiB,
      'caught up, s': Math.round(caughtUpMs / 100) / 10,
      ...books,
    };
  },
} satisfies Scenario;

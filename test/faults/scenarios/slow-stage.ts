import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startClickHouseFront } from '../../support/clickhouse-front.ts';
import { freePort } from '../../support/guarded-process.ts';
import { startHttpReceiver } from '../../support/http-receiver.ts';
import { metricOf } from '../../support/metrics.ts';
import { checkBooks, settle } from '../installation.ts';
import { sampleMemory } from '../resident.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { HOOK, response, until, watchFleet } from '../watched.ts';

/** What a detector of a user takes for one event while its file is there. */
const BURNED_MS = 5;
const STORE_DELAY_MS = 3000;
const RECEIVER_DELAY_MS = 4000;
const POLL_MS = 200;
const LAG_MS = 30_000;
const SETTLING_MS = 180_000;
const GROWN_MIB_MAX = 200;

export default {
  id: 'slow-stage',
  title: 'a detector burns time, ClickHouse answers slowly, and so does a receiver, one after the other',
  on: ['embedded', 'kafka'],
  isShort: false,
  async run(context) {
    const { folder, defer } = context;
    const watched = await watchFleet(context);
    const receiver = await startHttpReceiver();
    defer(receiver.close);
    const front = await startClickHouseFront(join(folder, 'clickhouse'));
    defer(() => front[Symbol.asyncDispose]());
    const port = await freePort();
    const brake = join(folder, 'brake');
    const detectorFolder = await writeSlowDetector(join(folder, 'detectors'), brake);
    const { detection } = watched.config as { detection: object };
    const tokenwarden = await startWatching(context, {
      ...watched.config,
      clickhouse: { kind: 'server', url: front.url },
      operations: { port },
      detection: { ...detection, detectorFolders: [detectorFolder] },
      response: response(watched.gateway, { hook: { ...HOOK, url: receiver.url } }),
    });
    // A log that does not answer in time is left out: that is no lag of 0.
    const lagOf = async (group: string) => {
      const records = await metricOf(port, 'tokenwarden_lag_records', { group }).catch(() => Number.NaN);
      const seconds = await metricOf(port, 'tokenwarden_lag_seconds', { group }).catch(() => Number.NaN);
      return { records, seconds };
    };
    const caughtUp = (group: string) => async () => {
      await sleep(POLL_MS);
      return (await lagOf(group)).records === 0;
    };
    // Asked seldom: the engine answers one thing at a time.
    const archived = async () => {
      await sleep(POLL_MS);
      return Number((await front.query<{ n: string }>('SELECT toString(count()) AS n FROM events'))[0]?.n);
    };
    const allArchived = async () => (await archived()) === watched.lineCount();
    await until(allArchived, SETTLING_MS, tokenwarden);
    await watched.steal(tokenwarden);
    const memory = sampleMemory(tokenwarden);
    defer(memory.stop);

    /** Lags while it is slow, and goes back to nothing when it is not. */
    const slow = async (group: string, begin: () => unknown, end: () => unknown) => {
      await begin();
      for (let day = 0; day < 2; day++) watched.writeDay();
      const seen = { records: 0, seconds: 0 };
      const startedAt = performance.now();
      while (seen.records < 500 || seen.seconds < 1) {
        const { records, seconds } = await lagOf(group);
        seen.records = Math.max(seen.records, records || 0);
        seen.seconds = Math.max(seen.seconds, seconds || 0);
        assert.ok(performance.now() - startedAt < LAG_MS, `the lag of ${group} is not shown: ${JSON.stringify(seen)}`);
        await sleep(POLL_MS);
      }
      await end();
      const endedAt = performance.now();
      await until(caughtUp(group), SETTLING_MS, tokenwarden);
      return { ...seen, caughtUpMs: Math.round(performance.now() - endedAt) };
    };

    const detect = await slow(
      'detect',
      () => writeFile(brake, ''),
      () => writeFile(`${brake}.off`, ''),
    );
    const archive = await slow(
      'archive',
      () =>
        front.reply(async (asked, answer) => {
          if (asked.rows !== '') await sleep(STORE_DELAY_MS);
          return front.honest(asked, answer);
        }),
      () => front.reply(front.honest),
    );
    // What waits for a receiver waits for nobody else: the token is revoked meanwhile.
    receiver.always({ delayMs: RECEIVER_DELAY_MS });
    const revokedMs = Math.round(await watched.steal(tokenwarden));
    const waiting = () => metricOf(port, 'tokenwarden_open_actions', { kind: 'notify', target: 'hook' }).catch(() => 0);
    await until(async () => (await waiting()) > 0, LAG_MS, tokenwarden);
    receiver.always({});
    await settle(watched, watched.lineCount(), [tokenwarden], SETTLING_MS);
    await until(async () => (await waiting()) === 0, LAG_MS, tokenwarden);
    await until(allArchived, SETTLING_MS, tokenwarden);
    memory.stop();
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    const requests = [...watched.gateway.requests, ...receiver.requests];
    const installation = { ...watched, receiver: { ...receiver, requests } };
    const lines = { lineCount: watched.lineCount(), badCount: 0 };
    const books = await checkBooks(installation, lines, { detectorFolders: [detectorFolder] });
    assert.ok(revokedMs < RECEIVER_DELAY_MS, `revoked after ${revokedMs} ms behind a slow receiver`);
    assert.ok(memory.grownMiB() < GROWN_MIB_MAX, `grew by ${memory.grownMiB()} MiB`);
    return {
      ...books,
      'detect behind, records': detect.records,
      'and seconds': Math.round(detect.seconds),
      'detect caught up, ms': detect.caughtUpMs,
      'archive behind, records': archive.records,
      'archive caught up, ms': archive.caughtUpMs,
      'revoked beside a slow receiver, ms': revokedMs,
      'grown at most, MiB': Math.round(memory.grownMiB()),
    };
  },
} satisfies Scenario;

/** Burns time at every event, from when a file is there until another is. */
async function writeSlowDetector(folder: string, brake: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'burns-time.mjs'),
    `
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { counter, defineDetector } from 'tokenwarden/detector';

let isOn = false;
let lookedAt = 0;

function burn() {
  const startedAt = performance.now();
  if (startedAt - lookedAt > 100) {
    isOn = existsSync(${JSON.stringify(brake)}) && !existsSync(${JSON.stringify(`${brake}.off`)});
    lookedAt = startedAt;
  }
  while (isOn && performance.now() - startedAt < ${BURNED_MS});
}

export default defineDetector({
  id: 'burns-time',
  title: 'A detector that burns time',
  description: 'Made to be slow, so that it can be seen how the lag is shown and what else notices.',
  status: 'stable',
  severity: 'low',
  dimension: 'how',
  trust: 'reported',
  attack: [],
  falsePositives: ['none'],
  runbook: 'Mend it.',
  config: z.strictObject({}),
  remembers: { seen: counter() },
  score: () => burn(),
  learn({ seen }) { seen.add(1); },
  evidence: () => [],
  explain: () => '',
  cases: [],
});
`,
  );
  return folder;
}

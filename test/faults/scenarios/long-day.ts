import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { linearRegression } from 'simple-statistics';
import { checkBooks, settle } from '../installation.ts';
import { sampleMemory } from '../resident.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { watchFleet } from '../watched.ts';

const RUN_MS = 90_000;
const SETTLING_MS = 300_000;
const RUN_MS_SHORT = 20_000;
/** Of days in the file and not decided: enough that there is always something to do. */
const DAYS_AHEAD = 2;
const TOKEN_COUNT = 60;
/** By which the line through the second half may rise, of what is held then. */
const RISE_SHARE_MAX = 0.1;
const RISE_MIB_MIN = 30;

export default {
  id: 'long-day',
  title: 'weeks of traffic in minutes, with a theft a day: memory is flat after warm-up',
  on: ['embedded'],
  isShort: false,
  async run(context) {
    const { defer, isShort } = context;
    const watched = await watchFleet(context, TOKEN_COUNT);
    const tokenwarden = await startWatching(context, { ...watched.config, clickhouse: { kind: 'embedded' } });
    await settle(watched, watched.lineCount(), [tokenwarden], SETTLING_MS);
    const memory = sampleMemory(tokenwarden);
    defer(memory.stop);
    const startedAt = performance.now();
    const services = watched.fleet.tokens.filter(({ habit }) => habit === 'service').length;
    let [days, thefts] = [0, 0];
    while (performance.now() - startedAt < (isShort ? RUN_MS_SHORT : RUN_MS)) {
      for (let i = 0; i < DAYS_AHEAD; i++) watched.writeDay();
      days += DAYS_AHEAD;
      if (thefts < services) {
        await watched.steal(tokenwarden, SETTLING_MS);
        thefts += 1;
      } else {
        await settle(watched, watched.lineCount(), [tokenwarden], SETTLING_MS);
      }
      await sleep(10);
    }
    memory.stop();
    await settle(watched, watched.lineCount(), [tokenwarden], SETTLING_MS);
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    const installation = { ...watched, receiver: watched.gateway };
    const books = await checkBooks(installation, { lineCount: watched.lineCount(), badCount: 0 });

    const half = memory.samples.slice(Math.floor(memory.samples.length / 2));
    const { m, b } = linearRegression(half.map(({ atMs, residentMiB }) => [atMs, residentMiB]));
    const [first, last] = [half[0]!.atMs, half.at(-1)!.atMs];
    const riseMiB = m * (last - first);
    const limitMiB = Math.max(RISE_MIB_MIN, RISE_SHARE_MAX * (m * first + b));
    assert.ok(riseMiB < limitMiB, `rose by ${riseMiB} MiB in the second half, from ${m * first + b}`);
    return {
      ...books,
      days,
      thefts,
      'resident in the middle, MiB': Math.round(m * first + b),
      'resident at the end, MiB': Math.round(m * last + b),
      'second half, s': Math.round((last - first) / 1000),
    };
  },
} satisfies Scenario;

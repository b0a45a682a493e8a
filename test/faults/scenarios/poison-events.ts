import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../../src/domain/random.ts';
import type { LogRecord, NewRecord } from '../../../src/log/log.ts';
import { asideIn } from '../../../src/pipeline/aside-record.ts';
import { TOPICS } from '../../../src/pipeline/topics.ts';
import { freePort } from '../../support/guarded-process.ts';
import { checkArchive, checkBooks, type Installation, install, settle, settleArchive } from '../installation.ts';
import { type Poison, poisonOf, redated } from '../poison.ts';
import { sampleMemory } from '../resident.ts';
import type { Scenario } from '../scenario.ts';
import { startWatching } from '../start.ts';
import { createTraffic } from '../traffic.ts';
import { median, until } from '../watched.ts';

const DAYS = 10;
const HISTORY_MS = 60_000;
const THEFT_MS = 30_000;
/** From each end of a partition. */
const COPIES = 20;
/** What a few lines of the greatest size may take while they are looked at. */
const GROWN_MIB_MAX = 300;

export default {
  id: 'poison-events',
  title: 'lines that are huge, deep, broken, misdated, repeated or out of order, amid traffic and thefts',
  on: ['embedded', 'kafka'],
  isShort: 'embedded',
  async run(context) {
    const { folder, defer, isShort, random } = context;
    const installation = await install(context);
    const { receiver } = installation;
    receiver.always({});
    const path = join(folder, 'input.jsonl');
    const traffic = createTraffic('poison', 60);
    const extra = { lineCount: 0, badCount: 0 };
    const feed = (lines: readonly (string | Buffer)[]) => {
      for (const line of lines) appendFileSync(path, Buffer.concat([Buffer.from(line), Buffer.from('\n')]));
    };
    let refusedCount = 0;
    const count = (lineCount: number, becomes: Poison['becomes']) => {
      extra.lineCount += lineCount;
      if (becomes === 'dead letter') extra.badCount += lineCount;
    };
    const feedExtra = (lines: readonly (string | Buffer)[], becomes: Poison['becomes'] = 'event') => {
      count(lines.length, becomes);
      feed(lines);
    };
    const first = traffic.takeDay();
    appendFileSync(path, first.map((line) => `${line}\n`).join(''));
    for (let day = 1; day < DAYS; day++) appendFileSync(path, `${traffic.takeDay().join('\n')}\n`);
    const port = await freePort();
    const config = installation.configOf([
      { name: 'input', kind: 'file', format: 'canonical', path },
      { name: 'posted', kind: 'http', format: 'canonical', port },
    ]);
    const tokenwarden = await startWatching(context, config);
    await settle(installation, traffic.lineCount, [tokenwarden], HISTORY_MS);

    const steal = async (misdate: boolean) => {
      const theft = traffic.takeTheft();
      const { token } = JSON.parse(theft[0]!) as { token: string };
      if (misdate) feedExtra(redated(first.find((line) => line.includes(`"${token}"`))!));
      const startedAt = performance.now();
      feed(theft);
      const isRevoked = () =>
        receiver.requests.some((one) => one.path.endsWith('/revoke') && one.body.includes(`"${token}"`));
      await until(isRevoked, THEFT_MS, tokenwarden);
      return performance.now() - startedAt;
    };
    const rounds = isShort ? 1 : 5;
    const before: number[] = [];
    for (let i = 0; i < rounds; i++) before.push(await steal(false));
    const memory = sampleMemory(tokenwarden, 50);
    defer(memory.stop);
    const [amid, misdated]: [number[], number[]] = [[], []];
    for (let i = 0; i < rounds; i++) {
      const poisons = poisonOf(random);
      for (const { lines, becomes } of poisons) {
        feedExtra(lines, becomes);
        feed(traffic.take(10));
      }
      for (const { name, lines, becomes } of poisons) {
        for (const line of lines) {
          const status = await post(port, line);
          // What is not even JSON is refused whole, and leaves nothing behind.
          assert.ok(status === 202 || (becomes === 'dead letter' && [400, 413].includes(status)), `${name}: ${status}`);
          if (status !== 202) refusedCount += 1;
          else count(1, becomes);
        }
      }
      // Hours out of order; the same lines again, near and far.
      feed(shuffled(traffic.take(400), random));
      const again = traffic.take(50);
      feed(again);
      feedExtra([...again, ...first.slice(0, 200)]);
      // No records.
      feed(['', '\r']);
      amid.push(await steal(false));
      misdated.push(await steal(true));
    }
    const lineCount = traffic.lineCount + extra.lineCount;
    await settle(installation, lineCount, [tokenwarden]);
    const repeatedCount = context.log === 'kafka' ? await appendAgain(installation) : 0;
    await settle(installation, lineCount + repeatedCount, [tokenwarden]);
    memory.stop();
    const all = { lineCount, badCount: traffic.badCount + extra.badCount, repeatedCount };
    await settleArchive(installation);
    assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
    const books = await checkBooks(installation, all);
    const archived = await checkArchive(installation, books.assessments);
    assert.doesNotMatch(tokenwarden.log(), /cannot be accounted for/);
    const grownMiB = memory.grownMiB();
    assert.ok(grownMiB < GROWN_MIB_MAX, `grew by ${grownMiB} MiB`);
    assert.ok(median(amid) < 3 * median(before) + 5000, `before ${before}; amid ${amid}`);
    assert.ok(median(misdated) < 3 * median(before) + 1000, `before ${before}; misdated ${misdated}`);
    return {
      ...books,
      'posts refused': refusedCount,
      'second copies': repeatedCount,
      archived,
      'revoked before, ms': median(before),
      'behind poison, ms': median(amid),
      'with a misdated baseline, ms': median(misdated),
      'grown at most, MiB': Math.round(grownMiB),
    };
  },
} satisfies Scenario;

async function post(port: number, line: string | Buffer): Promise<number> {
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const request = { method: 'POST', headers, body: line };
  const { status, body } = await fetch(`http://127.0.0.1:${port}/v1/events`, request);
  await body?.cancel();
  return status;
}

/** Events, and what stands among them, are in their log a second time, the oldest and the newest: what a collector does that has lost its lane and does not know it. @returns how many are events */
async function appendAgain({ open }: Installation): Promise<number> {
  const log = await open();
  try {
    const copies: NewRecord[] = [];
    for (const { partition, end } of await log.offsets(TOPICS.events)) {
      for (const from of [0, end - COPIES]) {
        for (const { key, value } of await take(log.read(TOPICS.events, partition, { from }), COPIES))
          copies.push({ key, value: value && Buffer.from(value), partition });
      }
    }
    await log.append(TOPICS.events, copies);
    return copies.filter(({ value }) => value !== null && asideIn(value) === undefined).length;
  } finally {
    await log.close();
  }
}

async function take(batches: AsyncIterable<readonly LogRecord[]>, count: number): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of batches) {
    records.push(...batch);
    if (records.length >= count) break;
  }
  return records.slice(0, count);
}

function shuffled(lines: readonly string[], random: Random): readonly string[] {
  return lines
    .map((line) => ({ line, rank: random.next() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ line }) => line);
}

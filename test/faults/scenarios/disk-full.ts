import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountSmallDisk, type SmallDisk } from '../../support/small-disk.ts';
import type { TokenwardenProcess } from '../../support/tokenwarden-process.ts';
import { checkArchive, checkBooks, type Installation, install, settle, settleArchive } from '../installation.ts';
import type { FaultContext, Scenario } from '../scenario.ts';
import { start } from '../start.ts';
import { createTraffic, type Traffic } from '../traffic.ts';
import { until } from '../watched.ts';

/** After a week a baseline is old enough to revoke on. */
const DAYS = 8;
/** The archive leaves 192 of it free. */
const DISK_MIB = 448;
/** Too little for an archive to be made. */
const LEFT_AT_FIRST_BYTES = 64 << 20;
/** What is left when traffic begins to fill the rest. */
const LEFT_BYTES_MAX = 2 << 20;
/** So long it must have waited, at a stretch. */
const FULL_MS = 2000;
const FEED_MS = 50;

/** The disk fills up under traffic, again and again; nobody has to start anything anew when there is room again. */
export default {
  id: 'disk-full',
  title: 'the disk of the data folder fills up under traffic, also around a kill -9, and gets room again',
  on: ['embedded'],
  isShort: true,
  async run(context) {
    const { folder, isShort } = context;
    const installation = await install(context);
    const disk = await mountSmallDisk(context, installation.dataFolder, DISK_MIB);
    const path = join(folder, 'input.jsonl');
    const traffic = createTraffic('disk-full', isShort ? 30 : 60);
    const feed = (lines: readonly string[]) => appendFileSync(path, lines.map((line) => `${line}\n`).join(''));
    for (let day = 0; day < (isShort ? 2 : DAYS); day++) feed(traffic.takeDay());
    const sources = [{ name: 'input', kind: 'file', format: 'canonical', path }];
    const config = installation.configOf(sources, { operations: { port: 0 } });
    await disk.fill(LEFT_AT_FIRST_BYTES);
    const first = await start(context, config);
    await first.logged('watching');
    await first.logged('archiving waits');
    disk.free();
    const place: Place = { context, installation, config, disk, traffic, feed, tokenwarden: first, wentOnMs: [] };
    await settle(installation, traffic.lineCount, [first]);

    for (let round = 0; round < (isShort ? 1 : 4); round++) {
      await fillUp(place);
      checkTold(place);
      await goOn(place);
      await settle(installation, traffic.lineCount, [place.tokenwarden]);
    }
    const starts = { refused: 0, waited: 0 };
    for (let round = 0; round < (isShort ? 0 : 3); round++) starts[await startOnFull(place)] += 1;
    await settleArchive(installation);
    assert.equal(await place.tokenwarden.stop(), 0, place.tokenwarden.log());
    const books = await checkBooks(installation, traffic);
    const archived = await checkArchive(installation, books.assessments);
    return {
      'went on by itself': place.wentOnMs.length,
      'after at most, ms': Math.max(...place.wentOnMs),
      'started while full: waited': starts.waited,
      'refused to start': starts.refused,
      ...books,
      archived,
    };
  },
} satisfies Scenario;

interface Place {
  readonly context: FaultContext;
  readonly installation: Installation;
  readonly config: object;
  readonly disk: SmallDisk;
  readonly traffic: Traffic;
  readonly feed: (lines: readonly string[]) => void;
  readonly wentOnMs: number[];
  tokenwarden: TokenwardenProcess;
}

/** On the brink it goes on for a while, since what SQLite has in two files it then has in one. */
async function fillUp({ context, disk, traffic, feed, tokenwarden }: Place): Promise<void> {
  await disk.fill(context.random.below(LEFT_BYTES_MAX));
  let since = performance.now();
  const isFull = async () => {
    await sleep(FEED_MS);
    feed([...traffic.take(20), ...traffic.takeTheft(), ...traffic.takeBad()]);
    if (!(await waits(tokenwarden))) {
      since = performance.now();
      await disk.fill(0);
    }
    return performance.now() - since > FULL_MS;
  };
  await until(isFull, 60_000, tokenwarden);
}

async function goOn({ disk, tokenwarden, wentOnMs }: Place): Promise<void> {
  const freedAt = performance.now();
  disk.free();
  await until(async () => !(await waits(tokenwarden)), 30_000, tokenwarden);
  wentOnMs.push(Math.round(performance.now() - freedAt));
}

/** Dies on a full disk, and is started on it: that one is refused, or waits too. */
async function startOnFull(place: Place): Promise<'refused' | 'waited'> {
  const { context, installation, config, disk, traffic } = place;
  await fillUp(place);
  await place.tokenwarden.kill();
  await disk.fill(0);
  const started = await start(context, config);
  place.tokenwarden = started;
  await until(async () => started.exited || (await waits(started)), 60_000);
  const isRefused = started.exited;
  if (isRefused) {
    assert.equal(await started.ended(), 1, started.log());
    checkTold(place);
    disk.free();
    place.tokenwarden = await start(context, config);
    await place.tokenwarden.logged('watching');
  } else {
    checkTold(place);
    await goOn(place);
  }
  await settle(installation, traffic.lineCount, [place.tokenwarden]);
  return isRefused ? 'refused' : 'waited';
}

/** Whether it is alive, and says that it is not ready since its log waits for room. */
async function waits(tokenwarden: TokenwardenProcess): Promise<boolean> {
  const [, url] = /"url":"([^"]+)".*operations endpoint listens/.exec(tokenwarden.log()) ?? [];
  if (url === undefined || tokenwarden.exited) return false;
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const ready = await fetch(`${url}/readyz`);
  const text = await ready.text();
  const isWaiting = text.includes('our log waits for room');
  if (isWaiting) assert.equal(ready.status, 503, text);
  return isWaiting;
}

/** It was told what is full, where, and what to do; and sparingly. */
function checkTold({ tokenwarden, installation }: Place): void {
  const log = tokenwarden.log();
  const lines = log.split('\n').filter((line) => line.includes('disk is full'));
  assert.match(lines[0] ?? log, /disk is full.*Free space/);
  assert.ok(lines[0]?.includes(installation.dataFolder), log);
  assert.ok(lines.length < 10, log);
}

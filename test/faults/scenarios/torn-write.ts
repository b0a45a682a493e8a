import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../../src/log/log.ts';
import { TOPICS } from '../../../src/pipeline/topics.ts';
import { checkBooks, type Installation, install, settle } from '../installation.ts';
import type { FaultContext, Scenario } from '../scenario.ts';
import { start, startWatching } from '../start.ts';
import { cutOff, flipBit, provableBytesOf, TEARS, tear, walOf, wholeBytesOf } from '../tear.ts';
import { createTraffic, type Traffic } from '../traffic.ts';

/** After a week a baseline is old enough to revoke on. */
const DAYS = 8;
const FEED_MS = 50;
const LOST_BYTES_MAX = 200_000;
/** So much must be there that damage to it is no rare case. */
const PROVABLE_BYTES_MIN = 100_000;

/** What a machine without power leaves behind is cut off, and said; what a bad disk makes of the rest is refused. */
export default {
  id: 'torn-write',
  title: 'kill -9, then torn ends, acknowledged writes cut off, flipped bits and emptied files in the data folder',
  on: ['embedded'],
  isShort: false,
  async run(context) {
    const { folder, isShort } = context;
    const installation = await install(context);
    const path = join(folder, 'input.jsonl');
    const traffic = createTraffic('torn-write', isShort ? 30 : 60);
    const feed = (lines: readonly string[]) => appendFileSync(path, lines.map((line) => `${line}\n`).join(''));
    for (let day = 0; day < (isShort ? 2 : DAYS); day++) feed(traffic.takeDay());
    const sources = [{ name: 'input', kind: 'file', format: 'canonical', path }];
    const config = installation.configOf(sources, { clickhouse: { kind: 'off' } });
    const place: Place = { context, installation, config, traffic, feed };

    // Before anything is stolen: after this nothing is promised to those who have been told already.
    const losses = isShort ? 1 : 3;
    for (let round = 0; round < losses; round++) {
      await live(place, false);
      if (round === 0) truncateSync(walOf(installation.dataFolder), 0);
      else cutOff(installation.dataFolder, LOST_BYTES_MAX, context.random);
    }
    let tornBytes = 0;
    const rounds = isShort ? 1 : 2;
    for (let round = 0; round < rounds; round++) {
      for (const kind of TEARS) tornBytes += await tornLife(place, kind);
    }
    const refusals = (await refuseFlips(place)) + (await refuseEmpty(place));
    const last = await startWatching(place.context, place.config);
    feed(traffic.take(100));
    await settle(installation, traffic.lineCount, [last]);
    assert.equal(await last.stop(), 0, last.log());
    const books = await checkBooks(installation, traffic);
    return { 'torn ends': TEARS.length * rounds, tornBytes, 'cut off': losses, refusals, ...books };
  },
} satisfies Scenario;

interface Place {
  readonly context: FaultContext;
  readonly installation: Installation;
  readonly config: object;
  readonly traffic: Traffic;
  readonly feed: (lines: readonly string[]) => void;
}

/** Ends at a moment that was drawn, under traffic. */
async function live(place: Place, hasThefts: boolean): Promise<string> {
  const { context, traffic, feed } = place;
  const tokenwarden = await startWatching(place.context, place.config);
  const killAt = performance.now() + context.random.below(1500);
  do {
    feed([...traffic.take(20), ...(hasThefts ? traffic.takeTheft() : []), ...traffic.takeBad()]);
    await sleep(FEED_MS);
  } while (performance.now() < killAt);
  await tokenwarden.kill();
  return tokenwarden.log();
}

/** What was whole is there after the end was torn, and it is told what was not. @returns how much that was */
async function tornLife(place: Place, kind: (typeof TEARS)[number]): Promise<number> {
  const { context, installation } = place;
  const { dataFolder } = installation;
  await live(place, true);
  const ends = await endsOf(installation);
  const whole = wholeBytesOf(dataFolder);
  tear(dataFolder, kind, context.random);
  assert.equal(wholeBytesOf(dataFolder), whole);
  assert.deepEqual(await endsOf(installation), ends, kind);
  const log = await live(place, true);
  const told = Number(/"tornBytes":(\d+)/.exec(log)?.[1]);
  assert.ok(told > 0, `${kind} was not told:\n${log}`);
  const now = await endsOf(installation);
  assert.ok(
    ends.every((end, i) => end <= (now[i] ?? 0)),
    `${kind}: ${ends} became ${now}`,
  );
  return told;
}

async function endsOf(installation: Installation): Promise<readonly number[]> {
  const log = await installation.open();
  try {
    const topics = Object.values(TOPICS);
    return (await Promise.all(topics.map((topic) => log.offsets(topic)))).flat().map(({ end }) => end);
  } finally {
    await log.close();
  }
}

async function refused({ context, config, installation }: Place, why: RegExp): Promise<void> {
  const tokenwarden = await start(context, config);
  assert.equal(await tokenwarden.ended(), 1, tokenwarden.log());
  assert.match(tokenwarden.log(), why);
  assert.ok(tokenwarden.log().includes(installation.dataFolder), tokenwarden.log());
}

/** One bit of what was acknowledged, each time: it is neither taken for an end nor believed. @returns how often it was refused */
async function refuseFlips(place: Place): Promise<number> {
  const { context, installation } = place;
  const { dataFolder } = installation;
  const { random, isShort } = context;
  const wal = walOf(dataFolder);
  let refusals = 0;
  for (let round = 0; round < (isShort ? 1 : 3); round++) {
    do await live(place, true);
    while (provableBytesOf(dataFolder) < PROVABLE_BYTES_MIN);
    const at = 32 + random.below(provableBytesOf(dataFolder) - 32);
    const sizeBytes = statSync(wal).size;
    flipBit(wal, at);
    await refused(place, /is damaged at byte .* truncate --size=/);
    assert.equal(statSync(wal).size, sizeBytes);
    flipBit(wal, at);
    refusals += 1;
  }
  const tokenwarden = await startWatching(place.context, place.config);
  await settle(installation, place.traffic.lineCount, [tokenwarden]);
  assert.equal(await tokenwarden.stop(), 0, tokenwarden.log());
  const file = join(dataFolder, 'log.sqlite');
  for (let round = 0; round < (isShort ? 1 : 2); round++) {
    const at = await placeOfRecord(installation, TOPICS.baselines, file, random.below(1000));
    flipBit(file, at);
    await refused(place, /baselines\/\d.*is not as it was written/);
    flipBit(file, at);
    refusals += 1;
  }
  const at = await placeOfRecord(installation, TOPICS.events, file, random.below(1000));
  flipBit(file, at);
  const reading = installation.open().then((log) => readAll(log, TOPICS.events).finally(() => log.close()));
  await assert.rejects(reading, /events\/\d.*is not as it was written/);
  flipBit(file, at);
  return refusals + 1;
}

/** Where the text of one of a topic's records stands in the file of the log, and nowhere else. */
async function placeOfRecord({ open }: Installation, topic: string, path: string, nth: number): Promise<number> {
  const log = await open();
  const values = await readAll(log, topic).finally(() => log.close());
  const bytes = readFileSync(path);
  for (let i = 0; i < values.length; i++) {
    const value = values[(nth + i) % values.length];
    if (value === undefined || value.length < 100) continue;
    const part = value.subarray(20, 100);
    const at = bytes.indexOf(part);
    if (at >= 0 && bytes.indexOf(part, at + 1) < 0) return at + 40;
  }
  throw new Error(`no record of ${topic} was found in ${path}`);
}

async function readAll(log: Log, topic: string): Promise<readonly Buffer[]> {
  const values: Buffer[] = [];
  for (const { partition } of await log.offsets(topic)) {
    for await (const batch of log.read(topic, partition)) {
      for (const { value } of batch) if (value !== null) values.push(Buffer.from(value));
    }
  }
  return values;
}

/** @returns how often it was refused */
async function refuseEmpty(place: Place): Promise<number> {
  const file = join(place.installation.dataFolder, 'log.sqlite');
  const bytes = readFileSync(file);
  truncateSync(file, 0);
  await refused(place, /is empty, and had a log in it/);
  appendFileSync(file, bytes);
  return 1;
}

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountFrailDisk } from '../../support/small-disk.ts';
import { checkBooks, install, settle } from '../installation.ts';
import type { Scenario } from '../scenario.ts';
import { start } from '../start.ts';
import { createTraffic } from '../traffic.ts';

/** After a week a baseline is old enough to revoke on. */
const DAYS = 8;
const DISK_MIB = 256;
const FEED_MS = 50;

/** What file systems do after an error of the disk: nothing more is written, and what was not on the disk is gone. */
export default {
  id: 'read-only-folder',
  title: "the data folder's file system turns read-only under traffic, is read-only at a start, and is mended",
  on: ['embedded'],
  isShort: false,
  async run(context) {
    const { folder, random } = context;
    const installation = await install(context);
    const { dataFolder } = installation;
    const disk = await mountFrailDisk(context, dataFolder, DISK_MIB);
    const path = join(folder, 'input.jsonl');
    const traffic = createTraffic('read-only-folder', 60);
    const feed = (lines: readonly string[]) => appendFileSync(path, lines.map((line) => `${line}\n`).join(''));
    for (let day = 0; day < DAYS; day++) feed(traffic.takeDay());
    const sources = [{ name: 'input', kind: 'file', format: 'canonical', path }];
    const config = installation.configOf(sources, { clickhouse: { kind: 'off' } });
    const startAgain = () => start(context, config);
    const refused = async () => {
      const tokenwarden = await startAgain();
      assert.equal(await tokenwarden.ended(), 1, tokenwarden.log());
      assert.match(tokenwarden.log(), /mounted read-only/);
      assert.ok(tokenwarden.log().includes(dataFolder), tokenwarden.log());
    };

    const endedMs: number[] = [];
    for (let round = 0; round < 6; round++) {
      const tokenwarden = await startAgain();
      await tokenwarden.logged('watching');
      const failAt = performance.now() + random.below(3000);
      while (performance.now() < failAt) {
        feed([...traffic.take(20), ...traffic.takeTheft(), ...traffic.takeBad()]);
        await sleep(FEED_MS);
      }
      const failedAt = performance.now();
      await disk.fail();
      feed(traffic.take(20));
      // It does not stay in memory with what nobody will ever find again.
      assert.equal(await tokenwarden.ended(), 1, tokenwarden.log());
      endedMs.push(Math.round(performance.now() - failedAt));
      assert.match(tokenwarden.log(), /mounted read-only/);
      assert.ok(tokenwarden.log().includes(dataFolder), tokenwarden.log());
      await refused();
      await disk.repair();
    }
    await disk.protect(true);
    await refused();
    await disk.protect(false);
    const last = await startAgain();
    await last.logged('watching');
    await settle(installation, traffic.lineCount, [last]);
    assert.equal(await last.stop(), 0, last.log());
    const books = await checkBooks(installation, traffic);
    return { failures: endedMs.length, 'ended after at most, ms': Math.max(...endedMs), ...books };
  },
} satisfies Scenario;

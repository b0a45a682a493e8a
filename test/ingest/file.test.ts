import { appendFile, copyFile, mkdir, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/audit-event.ts';
import { openFileSource } from '../../src/ingest/file.ts';
import { openPositions } from '../../src/ingest/positions.ts';
import type { Format } from '../../src/normalise/format.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Collecting, holdingFormat, line, lines, namesUpTo, startCollecting, until } from './collecting.ts';

let collecting: Collecting;
let path: string;
/** What following ended with. */
let failure: unknown;

beforeEach(async () => {
  collecting = await startCollecting();
  path = join(collecting.folder, 'audit.log');
  failure = undefined;
});
afterEach(() => collecting[Symbol.asyncDispose]());

function open(follow: boolean, file = path) {
  return openFileSource({ name: 'audit', path: file, log: collecting.log, clock: systemClock, follow });
}

async function readAll(format?: Format, file = path): Promise<void> {
  await open(false, file).run(collecting.intake('audit', format), new AbortController().signal);
}

/** Follows the file in the background. */
function follow(format?: Format): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const done = open(true).run(collecting.intake('audit', format), stopping.signal);
  done.catch((error: unknown) => {
    failure = error;
  });
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function untilNames(count: number): Promise<void> {
  await until(async () => {
    if (failure) throw failure;
    return (await collecting.events()).length >= count;
  });
}

describe('openFileSource, reading a file once', () => {
  it('takes every line, the last one without newline too', async () => {
    await writeFile(path, `${lines(0, 2000)}${line('line-002000')}`);
    await readAll();
    expect(await collecting.names()).toEqual(namesUpTo(2001));
    expect((await collecting.events()).every(({ id }) => /^audit\/[0-9a-f]{16}-\d+-0\/\d+$/.test(id))).toBe(true);
  });

  it('takes nothing twice, and what was added', async () => {
    await writeFile(path, lines(0, 700));
    await readAll();
    await collecting.reopen();
    await readAll();
    await appendFile(path, lines(700, 800));
    await readAll();
    expect(await collecting.names()).toEqual(namesUpTo(800));
    expect(collecting.counts).toMatchObject({ taken: 800, repeated: 0 });
  });

  it('settles what a format holds back', async () => {
    await writeFile(path, lines(0, 3));
    await readAll(holdingFormat());
    expect(await collecting.names()).toEqual(namesUpTo(3));
  });

  it('reads compressed files, and goes on in them', async () => {
    const compressed = `${path}.gz`;
    await writeFile(compressed, gzipSync(lines(0, 3000)));
    await readAll(undefined, compressed);
    await readAll(undefined, compressed);
    expect(await collecting.names()).toEqual(namesUpTo(3000));
    expect(collecting.counts.taken).toBe(3000);
  });

  it('stops in the middle when told, and goes on there', async () => {
    const compressed = `${path}.gz`;
    await writeFile(compressed, gzipSync(lines(0, 20_000)));
    for (const file of [compressed, path]) {
      if (file === path) await writeFile(path, lines(20_000, 40_000));
      const before = collecting.counts.taken;
      const stopping = new AbortController();
      const done = open(false, file).run(collecting.intake('audit'), stopping.signal);
      await until(() => collecting.counts.taken > before);
      stopping.abort();
      await done;
      expect(collecting.counts.taken - before).toBeLessThan(20_000);
      await readAll(undefined, file);
    }
    expect(await collecting.names()).toEqual(namesUpTo(40_000));
    expect(collecting.counts).toMatchObject({ taken: 40_000, repeated: 0 });
  });

  it('says which compressed file is broken off', async () => {
    const compressed = `${path}.gz`;
    await writeFile(compressed, gzipSync(lines(0, 3000)).subarray(0, 2000));
    await expect(readAll(undefined, compressed)).rejects.toThrow(/file source "audit" cannot read .*audit\.log\.gz/);
    expect(() => open(true, compressed)).toThrow('set follow to false');
  });

  it('says which file is missing or none', async () => {
    await expect(readAll()).rejects.toThrow(/file source "audit" cannot read .*audit\.log/);
    await mkdir(path);
    await expect(readAll()).rejects.toThrow('no regular file');
  });

  it('makes dead letters of binary garbage and of a line of 10 MB', async () => {
    const garbage = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251));
    const long = `{"token":"${'x'.repeat(10_000_000)}"}`;
    await writeFile(path, Buffer.concat([garbage, Buffer.from(`\n${line('line-000000')}\n${long}\n${lines(1, 3)}`)]));
    await readAll();
    expect(await collecting.names()).toEqual(namesUpTo(3));
    const letters = await collecting.deadLetters();
    expect(letters.at(-1)).toMatchObject({ code: 'too-large', truncated: true, rawBytes: LIMITS.recordBytesMax });
    const kept = garbage
      .toString('latin1')
      .split('\n')
      .filter((one) => one !== '' && one !== '\r');
    expect(letters).toHaveLength(kept.length + 1);
  });
});

describe('openFileSource, following', () => {
  it('waits for the file, and for the end of a line', async () => {
    const following = follow();
    await sleep(150);
    await writeFile(path, lines(0, 10));
    await untilNames(10);
    const [whole] = lines(10, 11).split('\n') as [string];
    await appendFile(path, whole.slice(0, 20));
    await sleep(300);
    expect(await collecting.names()).toEqual(namesUpTo(10));
    expect(await collecting.deadLetters()).toEqual([]);
    await appendFile(path, `${whole.slice(20)}\n`);
    await untilNames(11);
    await following.stop();
    expect(await collecting.names()).toEqual(namesUpTo(11));
  });

  it('settles what a format holds back when nothing more comes', async () => {
    const following = follow(holdingFormat());
    await writeFile(path, lines(0, 2));
    await untilNames(2);
    await appendFile(path, lines(2, 3));
    await untilNames(3);
    await following.stop();
  });

  it('reads a file that is renamed to its end, and then the new one', async () => {
    const following = follow();
    await writeFile(path, lines(0, 100));
    await untilNames(100);
    await rename(path, `${path}.1`);
    await writeFile(path, lines(300, 400));
    // The writer has not noticed yet.
    await appendFile(`${path}.1`, lines(100, 200));
    await sleep(300);
    await appendFile(`${path}.1`, lines(200, 300));
    await untilNames(400);
    await following.stop();
    expect(await collecting.names()).toEqual(namesUpTo(400));
    expect(new Set((await collecting.events()).map(({ id }) => id.split('/')[1])).size).toBe(2);
  });

  it('begins again when the file is copied and truncated', async () => {
    const following = follow();
    await writeFile(path, lines(0, 100));
    await untilNames(100);
    await copyFile(path, `${path}.1`);
    await truncate(path);
    // As long as before, so that its length says nothing.
    await appendFile(path, lines(100, 200));
    await untilNames(200);
    await following.stop();
    expect(await collecting.names()).toEqual(namesUpTo(200));
  });

  it('tells a truncated file that begins alike from the one before, restarts included', async () => {
    const header = `${line('line-000000')}\n`;
    await writeFile(path, header + lines(1, 100));
    let following = follow();
    await untilNames(100);
    await writeFile(path, header);
    await untilNames(101);
    await following.stop();
    await collecting.reopen();
    following = follow();
    await appendFile(path, lines(100, 200));
    await untilNames(201);
    await following.stop();
    const events = await collecting.events();
    expect(new Set(events.map(({ id }) => id)).size).toBe(201);
    expect(new Set(events.map(({ id }) => id.split('/')[1])).size).toBe(2);
  });

  it('finds what was rotated away while it was not running, but no older logs', async () => {
    await writeFile(`${path}.9`, lines(900, 950));
    await sleep(20);
    await writeFile(path, lines(0, 100));
    let following = follow();
    await untilNames(100);
    await following.stop();
    await appendFile(path, lines(100, 150));
    await rename(path, `${path}.2`);
    await writeFile(path, lines(150, 200));
    await rename(path, `${path}.1`);
    await writeFile(path, lines(200, 250));
    await collecting.reopen();
    following = follow();
    await untilNames(250);
    await following.stop();
    expect(await collecting.names()).toEqual(namesUpTo(250));
  });

  it('loses nothing when rotated quickly under load', async () => {
    const following = follow();
    let count = 0;
    for (let rotation = 0; rotation < 25; rotation++) {
      for (let burst = 0; burst < 8; burst++) {
        await appendFile(path, lines(count, count + 40));
        count += 40;
        // The first file is known before it goes: what lies about from earlier is not taken up.
        if (count === 40) await untilNames(40);
        await sleep(rotation % 5);
      }
      await rename(path, `${path}.${String(100 - rotation)}`);
    }
    await writeFile(path, lines(count, count + 1));
    await untilNames(count + 1);
    await following.stop();
    expect(await collecting.names()).toEqual(namesUpTo(count + 1));
  }, 20_000);

  it('remembers few positions, and forgets the oldest lanes', async () => {
    const positions = await openPositions(collecting.log, 'audit');
    for (let i = 0; i < 300; i++) await positions.remember(`lane-${i}`, { offset: i, logEnds: [1, 2] });
    await collecting.reopen();
    const again = await openPositions(collecting.log, 'audit');
    expect(again.lanes.size).toBe(256);
    expect(again.lanes.get('lane-299')).toEqual({ offset: 299, logEnds: [1, 2] });
    expect((await openPositions(collecting.log, 'aud')).lanes.size).toBe(0);
  });
});

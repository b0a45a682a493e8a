import { appendFile, copyFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import { textRecords, texts } from '../conformance/log-suite.ts';
import { newFolder, open, readTexts } from './embedded-folder.ts';

const FRAME_BYTES = 24 + 8192;
const storage = { name: 'LogError', code: 'storage' };
const APPEND_COUNT = 8;

let folder: Awaited<ReturnType<typeof newFolder>>;
let wal: string;
const logs: Log[] = [];
/** Where each append ends in the write-ahead file. */
let ends: number[];

/** A folder as a death leaves it after eight appends of ten records. */
beforeEach(async () => {
  const origin = await newFolder();
  folder = await newFolder();
  const log = await open({ folder: origin.path, access: 'own' });
  await log.ensureTopics([{ topic: 't', partitionCount: 1, cleanup: 'delete' }]);
  ends = [];
  for (let i = 0; i < APPEND_COUNT; i++) {
    await log.append('t', textRecords('k', i * 10, i * 10 + 10));
    ends.push((await stat(join(origin.path, 'log.sqlite-wal'))).size);
  }
  for (const name of ['log.sqlite', 'log.sqlite-wal']) await copyFile(join(origin.path, name), join(folder.path, name));
  await log.close();
  await origin.remove();
  wal = join(folder.path, 'log.sqlite-wal');
});

afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
  await folder.remove();
});

async function openDamaged() {
  let tornBytes = 0;
  const log = await open({ folder: folder.path, access: 'own', onTorn: (byteCount) => (tornBytes = byteCount) });
  logs.push(log);
  return { log, tornBytes, kept: await readTexts(log, 't') };
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at]! ^= 0x10;
  await writeFile(path, bytes);
}

describe('the end of the write-ahead file', () => {
  it('is whole after a death alone, and nothing is told', async () => {
    const { tornBytes, kept } = await openDamaged();
    expect(kept).toEqual(texts('k', 0, 80));
    expect(tornBytes).toBe(0);
  });

  it.each([1, 100, 24, FRAME_BYTES - 1])('lost %d bytes: what comes before that append stays', async (byteCount) => {
    await truncate(wal, ends.at(-1)! - byteCount);
    const { log, tornBytes, kept } = await openDamaged();
    expect(kept).toEqual(texts('k', 0, 70));
    expect(tornBytes).toBe(ends.at(-1)! - ends.at(-2)! - byteCount);
    await log.append('t', textRecords('k', 70, 90));
    expect(await readTexts(log, 't')).toEqual(texts('k', 0, 90));
  });

  it.each([
    ['zeros', Buffer.alloc(3 * FRAME_BYTES + 17)],
    ['garbage', Buffer.alloc(FRAME_BYTES + 5, 'garbage')],
  ])('got %s: everything stays', async (_, tail) => {
    await appendFile(wal, tail);
    const { log, tornBytes, kept } = await openDamaged();
    expect(kept).toEqual(texts('k', 0, 80));
    expect(tornBytes).toBe(tail.length);
    await log.append('t', textRecords('k', 80, 81));
    expect(await readTexts(log, 't')).toEqual(texts('k', 0, 81));
  });

  it('has frames of a former life behind it, which are nothing', async () => {
    const former = await readFile(wal);
    former.writeUInt32BE(former.readUInt32BE(32 + 8) - 1, 32 + 8);
    await appendFile(wal, former.subarray(32, 32 + FRAME_BYTES));
    const { tornBytes, kept } = await openDamaged();
    expect(kept).toEqual(texts('k', 0, 80));
    expect(tornBytes).toBe(0);
  });
});

describe('damage before the end of the write-ahead file', () => {
  it.each([
    ['a page', 24 + 4000],
    ['a checksum', 20],
    ['a salt', 9],
  ])(
    'in %s is refused, since what was acknowledged comes after it; a cut there goes on without that',
    async (_, at) => {
      const place = ends[3]! + at;
      await flip(wal, place);
      const before = await readFile(wal);
      await expect(openDamaged()).rejects.toMatchObject(storage);
      await expect(openDamaged()).rejects.toThrow(`truncate --size=${ends[3]} ${wal}`);
      await expect(open({ folder: folder.path, access: 'append' })).rejects.toMatchObject(storage);
      expect((await readFile(wal)).equals(before)).toBe(true);
      await truncate(wal, ends[3]);
      expect((await openDamaged()).kept).toEqual(texts('k', 0, 40));
    },
  );

  it('in its header is refused too', async () => {
    await flip(wal, 17);
    await expect(openDamaged()).rejects.toMatchObject(storage);
    await flip(wal, 17);
    expect((await openDamaged()).kept).toEqual(texts('k', 0, 80));
  });
});

it('a record that is not as it was written is not handed out', async () => {
  await (await open({ folder: folder.path, access: 'own' })).close();
  const path = join(folder.path, 'log.sqlite');
  const at = (await readFile(path)).indexOf('k:33');
  expect(at).toBeGreaterThan(0);
  await flip(path, at + 3);
  const reading = openDamaged();
  await expect(reading).rejects.toMatchObject(storage);
  await expect(reading).rejects.toThrow(/Record 33 of t\/0/);
});

it('a log that has become an empty file is not taken for a new one', async () => {
  await (await open({ folder: folder.path, access: 'own' })).close();
  await truncate(join(folder.path, 'log.sqlite'), 0);
  for (const access of ['own', 'append', 'read'] as const) {
    const opening = open({ folder: folder.path, access });
    await expect(opening).rejects.toMatchObject(storage);
    await expect(opening).rejects.toThrow(/is empty, and had a log in it/);
  }
});

it('a log of format 1, which had no checksums, is brought up to date and read', async () => {
  await (await open({ folder: folder.path, access: 'own' })).close();
  const old = new DatabaseSync(join(folder.path, 'log.sqlite'));
  old.exec('ALTER TABLE records_1_0 DROP COLUMN checksum; PRAGMA user_version = 1');
  old.close();
  await expect(open({ folder: folder.path, access: 'read' })).rejects.toThrow(/brings it up to date/);
  const { log, kept } = await openDamaged();
  expect(kept).toEqual(texts('k', 0, 80));
  await log.append('t', textRecords('k', 80, 90));
  expect(await readTexts(log, 't')).toEqual(texts('k', 0, 90));
});

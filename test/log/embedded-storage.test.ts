import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { joinRecorder } from '../conformance/log-recorder.ts';
import { textRecords, texts } from '../conformance/log-suite.ts';
import { newFolder, open, readTexts } from './embedded-folder.ts';

const MODULE = new URL('../../src/log/embedded.ts', import.meta.url).href;
const CLOCK_MODULE = new URL('../../src/runtime/clock.ts', import.meta.url).href;
const storage = { name: 'LogError', code: 'storage' };
const TOPIC = { topic: 't', partitionCount: 1, cleanup: 'delete' } as const;

let folder: Awaited<ReturnType<typeof newFolder>>;
const logs: Log[] = [];

beforeEach(async () => {
  folder = await newFolder();
});

afterEach(async () => {
  await Promise.all(logs.splice(0).map((log) => log.close()));
  await folder.remove();
});

async function openHere(access: 'own' | 'append' | 'read', clock = systemClock) {
  const log = await open({ folder: folder.path, access, clock });
  logs.push(log);
  return log;
}

describe('two processes at one data folder', () => {
  it('a second owner is refused, by name of the folder, until the first has closed', async () => {
    const first = await openHere('own');
    const second = openHere('own');
    await expect(second).rejects.toMatchObject({ name: 'LogError', code: 'locked' });
    await expect(second).rejects.toThrow(folder.path);
    await first.close();
    await openHere('own');
  });

  it('a reader sees what the owner appends, as it comes', async () => {
    const owner = await openHere('own');
    await owner.ensureTopics([TOPIC]);
    const reader = await openHere('read');
    for (let i = 0; i < 5; i++) {
      await owner.append('t', textRecords('k', i, i + 1));
      expect(await reader.offsets('t')).toEqual([{ partition: 0, earliest: 0, end: i + 1 }]);
      expect(await readTexts(reader, 't')).toEqual(texts('k', 0, i + 1));
    }
    await owner.ensureTopics([{ ...TOPIC, topic: 'later' }]);
    expect(await reader.offsets('later')).toEqual([{ partition: 0, earliest: 0, end: 0 }]);
  });

  it('a reader and an appender need no owner that runs', async () => {
    const owner = await openHere('own');
    await owner.ensureTopics([TOPIC]);
    await owner.append('t', textRecords('k', 0, 3));
    await owner.close();
    const reader = await openHere('read');
    expect(await readTexts(reader, 't')).toEqual(texts('k', 0, 3));
    const appender = await openHere('append');
    await appender.append('t', textRecords('k', 3, 5));
    expect(await readTexts(reader, 't')).toEqual(texts('k', 0, 5));
  });

  it('who may only read or append is refused the rest', async () => {
    const owner = await openHere('own');
    await owner.ensureTopics([TOPIC]);
    const [appender, reader] = [await openHere('append'), await openHere('read')];
    const refused = { name: 'LogError', code: 'locked' };
    const group = { group: 'g', topics: ['t'], batch: async () => {} };
    await expect(reader.append('t', textRecords('k', 0, 1))).rejects.toMatchObject(refused);
    await expect(reader.ensureTopics([TOPIC])).rejects.toMatchObject(refused);
    await expect(reader.join(group)).rejects.toMatchObject(refused);
    await expect(appender.join(group)).rejects.toMatchObject(refused);
    await expect(appender.cleanUp('all')).rejects.toMatchObject(refused);
  });
});

describe('another process that appends', () => {
  it("is seen by the owner's member, without holes or repeats", async () => {
    const owner = await openHere('own');
    await owner.ensureTopics([TOPIC]);
    const appender = await openHere('append');
    const { received, stop } = await joinRecorder(owner, { topics: ['t'] });
    await Promise.all(
      [owner, appender].flatMap((log, which) =>
        Array.from({ length: 30 }, async (_, i) => {
          await sleep(i * 3);
          await log.append('t', textRecords(`from ${which}`, i * 10, i * 10 + 10));
        }),
      ),
    );
    await expect.poll(() => received.length, { timeout: 5_000 }).toBe(600);
    expect(received.map(({ offset }) => offset)).toEqual(received.map((_, i) => i));
    for (const key of ['from 0', 'from 1']) {
      const own = received.flatMap(({ text }) => (text?.startsWith(key) ? [text] : []));
      expect(own).toEqual(texts(key, 0, 300));
    }
    await appender.append('t', textRecords('alone', 0, 1));
    await expect.poll(() => received.at(-1)?.text).toBe('alone:0');
    await stop();
  });

  it('is waited for, but not for ever', async () => {
    const log = await openHere('own', { ...systemClock, elapsed: () => systemClock.elapsed() * 200 });
    await log.ensureTopics([TOPIC]);
    const stuck = new DatabaseSync(join(folder.path, 'log.sqlite'));
    stuck.exec('BEGIN IMMEDIATE');
    const append = log.append('t', textRecords('k', 0, 1));
    await expect(append).rejects.toMatchObject({ name: 'LogError', code: 'unavailable' });
    stuck.close();
    await log.append('t', textRecords('k', 1, 2));
    expect(await readTexts(log, 't')).toEqual(['k:1']);
  });
});

describe('a process that is killed', () => {
  it('loses nothing that it acknowledged, and leaves no lock', { timeout: 30_000 }, async () => {
    const child = run(`
      await log.ensureTopics([{ topic: 't', partitionCount: 1, cleanup: 'delete' }]);
      let next = 0;
      async function appendOn() {
        for (;;) {
          const from = next;
          next += 7;
          await log.append('t', Array.from({ length: 7 }, (_, i) => ({ key: 'k', value: Buffer.from('k:' + (from + i)) })));
          writeSync(1, from + 7 + '\\n');
        }
      }
      await Promise.all([appendOn(), appendOn(), appendOn(), appendOn()]);
    `);
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    await expect.poll(() => printed.length, { timeout: 20_000 }).toBeGreaterThan(5_000);
    await expect(openHere('own')).rejects.toMatchObject({ code: 'locked' });
    child.kill('SIGKILL');
    await once(child, 'close');
    const acknowledged = Math.max(...printed.split('\n').slice(0, -1).map(Number));
    const kept = await readTexts(await openHere('own'), 't');
    expect(kept.length).toBeGreaterThanOrEqual(acknowledged);
    expect(kept).toEqual(texts('k', 0, kept.length));
  });
});

describe('a data folder that cannot be used', () => {
  it('has no log yet, and the process may not make one', async () => {
    await expect(openHere('read')).rejects.toMatchObject(storage);
    await expect(openHere('append')).rejects.toMatchObject(storage);
  });

  it('cannot be made', async () => {
    await writeFile(join(folder.path, 'file'), '');
    await expect(open({ folder: join(folder.path, 'file', 'data'), access: 'own' })).rejects.toMatchObject(storage);
  });

  it.runIf(process.platform === 'linux')('cannot be written', async () => {
    await expect(open({ folder: '/proc', access: 'own' })).rejects.toMatchObject(storage);
  });

  it('holds something else', async () => {
    await writeFile(
      join(folder.path, 'log.sqlite'),
      'not a database, though long enough to look like one. '.repeat(50),
    );
    const opening = openHere('own');
    await expect(opening).rejects.toMatchObject(storage);
    await expect(opening).rejects.toThrow(/not a Tokenwarden log/);
    // Nothing is locked after a failure.
    await expect(openHere('own')).rejects.toMatchObject(storage);
  });

  it('holds the database of another program, which is left as it is', async () => {
    const path = join(folder.path, 'log.sqlite');
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE precious (thing TEXT)');
    other.close();
    await expect(openHere('own')).rejects.toMatchObject(storage);
    const kept = new DatabaseSync(path, { readOnly: true });
    expect(kept.prepare('SELECT name FROM sqlite_schema').all()).toHaveLength(1);
    kept.close();
  });

  it('was written by a later version', async () => {
    await (await openHere('own')).close();
    const later = new DatabaseSync(join(folder.path, 'log.sqlite'));
    later.exec('PRAGMA user_version = 99');
    later.close();
    await expect(openHere('own')).rejects.toThrow(/format 99/);
  });
});

describe('a data folder that fails later', () => {
  it('was torn: reading says so', async () => {
    const log = await openHere('own');
    await log.ensureTopics([TOPIC]);
    await log.append('t', textRecords('k', 0, 20_000));
    await log.close();
    const path = join(folder.path, 'log.sqlite');
    await truncate(path, Math.floor((await stat(path)).size / 2));
    const reading = openHere('own').then((torn) => readTexts(torn, 't'));
    await expect(reading).rejects.toMatchObject(storage);
  });

  it.skipIf(process.platform === 'win32')(
    'fills up: nothing acknowledged is lost, and the rest is refused',
    { timeout: 30_000 },
    async () => {
      const script = `
      await log.ensureTopics([{ topic: 't', partitionCount: 1, cleanup: 'delete' }]);
      for (let i = 0; ; i++) {
        const value = Buffer.from('k:' + i + ' '.repeat(50_000));
        try {
          await log.append('t', [{ key: 'k', value }]);
        } catch ({ name, code }) {
          const [{ end }] = await log.offsets('t');
          writeSync(1, JSON.stringify({ acknowledged: i, end, name, code }));
          process.exit();
        }
      }
    `;
      const child = run(script, 'ulimit -f 4000;');
      let printed = '';
      child.stdout.on('data', (chunk) => {
        printed += chunk;
      });
      await once(child, 'close');
      const { acknowledged, end, ...error } = JSON.parse(printed);
      expect(error).toEqual(storage);
      expect(acknowledged).toBeGreaterThan(10);
      expect(end).toBe(acknowledged);
      const log = await openHere('own');
      expect((await readTexts(log, 't')).map((text) => text?.trimEnd())).toEqual(texts('k', 0, acknowledged));
      await log.append('t', textRecords('k', acknowledged, acknowledged + 1));
    },
  );
});

/** Another process that owns the folder's log as `log`. */
function run(script: string, limits = ''): ChildProcessWithoutNullStreams {
  const program = `
    import { writeSync } from 'node:fs';
    const { openEmbeddedLog } = await import(${JSON.stringify(MODULE)});
    const { systemClock } = await import(${JSON.stringify(CLOCK_MODULE)});
    const log = await openEmbeddedLog({ folder: ${JSON.stringify(folder.path)}, access: 'own', clock: systemClock });
    ${script}
  `;
  const child = spawn('bash', [
    '-c',
    `${limits} exec "$0" "$@"`,
    process.execPath,
    '--input-type=module',
    '--eval',
    program,
  ]);
  child.stderr.pipe(process.stderr);
  return child;
}

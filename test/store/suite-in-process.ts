import { execFile, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, it, onTestFinished, type TestContext } from 'vitest';
import { createRandom } from '../../src/domain/random.ts';
import { type ClickHouse, openClickHouse } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { ROOM_BYTES_MIN, ROOM_FOR_ROWS_BYTES_MIN } from '../../src/store/room.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import { newStoreFolder, type TestStore } from '../support/clickhouse.ts';
import { Missing } from '../support/missing.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { startFaultServer } from './fault-server.ts';
import { sampleEvents } from './sample.ts';
import { countBoth, RETENTION } from './suite-migrations.ts';

const run = promisify(execFile);
const CONNECTION = new URL('../../src/store/connection.ts', import.meta.url).href;

/** Runs a program of its own, with `openClickHouse` at hand. */
function runProgram(body: string, folder: string) {
  const program = `import { openClickHouse } from '${CONNECTION}'; const folder = ${JSON.stringify(folder)}; ${body}`;
  return run(process.execPath, ['--input-type=module', '--eval', program], { timeout: 60_000 });
}

const BATCH = 2000;
const DISK_MIB = 64 + ROOM_FOR_ROWS_BYTES_MIN / (1 << 20);

/** Has another process insert one batch after the other, and kills it while it does. Returns how many were acknowledged. */
async function insertUntilKilled(folder: string): Promise<number> {
  const program = `
    import { openClickHouse } from '${CONNECTION}';
    import { createStoreWriter } from '${new URL('../../src/store/writer.ts', import.meta.url).href}';
    import { sampleEvents } from '${new URL('./sample.ts', import.meta.url).href}';
    const writer = createStoreWriter(await openClickHouse({ folder: ${JSON.stringify(folder)} }));
    for (let batch = 0; ; batch++) {
      await writer.insertEvents(sampleEvents(${BATCH}, batch * ${BATCH}), 'batch ' + batch);
      process.stdout.write(batch + '\\n');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acknowledged = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line) + 1;
    if (acknowledged === 12) setTimeout(() => child.kill('SIGKILL'), 5);
  }
  return acknowledged;
}

/** A folder for a store on a small disk of its own, in the place of the store at hand. */
async function smallFolder(context: TestContext, store: TestStore) {
  await store.clickHouse.close();
  const defer = (undo: () => unknown) => onTestFinished(async () => void (await undo()));
  const folder = await newStoreFolder();
  defer(folder.remove);
  const disk = await mountSmallDisk({ defer }, folder.path, DISK_MIB).catch((cause: unknown) => {
    if (!(cause instanceof Missing)) throw cause;
    console.warn(`\n!!! SKIPPED: ${cause.message}\n`);
    return context.skip(cause.message);
  });
  return { folder: folder.path, disk };
}

/** @returns how many rows were acknowledged, while the disk filled up and got room again */
async function insertOnFullDisk(clickHouse: ClickHouse, disk: SmallDisk): Promise<number> {
  const random = createRandom('full disk');
  const writer = createStoreWriter(clickHouse);
  let acknowledged = 0;
  for (let round = 0; round < 15; round++) {
    const events = sampleEvents(1 + random.below(3000), acknowledged);
    if (random.next() < 0.6) await disk.fill(random.below(2 << 20));
    for (let attempt = 0; ; attempt++) {
      if (attempt > 2) disk.free();
      const failed = await writer.insertEvents(events, `range ${round}`).catch((cause: unknown) => cause);
      if (failed === undefined) break;
      expect(failed).toMatchObject({ retryable: true, message: expect.stringMatching(/MiB left.*Free space/) });
    }
    acknowledged += events.length;
    disk.free();
  }
  return acknowledged;
}

/** What holds only for the engine in this process. */
export function inProcessSuite(store: () => TestStore): void {
  it('keeps everything when it is closed and opened again, deduplication too', async () => {
    const folder = await newStoreFolder();
    await store().clickHouse.close();
    for (let life = 0; life < 2; life++) {
      const clickHouse = await openClickHouse({ folder: folder.path });
      await migrate(clickHouse, RETENTION);
      await createStoreWriter(clickHouse).insertEvents(sampleEvents(100), 'range');
      expect(await countBoth(clickHouse)).toEqual({ events: 100, tokenHours: 100 });
      await clickHouse.close();
    }
    await folder.remove();
  });

  it('refuses a folder that another process has, and names that process', async () => {
    const { where } = store().clickHouse;
    const program = `await openClickHouse({ folder }).catch((error) => console.log(JSON.stringify({ code: error.code, message: error.message })));`;
    const { stdout } = await runProgram(program, where);
    const error = JSON.parse(stdout) as { code: string; message: string };
    expect(error.code).toBe('locked');
    expect(error.message).toContain(where);
    expect(error.message).toContain(`Process ${process.pid} `);
  });

  it('refuses a second folder in one process', async () => {
    const other = await newStoreFolder();
    await expect(openClickHouse({ folder: other.path })).rejects.toMatchObject({ code: 'locked' });
    expect(await store().clickHouse.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await other.remove();
  });

  it('prints nothing, lets the process catch its signals, and lets it end by itself', async () => {
    const folder = await newStoreFolder();
    const program = `
      process.on('SIGTERM', () => process.stdout.write('caught'));
      const clickHouse = await openClickHouse({ folder });
      await clickHouse.command('CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n');
      await clickHouse.insert('t', ['n'], [Buffer.from('[1]\\n')], 'one');
      await clickHouse.query('SELECT * FROM missing').catch(() => undefined);
      process.kill(process.pid, 'SIGTERM');
      await new Promise((resolve) => setTimeout(resolve, 50));
      await clickHouse.close();`;
    // A failed exit would reject.
    expect(await runProgram(program, folder.path)).toEqual({ stdout: 'caught', stderr: '' });
    await folder.remove();
  });

  it('leaves files and names to the rest of the process while queries wait for each other', async () => {
    const { clickHouse } = store();
    const slow = 'SELECT max(sipHash64(number)) AS n FROM numbers(8000000)';
    const queries = Array.from({ length: 8 }, () => clickHouse.query(slow));
    await sleep(20);
    const startedAt = performance.now();
    await stat('.');
    const waitedMs = performance.now() - startedAt;
    const first = performance.now();
    await Promise.all(queries);
    expect(performance.now() - first).toBeGreaterThan(waitedMs);
    expect(waitedMs).toBeLessThan(100);
  });

  it('keeps to its memory, and says so', async () => {
    const folder = await newStoreFolder();
    await store().clickHouse.close();
    const clickHouse = await openClickHouse({ folder: folder.path, memoryBytesMax: 300 << 20 });
    const greedy = clickHouse.query('SELECT length(groupArray(toString(number))) AS n FROM numbers(50000000)');
    await expect(greedy).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('MEMORY_LIMIT'),
    });
    expect(await clickHouse.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await clickHouse.close();
    await folder.remove();
  });

  it('ends a query that takes too long', async () => {
    const { where } = store().clickHouse;
    await store().clickHouse.close();
    await using clickHouse = await openClickHouse({ folder: where, queryTimeoutMs: 500 });
    const endless = clickHouse.query('SELECT max(sipHash64(number)) AS n FROM numbers(1000000000000)');
    await expect(endless).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('TIMEOUT_EXCEEDED'),
    });
  });

  it('has what it acknowledged, merged too, though its disk was full again and again', async (context) => {
    const { folder, disk } = await smallFolder(context, store());
    await disk.fill(ROOM_BYTES_MIN / 2);
    await expect(openClickHouse({ folder })).rejects.toMatchObject({ code: 'unavailable' });
    disk.free();
    const first = await openClickHouse({ folder });
    await migrate(first, RETENTION);
    const events = await insertOnFullDisk(first, disk);
    expect(await countBoth(first)).toEqual({ events, tokenHours: events });
    await first.close();
    await disk.fill(0);
    await using second = await openClickHouse({ folder });
    expect(await countBoth(second)).toEqual({ events, tokenHours: events });
    const merged = "SELECT countIf(level > 0) AS n FROM system.parts WHERE table = 'events' AND active";
    expect(await second.query(merged)).not.toEqual([{ n: 0 }]);
  });

  it('drops what is past its retention though it has filled its own disk', async (context) => {
    const { folder, disk } = await smallFolder(context, store());
    await using clickHouse = await openClickHouse({ folder });
    await migrate(clickHouse, RETENTION);
    await createStoreWriter(clickHouse).insertEvents(sampleEvents(1000), 'before');
    await disk.fill((ROOM_BYTES_MIN + ROOM_FOR_ROWS_BYTES_MIN) / 2);
    const more = createStoreWriter(clickHouse).insertEvents(sampleEvents(1000, 1000), 'after');
    await expect(more).rejects.toMatchObject({ code: 'unavailable' });
    await migrate(clickHouse, { ...RETENTION, events: 1 });
    await expect.poll(() => countBoth(clickHouse), { timeout: 30_000, interval: 250 }).toMatchObject({ events: 0 });
  });

  it('has each row once after the process is killed in the middle and the rest is repeated', async () => {
    const { where } = store().clickHouse;
    await migrate(store().clickHouse, RETENTION);
    await store().clickHouse.close();
    const acknowledged = await insertUntilKilled(where);
    const clickHouse = await openClickHouse({ folder: where });
    const writer = createStoreWriter(clickHouse);
    // From before the last acknowledged batch on, as if its position had not been committed.
    for (let batch = acknowledged - 1; batch < acknowledged + 3; batch++) {
      await writer.insertEvents(sampleEvents(BATCH, batch * BATCH), `batch ${batch}`);
    }
    const total = (acknowledged + 3) * BATCH;
    expect(await countBoth(clickHouse)).toEqual({ events: total, tokenHours: total });
    await clickHouse.close();
  });

  it('takes an insert once whose answer was lost on the way, and that was repeated', async () => {
    const { clickHouse: engine } = store();
    await migrate(engine, RETENTION);
    let attemptCount = 0;
    // A server before the real engine that runs what it is sent and loses its first answers.
    await using server = await startFaultServer(async ({ statement, rows }, response) => {
      await engine.command(rows === '' ? statement : `${statement}\n${rows}`);
      attemptCount += 1;
      if (attemptCount === 1) response.socket?.resetAndDestroy();
      else if (attemptCount > 2) response.end();
    });
    await using clickHouse = await openClickHouse({ url: server.url, requestTimeoutMs: 500 });
    const insert = () => createStoreWriter(clickHouse).insertEvents(sampleEvents(1000), 'abc/events/0/0-999');
    for (let attempt = 0; attempt < 2; attempt++) await expect(insert()).rejects.toMatchObject({ retryable: true });
    await insert();
    expect(attemptCount).toBe(3);
    expect(await countBoth(engine)).toEqual({ events: 1000, tokenHours: 1000 });
  });
}

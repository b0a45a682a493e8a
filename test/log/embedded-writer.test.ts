import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedStore } from '../../src/log/embedded-store.ts';
import { createWriter } from '../../src/log/embedded-writer.ts';
import type { LogError } from '../../src/log/log.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { newFolder } from './embedded-folder.ts';

let folder: Awaited<ReturnType<typeof newFolder>>;
let store: EmbeddedStore;

beforeEach(async () => {
  folder = await newFolder();
  store = new EmbeddedStore(folder.path, 'own', systemClock);
  await store.ensureTopics([{ topic: 't', partitionCount: 2, cleanup: 'delete' }]);
});

afterEach(async () => {
  store.close();
  await folder.remove();
});

/** SQLite says the same as on a full disk. */
const fill = (pagesMax: number) => store.get(`PRAGMA max_page_count = ${pagesMax}`);
const PAGES_ENOUGH = 1 << 30;

const bulky = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    key: null,
    partition: (from + i) % 2,
    value: Buffer.alloc(20_000, `${from + i};`),
  }));

function kept(): readonly number[] {
  const { partitions } = store.topic('t');
  const numbers = partitions.flatMap((partition) =>
    Array.from({ length: Math.ceil(partition.end / 50) }, (_, i) => store.read(partition, i * 50, i * 50 + 50)).flatMap(
      (records) => records.map(({ value }) => Number.parseInt(value?.toString('utf8', 0, 8) ?? '', 10)),
    ),
  );
  return numbers.toSorted((a, b) => a - b);
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a writer on a full disk', () => {
  it('waits, goes on where it was, in order, and writes everything once, also what needs several transactions', async () => {
    const told: (LogError | null)[] = [];
    const signal = new AbortController().signal;
    const clock = { ...systemClock, sleep: () => systemClock.sleep(2) };
    const writer = createWriter(store, clock, { signal, onWaiting: (why) => void told.push(why) });
    // Some transactions of 2 MiB fit, and the next does not.
    fill(700);
    let done = false;
    const first = writer.append(store.topic('t'), bulky(0, 400)).then(() => {
      done = true;
    });
    const second = writer.append(store.topic('t'), bulky(400, 410));
    await expect.poll(() => told.length).toBeGreaterThan(5);
    expect(done).toBe(false);
    expect(told[0]).toMatchObject({ name: 'LogError', code: 'full' });
    expect(told[0]?.message).toContain(folder.path);
    expect(kept().length).toBeGreaterThan(100);
    expect(kept().length % 105).toBe(0);
    fill(PAGES_ENOUGH);
    await Promise.all([first, second]);
    expect(told.at(-1)).toBe(null);
    expect(kept()).toEqual(upTo(410));
  });

  it('gives up when the log closes, and refuses at once without patience', async () => {
    const closing = new AbortController();
    const writer = createWriter(store, systemClock, { signal: closing.signal, onWaiting: () => closing.abort() });
    fill(30);
    const refused = { name: 'LogError', code: 'full' };
    await expect(writer.append(store.topic('t'), bulky(0, 50))).rejects.toMatchObject(refused);
    await expect(createWriter(store, systemClock).append(store.topic('t'), bulky(0, 50))).rejects.toMatchObject(
      refused,
    );
    expect(kept()).toEqual([]);
  });
});

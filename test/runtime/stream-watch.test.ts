import { afterEach, beforeEach, expect, it } from 'vitest';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { EmbeddedLog } from '../../src/log/embedded.ts';
import type { Log } from '../../src/log/log.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createStreamWatch } from '../../src/runtime/stream-watch.ts';
import { newFolder, open } from '../log/embedded-folder.ts';

const QUIET_MS = 100;
const NEVER = new AbortController().signal;

let folder: Awaited<ReturnType<typeof newFolder>>;
let log: EmbeddedLog;

beforeEach(async () => {
  folder = await newFolder();
  log = await open({ folder: folder.path, access: 'own' });
  await log.ensureTopics(topicSpecs({ partitionCount: 1, retentionDays: 10_000 }));
});

afterEach(async () => {
  await log.close();
  await folder.remove();
});

function use(token: string, at: number, success: boolean | null = true): Promise<void> {
  const event = { ...blankEvent(`use/${token}/${at}`, token, at), success };
  return log.append(TOPICS.events, [{ key: token, value: Buffer.from(encodeStoredEvent(event, null)) }]);
}

/** The log, counting the events that are read. */
function counting(): { readonly counted: Pick<Log, 'offsets' | 'read'>; readonly readCount: () => number } {
  let count = 0;
  async function* read(...range: Parameters<Log['read']>) {
    for await (const batch of log.read(...range)) {
      count += batch.length;
      yield batch;
    }
  }
  return { counted: { offsets: log.offsets.bind(log), read }, readCount: () => count };
}

it('counts successful use after the token should be dead, and nothing else', async () => {
  const watch = createStreamWatch(log, systemClock, 1, QUIET_MS);
  await use('used', Date.now());
  const marks = await Promise.all(['used', 'refused', 'late', 'quiet'].map((token) => watch.mark(token)));
  const deadAt = Date.now();
  const uses = Promise.all(marks.map((mark) => watch.useAfter(mark, deadAt, NEVER)));
  await use('used', deadAt + 1);
  await use('used', deadAt + 2, null);
  await use('refused', deadAt + 1, false);
  await use('late', deadAt - 1);
  await use('other', deadAt + 1);
  const [used, ...unused] = await uses;
  expect(used).toEqual({ used: true, detail: 'used 2 times after the issuer had accepted the revocation' });
  const detail = 'no use on the stream for 0.1 s after the issuer had accepted it';
  expect(unused).toEqual([1, 2, 3].map(() => ({ used: false, detail })));
});

it('reads what a wave of revoked tokens has in common only once', async () => {
  const { counted, readCount } = counting();
  const watch = createStreamWatch(counted, systemClock, 1, QUIET_MS);
  const deadAt = Date.now();
  const uses = [];
  for (let i = 0; i < 50; i++) {
    uses.push(watch.useAfter(await watch.mark(`token ${i}`), deadAt + i, NEVER));
    await use(`token ${i}`, deadAt + i + 1);
  }
  expect((await Promise.all(uses)).every((found) => found?.detail.startsWith('used 1 times'))).toBe(true);
  expect(readCount()).toBe(50);
});

it('goes back for a token whose mark lies before what has been read for others', async () => {
  const watch = createStreamWatch(log, systemClock, 1, QUIET_MS);
  const deadAt = Date.now();
  const early = await watch.mark('early');
  await use('early', deadAt + 1);
  const waiting = watch.useAfter(await watch.mark('waiting'), deadAt + 300, NEVER);
  await use('first', deadAt + 1);
  await watch.useAfter(await watch.mark('first'), deadAt, NEVER);
  await use('waiting', deadAt + 400);
  const found = await watch.useAfter(early, deadAt, NEVER);
  expect(found?.detail).toMatch(/^used 1 times/);
  expect((await waiting)?.detail).toMatch(/^used 1 times/);
});

it('says nothing when it is stopped', async () => {
  const watch = createStreamWatch(log, systemClock, 1, 60_000);
  const stop = new AbortController();
  const use = watch.useAfter(await watch.mark('token'), Date.now(), stop.signal);
  stop.abort();
  expect(await use).toBeUndefined();
});

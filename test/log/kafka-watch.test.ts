import { describe, expect, it } from 'vitest';
import { type Watched, type WatchOptions, watchProgress } from '../../src/log/kafka-watch.ts';
import { systemClock } from '../../src/runtime/clock.ts';

const SILENT: Watched = {
  kafkaTopic: 't',
  name: { topic: 't', partition: 0 },
  position: 5,
  failingSince: undefined,
  batchMs: () => undefined,
  waitingMs: () => 50_000,
  waitAnew: () => undefined,
};

/** Watches for a moment. */
async function watch(watched: Watched, changes: Partial<WatchOptions> = {}): Promise<void> {
  await watchProgress({
    clock: systemClock,
    group: 'g',
    fetcher: { isFull: () => false },
    holdings: () => [watched],
    endOf: async () => 8,
    stallMs: 40,
    batchLimitMs: 60_000,
    signal: AbortSignal.timeout(100),
    ...changes,
  });
}

describe('the watch over progress', () => {
  it('ends a member that gets no records though there are some', async () => {
    await expect(watch(SILENT)).rejects.toMatchObject({ code: 'stalled', message: expect.stringContaining('t/0') });
  });

  it('lets a member wait where there are none', async () => {
    let askedAnew = 0;
    const patient = { ...SILENT, waitAnew: () => void askedAnew++ };
    await watch(patient, { endOf: async () => 5 });
    expect(askedAnew).toBeGreaterThan(0);
  });

  it.each([
    ['it has just begun to wait', { ...SILENT, waitingMs: () => 30 }, {}],
    ['nothing is expected, as while a callback is at work', { ...SILENT, waitingMs: () => undefined }, {}],
    ['brokers are away', { ...SILENT, failingSince: 3 }, {}],
    ['callbacks have not worked off what is there', SILENT, { fetcher: { isFull: () => true } }],
  ])('lets it be while %s', async (_, watched, changes) => {
    await watch(watched, changes);
  });

  it('does not judge by a moment: records that came while it asked count', async () => {
    let position = 5;
    const lively = {
      ...SILENT,
      get position() {
        return position;
      },
    };
    await watch(lively, { endOf: async () => ++position + 3 });
  });

  it('ends a member whose batch takes for ever', async () => {
    const hung = { ...SILENT, waitingMs: () => undefined, batchMs: () => 70_000 };
    await expect(watch(hung)).rejects.toMatchObject({ code: 'stalled', message: expect.stringContaining('60000 ms') });
  });
});

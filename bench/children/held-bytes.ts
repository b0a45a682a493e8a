import { DAY_MS } from '../../src/baseline/time.ts';
import { Engine } from '../../src/detect/engine.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { engineOptions } from '../detect.ts';

// What a million tokens cost in memory, in a process that does nothing else.

const TOKEN_COUNT = 1_000_000;
const START = Date.UTC(2026, 0, 5);
const DIRTY_MAX = 20_000;
const SWEEPING_MS = 200;

const before = await heldBytes();
const engine = new Engine(await engineOptions(TOKEN_COUNT));
for (let day = 0; day < 2; day++) {
  for (let i = 0; i < TOKEN_COUNT; i++) {
    const event = {
      ...blankEvent(`bench/0/${i}`, `token-${i}`, START + day * DAY_MS + i),
      tables: [`public.table_${i % 50}`],
      network: '192.0.2.0/24',
      rows: i % 100,
      success: true,
    };
    engine.observe(event, day * TOKEN_COUNT + i, event.at);
    if (engine.dirtyCount >= DIRTY_MAX) for (const _ of engine.takeDirty()); // As a checkpoint does; what it would write is dropped.
  }
}
const grownBytes = (await heldBytes()) - before;
console.log(
  JSON.stringify({
    tokenCount: engine.tokenCount,
    recordBytes: engine.layout.sizeBytes,
    bytesPerToken: grownBytes / engine.tokenCount,
    residentMiBAtMillionTokens: process.memoryUsage().rss / 2 ** 20,
  }),
);

/** What the collector sweeps after it has been asked to is held no more. */
async function heldBytes(): Promise<number> {
  globalThis.gc?.();
  await systemClock.sleep(SWEEPING_MS);
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

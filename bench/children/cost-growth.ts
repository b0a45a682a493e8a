import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { Engine } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { scanStoredEvent } from '../../src/normalise/scan-event.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { engineOptions } from '../detect.ts';
import { median } from '../quantile.ts';

// What an event costs when there are more tokens, or when they have been known for longer. Decoding, scoring, learning and the copies for
// checkpoints are counted, by the processor's clock; making the events is not.

const FEW = 1000;
const MANY = 1_000_000;
const CHUNK_EVENTS = 12_000;
const DIRTY_MAX = 20_000;
/** Coprime to the numbers of tokens: each event is another token's, all over the memory. */
const STRIDE = 611_953;
const START = Date.UTC(2026, 0, 5);
/** Each token is used twelve times a day, before it counts and while it does: what changes is how many there are, or for how long. */
const INTERVAL_MS = 2 * HOUR_MS;
const MATURE_DAYS = 14;

/** Nothing counts before the compiler has seen it. */
await costAt(FEW, MATURE_DAYS, 40);
const few = await costAt(FEW, MATURE_DAYS, 40);
const many = await costAt(MANY, MATURE_DAYS, 40);
const day = await costAt(FEW, 1, 5);
const year = await costAt(FEW, 365, 5);
console.log(
  JSON.stringify({
    tokens: many / few,
    history: year / day,
    microseconds: { thousandTokens: few, millionTokens: many, dayOfHistory: day, yearOfHistory: year },
  }),
);

/** @returns µs of processor time an event, after so much history */
async function costAt(tokenCount: number, dayCount: number, chunkCount: number): Promise<number> {
  const engine = new Engine(await engineOptions(tokenCount));
  // Half a day more: the first events of a day have more to do, at any number of tokens.
  const eventCount = Math.round(((dayCount + 0.5) * DAY_MS) / INTERVAL_MS);
  const lived = await liveThrough(eventCount);
  for (let token = 0; token < tokenCount; token++) {
    engine.restore(nameOf(token), lived, () => engine.layout);
    if (engine.dirtyCount >= DIRTY_MAX) for (const _ of engine.takeDirty());
  }
  for (const _ of engine.takeDirty());
  const costs: number[] = [];
  for (let chunk = 0, number = 0; chunk < chunkCount; chunk++) {
    const first = number;
    const values = Array.from({ length: CHUNK_EVENTS }, (_, i) => {
      const round = eventCount + Math.floor((first + i) / tokenCount);
      return stored(((first + i) * STRIDE) % tokenCount, START + round * INTERVAL_MS, first + i);
    });
    globalThis.gc?.();
    const before = process.cpuUsage();
    for (const value of values) {
      const event = read(value);
      engine.observe(event, eventCount + number++, event.at);
    }
    for (const _ of engine.takeDirty()); // A checkpoint: one copy of each token that changed.
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / CHUNK_EVENTS);
  }
  return median(costs);
}

/** @returns what is known of a token after so many events: every token of a run begins with it, so that they are alike but for their number */
async function liveThrough(eventCount: number): Promise<Uint8Array> {
  const engine = new Engine(await engineOptions(1));
  for (let number = 0; number < eventCount; number++) {
    const at = START + number * INTERVAL_MS;
    // Read as those that count are: a compiler that has seen two kinds of event makes slower code.
    engine.observe(read(stored(0, at, number)), number, at);
  }
  return engine.snapshot(nameOf(0)) as Uint8Array;
}

function nameOf(token: number): string {
  return `token-${token}`;
}

function stored(token: number, at: number, number: number): Buffer {
  return Buffer.from(encodeStoredEvent(eventOf(token, at, number), null));
}

function read(value: Buffer): AuditEvent {
  const event = scanStoredEvent(value, () => 'growth');
  if ('code' in event) throw new Error(event.reason);
  return event;
}

function eventOf(token: number, at: number, number: number): AuditEvent {
  return {
    ...blankEvent(`growth/0/${number}`, nameOf(token), at),
    principal: `service-${token}`,
    address: '192.0.2.7',
    network: '192.0.2.0/24',
    database: 'orders_db',
    operation: 'select',
    tables: [`public.table_${number % 3}`],
    statement: 'SELECT * FROM orders WHERE id = $1',
    rows: 20 + (number % 10),
    bytes: 2000,
    success: true,
    application: 'node-postgres',
  };
}

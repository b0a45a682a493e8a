import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { Engine } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { scanStoredEvent } from '../../src/normalise/scan-event.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { engineOptions } from '../detect.ts';
import { median } from '../quantile.ts';

// What an event costs when there are more tokens, or when they have been known for longer. Decoding, scoring, learning and the copies for
// checkpoints are counted, by the processor's clock; making the events is not.

const FEW = 1000;
const MANY = 1_000_000;
const CHUNK_EVENTS = 12_000;
/** Coprime to the numbers of tokens: each event is another token's, all over the memory. */
const STRIDE = 611_953;
const START = Date.UTC(2026, 0, 5);
/** Each token is used twelve times a day, before it counts and while it does: what changes is how many there are, or for how long. */
const INTERVAL_MS = 2 * HOUR_MS;
const MATURE_DAYS = 14;
const SWEEPING_MS = 100;
/** Few: with more, a day of history would become a week of it. */
const HISTORY_CHUNKS = 5;

const CHUNK_COUNT = 40;
/** Nothing counts before the compiler has seen it. */
const WARM_UP_CHUNKS = 40;

const few = await createSubject(FEW, MATURE_DAYS);
await ratioOf(few, few, WARM_UP_CHUNKS);
const tokens = await ratioOf(await createSubject(MANY, MATURE_DAYS), few, CHUNK_COUNT);
const history = await ratioOf(await createSubject(FEW, 365), await createSubject(FEW, 1), HISTORY_CHUNKS);
console.log(
  JSON.stringify({
    tokens: tokens.ratio,
    history: history.ratio,
    microseconds: {
      thousandTokens: tokens.microseconds[1],
      millionTokens: tokens.microseconds[0],
      dayOfHistory: history.microseconds[1],
      yearOfHistory: history.microseconds[0],
    },
  }),
);

/** An engine with tokens that have lived. */
interface Subject {
  readonly engine: Engine;
  readonly tokenCount: number;
  /** Events that each token had before. */
  readonly livedCount: number;
  count: number;
}

async function createSubject(tokenCount: number, dayCount: number): Promise<Subject> {
  const engine = new Engine(await engineOptions(tokenCount));
  // Half a day more: the first events of a day have more to do, at any number of tokens.
  const livedCount = Math.round(((dayCount + 0.5) * DAY_MS) / INTERVAL_MS);
  const lived = await liveThrough(livedCount);
  for (let token = 0; token < tokenCount; token++) engine.restore(nameOf(token), lived, () => engine.layout);
  return { engine, tokenCount, livedCount, count: 0 };
}

/** Gives both events in turns, since the machine is faster at one time than at another. @returns medians, and that of each turn's ratio */
async function ratioOf(one: Subject, other: Subject, chunkCount: number) {
  const costs: [number, number][] = [];
  for (let chunk = 0; chunk < chunkCount; chunk++) costs.push([await costOf(one), await costOf(other)]);
  return {
    ratio: median(costs.map(([a, b]) => a / b)),
    microseconds: [median(costs.map(([a]) => a)), median(costs.map(([, b]) => b))] as const,
  };
}

/** @returns µs of processor time an event, of the next ones */
async function costOf(subject: Subject): Promise<number> {
  const { engine, tokenCount, livedCount } = subject;
  const values = Array.from({ length: CHUNK_EVENTS }, (_, i) => {
    const number = subject.count + i;
    const round = livedCount + Math.floor(number / tokenCount);
    return stored((number * STRIDE) % tokenCount, START + round * INTERVAL_MS, number);
  });
  globalThis.gc?.();
  // Other threads go on sweeping for a while, the longer the more there is: that is the price of our asking for it, not of events.
  await systemClock.sleep(SWEEPING_MS);
  const before = process.cpuUsage();
  for (const value of values) {
    const event = read(value);
    engine.observe(event, livedCount + subject.count++, event.at);
  }
  for (const _ of engine.takeDirty()); // A checkpoint: one copy of each token that changed.
  const { user, system } = process.cpuUsage(before);
  return (user + system) / CHUNK_EVENTS;
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

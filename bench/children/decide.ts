import { Engine } from '../../src/detect/engine.ts';
import { decodeRecords, encodeBatch } from '../../src/log/kafka-records.ts';
import { scanStoredEvent } from '../../src/normalise/scan-event.ts';
import { LaneMarks } from '../../src/pipeline/lane-marks.ts';
import { engineOptions } from '../detect.ts';
import { median } from '../quantile.ts';
import { storedFleet } from '../stored-fleet.ts';

// What the detect stage does with an event, without Kafka and its waiting: a batch's bytes → records → events → scores, learning, and the
// copies for a checkpoint. For `node --cpu-prof`; prints µs of processor time an event, step by step.

const EVENT_COUNT = 300_000;
const BATCH_EVENTS = 2000;
const CHECKPOINT_BATCHES = 50;
const PASSES = 5;
const APPENDED_AT = Date.UTC(2026, 0, 5);

const batches = encodedBatches();
const passes: Record<string, number>[] = [];
for (let pass = 1; pass <= PASSES; pass++) {
  const spent = await decideAll();
  passes.push(spent);
  console.error(`pass ${pass}: observe ${spent['observe']?.toFixed(1)} µs`);
}
const steps = Object.keys(passes[0] ?? {});
console.log(
  JSON.stringify(
    Object.fromEntries(steps.map((step) => [step, median(passes.map((pass) => pass[step] ?? Number.NaN))])),
  ),
);

function encodedBatches(): readonly Buffer[] {
  const encoded: Buffer[] = [];
  const source = { producerId: 1, producerEpoch: 0, firstSequence: 0 };
  let count = 0;
  for (const stored of storedFleet(EVENT_COUNT, BATCH_EVENTS)) {
    const records = stored.map(({ key, value }) => ({ key: Buffer.from(key), value }));
    const batch = encodeBatch(records, source, APPENDED_AT);
    batch.writeUInt32BE(count, 4);
    encoded.push(batch);
    count += stored.length;
  }
  return encoded;
}

/** @returns µs an event of each step */
async function decideAll(): Promise<Record<string, number>> {
  const engine = new Engine(await engineOptions(1_000_000));
  const marks = new LaneMarks();
  const spent = { fetch: 0, decode: 0, marks: 0, observe: 0, checkpoint: 0 };
  let count = 0;
  const timed = <T>(step: keyof typeof spent, task: () => T): T => {
    const before = process.cpuUsage();
    const result = task();
    const { user, system } = process.cpuUsage(before);
    spent[step] += user + system;
    return result;
  };
  for (const [number, batch] of batches.entries()) {
    const before = process.cpuUsage();
    const { records } = await decodeRecords(batch, {
      topic: 'events',
      partition: 0,
      from: 0,
      aborted: [],
      bytesMax: Infinity,
    });
    const { user, system } = process.cpuUsage(before);
    spent.fetch += user + system;
    const events = timed('decode', () =>
      records.map(({ value, offset }) => {
        const event = scanStoredEvent(value ?? Buffer.alloc(0), () => `events/0/${offset}`);
        if ('code' in event) throw new Error(event.reason);
        return event;
      }),
    );
    const repeated = timed('marks', () => events.filter((event) => marks.repeats(event)));
    if (repeated.length > 0) throw new Error(`${repeated.length} events are told as repeated`);
    timed('observe', () => {
      events.forEach((event, i) => void engine.observe(event, records[i]?.offset ?? 0, event.at));
    });
    if (number % CHECKPOINT_BATCHES === 0) timed('checkpoint', () => [...engine.takeDirty()]);
    count += events.length;
  }
  return Object.fromEntries(Object.entries(spent).map(([step, microseconds]) => [step, microseconds / count]));
}

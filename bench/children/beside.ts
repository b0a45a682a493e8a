import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { median } from '../quantile.ts';
import { storedFleet } from '../stored-fleet.ts';
import type { StoredRecord } from '../stored-record.ts';

// Of `bench/beside.ts`: two versions, in the folders given, decide the same events in turns.

/** Of each step: µs an event in both versions (medians of the turns), and their ratio. */
export type Beside = Record<Step, { readonly first: number; readonly second: number; readonly secondToFirst: number }>;
type Step = 'decoding' | 'observing';

type Tree = Pick<typeof import('../../src/detect/engine.ts'), 'Engine'> &
  Pick<typeof import('../../src/normalise/scan-event.ts'), 'scanStoredEvent'> &
  Pick<typeof import('../detect.ts'), 'engineOptions'>;

type Subject = Awaited<ReturnType<typeof subjectOf>>;

const EVENT_COUNT = 600_000;
/** Until then code is compiled, and compiled anew. */
const WARM_EVENTS = 250_000;
const TURN_EVENTS = 1000;
/** As many engines as partitions. */
const PARTITION_COUNT = 4;

const subjects: Subject[] = [];
for (const folder of process.argv.slice(2)) subjects.push(await subjectOf(folder));
let [turn, count] = [0, 0];
for (const records of storedFleet(EVENT_COUNT, TURN_EVENTS)) {
  const order = turn % 2 === 0 ? subjects : subjects.toReversed();
  for (const subject of order) decide(subject, records, count);
  turn += 1;
  count += records.length;
}
console.log(JSON.stringify({ decoding: compare('decoding'), observing: compare('observing') } satisfies Beside));

function compare(step: Step): Beside[Step] {
  const [first, second] = subjects.map(({ spent }) => spent[step]) as [number[], number[]];
  const secondToFirst = median(second.map((microseconds, i) => microseconds / (first[i] as number)));
  return { first: median(first), second: median(second), secondToFirst };
}

async function subjectOf(folder: string) {
  const load = async <T>(path: string): Promise<T> => import(pathToFileURL(resolve(folder, path)).href) as Promise<T>;
  const { Engine } = await load<Tree>('src/detect/engine.ts');
  const { scanStoredEvent } = await load<Tree>('src/normalise/scan-event.ts');
  const { engineOptions } = await load<Tree>('bench/detect.ts');
  const options = await engineOptions(1_000_000);
  const engines = Array.from({ length: PARTITION_COUNT }, () => new Engine(options));
  return { scanStoredEvent, engines, spent: { decoding: [] as number[], observing: [] as number[] } };
}

function decide({ scanStoredEvent, engines, spent }: Subject, records: readonly StoredRecord[], first: number): void {
  const begunAt = performance.now();
  const events = records.map(({ value }) => {
    const event = scanStoredEvent(value, () => '');
    if ('code' in event) throw new Error(event.reason);
    return event;
  });
  const decodedAt = performance.now();
  for (let partition = 0; partition < PARTITION_COUNT; partition++) {
    const engine = engines[partition];
    for (const [i, event] of events.entries()) {
      if (event.token.charCodeAt(event.token.length - 1) % PARTITION_COUNT === partition)
        engine?.observe(event, first + i, event.at);
    }
  }
  const endedAt = performance.now();
  if (first < WARM_EVENTS) return;
  spent.decoding.push(((decodedAt - begunAt) * 1000) / records.length);
  spent.observing.push(((endedAt - decodedAt) * 1000) / records.length);
}

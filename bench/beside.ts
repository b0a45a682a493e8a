import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DAY_MS } from '../src/baseline/time.ts';
import { createFleet, dayOfFleet } from '../src/simulate/fleet.ts';
import { median } from './quantile.ts';
import { storedRecord } from './stored-record.ts';

// `npm run bench:beside -- OTHER_TREE`: what an event costs the code in this folder beside that in another one (a clone at another commit), with its
// packages installed. Both decide the same events in one process, a thousand in turns: machines that are slow now and fast then are so for both,
// and one event in a hundred more or less is told.

type Tree = Pick<typeof import('../src/detect/engine.ts'), 'Engine'> &
  Pick<typeof import('../src/normalise/scan-event.ts'), 'scanStoredEvent'> &
  Pick<typeof import('./detect.ts'), 'engineOptions'>;

const EVENT_COUNT = 600_000;
/** Until then code is compiled, and compiled anew. */
const WARM_EVENTS = 250_000;
const TURN_EVENTS = 1000;
const TOKEN_COUNT = 500;
/** As many engines as partitions. */
const PARTITION_COUNT = 4;
const START = Date.UTC(2026, 0, 5);

const [other] = process.argv.slice(2);
if (other === undefined) {
  console.error('npm run bench:beside -- OTHER_TREE: the folder of another version, with its packages installed');
  process.exit(2);
}
const subjects = [await subjectOf(other), await subjectOf('.')];
let count = 0;
for (const values of turns()) {
  const order = count % (2 * TURN_EVENTS) === 0 ? subjects : subjects.toReversed();
  for (const subject of order) decide(subject, values, count);
  count += values.length;
}
for (const step of ['decoding', 'observing'] as const) {
  const [theirs, ours] = subjects.map(({ spent }) => spent[step]) as [number[], number[]];
  const ratio = median(ours.map((microseconds, i) => microseconds / (theirs[i] as number)));
  console.log(
    `${step} an event: ${median(ours).toFixed(2)} µs here, ${median(theirs).toFixed(2)} µs there, ${ratio.toFixed(3)} ×`,
  );
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

function* turns(): Generator<readonly Buffer[]> {
  const fleet = createFleet('bench', TOKEN_COUNT);
  let values: Buffer[] = [];
  for (let day = 0, made = 0; made < EVENT_COUNT; day++) {
    for (const record of dayOfFleet(fleet, 'bench', START + day * DAY_MS)) {
      values.push(storedRecord(record, `bench/0/${made}`, made).value);
      made += 1;
      if (values.length < TURN_EVENTS) continue;
      yield values;
      values = [];
    }
  }
}

function decide(
  { scanStoredEvent, engines, spent }: Awaited<ReturnType<typeof subjectOf>>,
  values: readonly Buffer[],
  first: number,
): void {
  const begunAt = performance.now();
  const events = values.map((value) => {
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
  spent.decoding.push(((decodedAt - begunAt) * 1000) / values.length);
  spent.observing.push(((endedAt - decodedAt) * 1000) / values.length);
}

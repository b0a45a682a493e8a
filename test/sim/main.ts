import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';
import { makeHistory } from './history.ts';
import { breachesOf } from './invariants.ts';
import { runWorld, type World } from './world.ts';

// `npm run sim -- --seed N` shows one simulated installation; `-- --seeds N --from S` runs a range and counts.

const USAGE = `usage: npm run sim -- --seed N
       npm run sim -- --seeds N [--from S] [--processes P] [--until-failed]`;

/** A process keeps some of what every seed has left, so it is not to run too many. */
const SEEDS_PER_PROCESS_MAX = 500;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    from: { type: 'string', default: '1' },
    processes: { type: 'string', default: String(availableParallelism()) },
    'until-failed': { type: 'boolean', default: false },
  },
});

if (values.seed !== undefined) await show(values.seed);
else await runRange(count(values.from), count(values.seeds), count(values.processes));

function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`"${text}" is no count\n${USAGE}`);
  process.exit(2);
}

/** One seed, with all that befell it. */
async function show(seed: string): Promise<void> {
  const world = await runWorld(seed, makeHistory(await loadDetectors()));
  for (const note of world.notes) console.log(note);
  console.log(factsOf(world));
  const breaches = breachesOf(world);
  for (const breach of breaches) console.log(`seed ${seed}: ${breach}`);
  report(breaches.length === 0 ? 1 : 0, breaches.length === 0 ? 0 : 1);
}

function factsOf({ broker, targets, store, startCount, endedAtMs, rates }: World): string {
  const drawn = Object.entries(rates).filter(([, rate]) => rate > 0);
  return [
    `faults: ${drawn.map(([kind, rate]) => `${kind} ${rate.toFixed(3)}`).join(', ') || 'none'}`,
    `${startCount} process starts, ${broker.journal.length} records and commits, ${broker.gaps.length} gaps`,
    `${targets.calls.length} calls arrived, ${store.tables.get('events')?.length ?? 0} events archived, at rest after ${Math.round(endedAtMs / 1000)} s`,
  ].join('\n');
}

/** Spreads a range over processes. */
async function runRange(from: number, seedCount: number, processCount: number): Promise<void> {
  if (processCount === 1 || seedCount === 1) {
    const { passed, failed } = await runSeeds(from, seedCount);
    if (process.send) process.send({ passed, failed });
    else report(passed, failed);
    return;
  }
  const share = Math.min(SEEDS_PER_PROCESS_MAX, Math.ceil(seedCount / processCount));
  const counts: Tally[] = [];
  let next = 0;
  const work = async () => {
    while (next < seedCount) {
      const first = next;
      next += share;
      counts.push(await runElsewhere(from + first, Math.min(share, seedCount - first)));
    }
  };
  await Promise.all(Array.from({ length: processCount }, work));
  report(
    counts.reduce((sum, { passed }) => sum + passed, 0),
    counts.reduce((sum, { failed }) => sum + failed, 0),
  );
}

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

function runElsewhere(from: number, seedCount: number): Promise<Tally> {
  const more = values['until-failed'] ? ['--until-failed'] : [];
  const args = ['--from', String(from), '--seeds', String(seedCount), '--processes', '1', ...more];
  const child = fork(fileURLToPath(import.meta.url), args);
  return new Promise((resolve, reject) => {
    child.once('message', (tally) => resolve(tally as Tally));
    child.once('exit', (code) => reject(new Error(`a process for seeds from ${from} ended with ${code}`)));
  });
}

async function runSeeds(from: number, seedCount: number): Promise<Tally> {
  const history = makeHistory(await loadDetectors());
  const tally = { passed: 0, failed: 0 };
  for (let i = 0; i < seedCount; i++) {
    const seed = String(from + i);
    const breaches = breachesOf(await runWorld(seed, history));
    if (breaches.length === 0) tally.passed += 1;
    else {
      tally.failed += 1;
      console.log(`seed ${seed}: ${breaches.length} breaches, the first: ${breaches[0]}`);
      if (values['until-failed']) break;
    }
  }
  return tally;
}

function report(passed: number, failed: number): void {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

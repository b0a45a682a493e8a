import { loadDetectors } from '../../src/runtime/load-detectors.ts';
import { makeHistory } from './history.ts';
import { breaches } from './invariants.ts';
import { runWorld } from './world.ts';

const seed = process.argv[2] ?? '1';
const count = Number(process.argv[3] ?? 1);
const history = makeHistory(await loadDetectors());
let failed = 0;
const t = performance.now();
const kinds = new Map<string, number>();
for (let i = 0; i < count; i++) {
  const name = String(Number(seed) + i);
  const world = await runWorld(name, history);
  const found = breaches(world);
  if (count === 1 || process.env['V']) {
    console.log(
      name,
      world.endedAtMs,
      world.startCount,
      world.broker.journal.length,
      world.targets.calls.length,
      world.store.tables.get('events')?.length,
    );
    if (process.env['V'] === '2') for (const note of world.notes) console.log(note);
  }
  if (found.length > 0) {
    failed++;
    for (const k of new Set(found.map((f) => f.split(':')[0]!))) kinds.set(k, (kinds.get(k) ?? 0) + 1);
    console.log(`seed ${name}: ${found.length} breaches, first: ${found.slice(0, 3).join(' | ')}`);
  }
}
console.log(`${count - failed} passed, ${failed} failed`, kinds, (performance.now() - t) / count, 'ms a seed');

import { inChild } from './child.ts';
import type { Beside } from './children/beside.ts';

// `npm run bench:beside -- OTHER_TREE`: what an event costs the code in this folder beside that in another one (a clone at another commit), with its
// packages installed. Both decide the same events in one process, a thousand in turns: machines that are slow now and fast then are so for both.
// Whichever was loaded second takes some hundredths longer, so each is once: one event in a hundred more or less is told.

const [other] = process.argv.slice(2);
if (other === undefined) {
  console.error('npm run bench:beside -- OTHER_TREE: the folder of another version, with its packages installed');
  process.exit(2);
}
const second = await inChild<Beside>('beside', other, '.');
const first = await inChild<Beside>('beside', '.', other);
for (const step of ['decoding', 'observing'] as const) {
  const ratio = Math.sqrt(second[step].secondToFirst / first[step].secondToFirst);
  const here = (second[step].second + first[step].first) / 2;
  const there = (second[step].first + first[step].second) / 2;
  console.log(`${step} an event: ${here.toFixed(2)} µs here, ${there.toFixed(2)} µs there, ${ratio.toFixed(3)} ×`);
}

import { expect, it } from 'vitest';
import { LogError } from '../../src/log/log.ts';
import { createStandstill } from '../../src/runtime/standstill.ts';

it('tells that the log waits at once, then once a minute, also when it comes and goes, and when it goes on', () => {
  let now = 0;
  const lines: object[] = [];
  const log = (facts: object) => void lines.push(facts);
  const standstill = createStandstill({ error: log, info: log } as never, { elapsed: () => now });
  const why = new LogError('full', 'The log in /data failed: the disk is full. Free space there.');
  expect(standstill.obstacles()).toEqual([]);
  for (; now < 150_000; now += 1000) standstill.onWaiting(why);
  expect(lines).toEqual([0, 60_000, 120_000].map((waitedMs) => ({ cause: why.message, waitedMs })));
  expect(standstill.obstacles()).toEqual([`our log waits for room: ${why.message}`]);
  standstill.onWaiting(null);
  expect(lines.at(-1)).toEqual({ waitedMs: 150_000 });
  expect(standstill.obstacles()).toEqual([]);
  // On the brink it comes and goes.
  for (; now < 179_000; now += 1000) {
    standstill.onWaiting(why);
    expect(standstill.obstacles()).toHaveLength(1);
    standstill.onWaiting(null);
  }
  expect(lines).toHaveLength(4);
  now = 181_000;
  standstill.onWaiting(why);
  expect(lines.at(-1)).toEqual({ cause: why.message, waitedMs: 0 });
});

import { expect, it } from 'vitest';
import { FleetMix } from '../../src/baseline/fleet-mix.ts';
import { hashName } from '../../src/baseline/hash.ts';
import { GROUPS } from '../../src/baseline/name-groups.ts';

function use(fleet: FleetMix, token: string, name: string, day = 1): void {
  fleet.add(name, day, hashName(token, 7));
}

it('counts sessions, not uses: a busy job weighs no more than a person', () => {
  const fleet = new FleetMix(7);
  for (let i = 0; i < 1000; i++) use(fleet, 'job', 'queue');
  for (let i = 0; i < 5; i++) use(fleet, `person ${i}`, 'reports');
  expect(fleet.share('reports')).toBeGreaterThan(fleet.share('queue'));
  const before = fleet.share('queue');
  use(fleet, 'job', 'queue', 2);
  expect(fleet.share('queue')).toBeGreaterThan(before);
});

it('takes all groups for alike while it knows nothing, and none for impossible', () => {
  const fleet = new FleetMix(7);
  expect(fleet.share('any')).toBeCloseTo(1 / GROUPS, 10);
  for (let i = 0; i < 500; i++) use(fleet, `token ${i}`, 'one');
  expect(fleet.share('one')).toBeGreaterThan(0.9);
  expect(fleet.share('other')).toBeGreaterThan(0);
});

it('comes back as it was, and goes on to the same bytes', () => {
  const fleet = new FleetMix(7);
  const go = (one: FleetMix, from: number) => {
    for (let i = from; i < from + 3000; i++) use(one, `token ${i % 7}`, `table ${(i * i) % 2500}`, i >> 8);
    one.fade(0.7);
  };
  go(fleet, 0);
  const restored = new FleetMix(7);
  use(restored, 'x', 'something else');
  restored.restore(fleet.toBytes());
  go(fleet, 3000);
  go(restored, 3000);
  expect(Buffer.compare(restored.toBytes(), fleet.toBytes())).toBe(0);
  for (const i of [1, 4, 9]) expect(restored.share(`table ${i}`)).toBe(fleet.share(`table ${i}`));
});

it('knows nothing after bytes of another version', () => {
  const fleet = new FleetMix(7);
  use(fleet, 'a', 'orders');
  fleet.restore(Buffer.alloc(20, 1));
  expect(fleet.share('orders')).toBeCloseTo(1 / GROUPS, 10);
});

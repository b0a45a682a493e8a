import { expect, it } from 'vitest';
import { FleetMix } from '../../src/baseline/fleet-mix.ts';
import { hashName } from '../../src/baseline/hash.ts';
import { GROUPS, groupOf } from '../../src/baseline/name-groups.ts';
import { STEPS } from '../../src/baseline/sessions.ts';

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

it('lets what is used most stay so, however often it is', () => {
  const fleet = new FleetMix(7);
  for (let i = 0; i < 10; i++) use(fleet, `token ${i}`, 'orders');
  const bytes = fleet.toBytes();
  // As after months in which two services took turns at it.
  const group = groupOf('orders', 7);
  bytes.writeUInt32LE(0xffffffc0 - STEPS, 10 * group + 4);
  fleet.restore(bytes);
  const shares = Array.from({ length: 6 }, (_, i) => {
    use(fleet, `token ${i % 2}`, 'orders');
    return fleet.share('orders');
  });
  expect(Math.min(...shares)).toBeGreaterThan(0.99);
  const restored = new FleetMix(7);
  restored.restore(fleet.toBytes());
  expect(restored.share('orders')).toBe(fleet.share('orders'));
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

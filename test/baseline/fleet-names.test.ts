import { expect, it } from 'vitest';
import { FleetNames } from '../../src/baseline/fleet-names.ts';
import { hashName } from '../../src/baseline/hash.ts';

const NAMES = 20;

function use(fleet: FleetNames, token: string, name: string, day = 1): void {
  fleet.turnTo(hashName(token, 7));
  fleet.add(name, day);
}

it('knows whether others use a name', () => {
  const fleet = new FleetNames(7);
  use(fleet, 'a', 'orders');
  fleet.turnTo(hashName('a', 7));
  expect([fleet.isUsedByOthers('orders'), fleet.isUsedByOthers('never')]).toEqual([false, false]);
  fleet.turnTo(hashName('b', 7));
  expect(fleet.isUsedByOthers('orders')).toBe(true);
  use(fleet, 'b', 'orders');
  for (const token of ['a', 'b', 'c']) {
    fleet.turnTo(hashName(token, 7));
    expect(fleet.isUsedByOthers('orders')).toBe(true);
  }
});

it('counts sessions, not uses: a busy job weighs no more than a person', () => {
  const fleet = new FleetNames(7);
  for (let i = 0; i < 1000; i++) use(fleet, 'job', 'queue');
  for (let i = 0; i < 5; i++) use(fleet, `person ${i}`, 'reports');
  expect(fleet.share('reports', NAMES)).toBeGreaterThan(fleet.share('queue', NAMES));
  const before = fleet.share('queue', NAMES);
  use(fleet, 'job', 'queue', 2);
  expect(fleet.share('queue', NAMES)).toBeGreaterThan(before);
});

it('takes all names for alike while it knows nothing, and none for impossible', () => {
  const fleet = new FleetNames(7);
  expect(fleet.share('any', NAMES)).toBe(1 / NAMES);
  for (let i = 0; i < 500; i++) use(fleet, `token ${i}`, 'one');
  expect(fleet.share('one', NAMES)).toBeGreaterThan(0.9);
  expect(fleet.share('other', NAMES)).toBeGreaterThan(0);
});

it('keeps what several use, however many names somebody invents', () => {
  const fleet = new FleetNames(7);
  const known = Array.from({ length: 300 }, (_, i) => `table ${i}`);
  for (const name of known) for (const token of ['a', 'b']) use(fleet, token, name);
  for (let i = 0; i < 50_000; i++) use(fleet, 'thief', `invented ${i}`);
  fleet.turnTo(hashName('c', 7));
  expect(known.filter((name) => !fleet.isUsedByOthers(name))).toEqual([]);
});

it('comes back as it was, and goes on to the same bytes', () => {
  const fleet = new FleetNames(7);
  const go = (one: FleetNames, from: number) => {
    for (let i = from; i < from + 3000; i++) use(one, `token ${i % 7}`, `table ${(i * i) % 2500}`, i >> 8);
    one.fade(0.7);
  };
  go(fleet, 0);
  const restored = new FleetNames(7);
  use(restored, 'x', 'something else');
  restored.restore(fleet.toBytes());
  go(fleet, 3000);
  go(restored, 3000);
  expect(Buffer.compare(restored.toBytes(), fleet.toBytes())).toBe(0);
  for (const i of [1, 4, 9]) expect(restored.share(`table ${i}`, NAMES)).toBe(fleet.share(`table ${i}`, NAMES));
});

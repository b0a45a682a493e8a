import { expect, it } from 'vitest';
import { FleetNames } from '../../src/baseline/fleet-names.ts';
import { hashName } from '../../src/baseline/hash.ts';

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
  for (const one of [fleet, restored]) one.turnTo(hashName('x', 7));
  for (const i of [1, 4, 9, 3001])
    expect(restored.isUsedByOthers(`table ${i}`)).toBe(fleet.isUsedByOthers(`table ${i}`));
});

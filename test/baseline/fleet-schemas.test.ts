import { expect, it } from 'vitest';
import { FleetView } from '../../src/baseline/fleet-names.ts';
import { FleetSchemas } from '../../src/baseline/fleet-schemas.ts';
import { hashName } from '../../src/baseline/hash.ts';
import { DAY_MS } from '../../src/baseline/time.ts';

const DAY = 20_000;
const at = (day: number) => day * DAY_MS;

/** A fleet that has used one schema for so many days, a table of it each day. */
function usedFor(days: number): FleetView {
  const fleet = new FleetView(7);
  fleet.turnTo(hashName('svc', 7));
  for (let day = DAY; day < DAY + days; day++) use(fleet, 'public.orders', day);
  return fleet;
}

function use(fleet: FleetView, table: string, day: number, success: boolean | null = true): void {
  fleet.add({ tables: [table], operation: 'select', success, statement: null, at: at(day) });
}

it('knows for a week which schema is new for everybody, from its first use on and before it', () => {
  const fleet = usedFor(20);
  const { schemas } = fleet;
  expect(schemas.newSchemaOf('shop.orders', at(DAY + 20))).toBe('shop');
  use(fleet, 'shop.stock', DAY + 20);
  expect(schemas.newSchemaOf('shop.orders', at(DAY + 26))).toBe('shop');
  expect(schemas.newSchemaOf('shop.orders', at(DAY + 27))).toBeNull();
  expect(schemas.newSchemaOf('public.new', at(DAY + 20))).toBeNull();
  expect(schemas.newSchemaOf('orders', at(DAY + 20))).toBeNull();
  expect(schemas.newSchemaOf('db.shop.orders', at(DAY + 20))).toBe('db.shop');
});

it('takes none for new until it has seen two weeks, nor after an upgrade', () => {
  expect(new FleetSchemas(7).newSchemaOf('shop.orders', at(DAY))).toBeNull();
  expect(usedFor(13).schemas.newSchemaOf('shop.orders', at(DAY + 13))).toBeNull();
  const { schemas } = usedFor(20);
  schemas.restore(undefined);
  expect(schemas.newSchemaOf('shop.orders', at(DAY + 20))).toBeNull();
});

it('hears of a table that is used all along, whoever uses it first on a day', () => {
  const fleet = usedFor(1);
  fleet.schemas.restore(undefined);
  fleet.turnTo(hashName('other', 7));
  use(fleet, 'public.orders', DAY + 1);
  expect(fleet.schemas.toJSON().uses).toHaveLength(1);
});

it('hears of no table that was used in vain, which may be none', () => {
  const fleet = usedFor(20);
  for (let i = 0; i < 5000; i++) use(fleet, `invented_${i}.t`, DAY + 20, false);
  expect(fleet.schemas.toJSON().uses).toHaveLength(1);
  expect(fleet.schemas.newSchemaOf('shop.orders', at(DAY + 20))).toBe('shop');
  // Of a source that does not say, all count.
  use(fleet, 'shop.orders', DAY + 20, null);
  expect(fleet.schemas.toJSON().uses).toHaveLength(2);
});

it('is bounded, and gains nothing from names that somebody invents', () => {
  const fleet = usedFor(20);
  for (let i = 0; i < 5000; i++) use(fleet, `invented_${i}.t`, DAY + 20);
  expect(fleet.schemas.toJSON().uses).toHaveLength(1024);
  expect(fleet.schemas.newSchemaOf('shop.orders', at(DAY + 20))).toBeNull();
  // What is not used any more goes, once there is need.
  use(fleet, 'public.orders', DAY + 150);
  use(fleet, 'shop.orders', DAY + 150);
  expect(fleet.schemas.newSchemaOf('shop.orders', at(DAY + 150))).toBe('shop');
  expect(fleet.schemas.newSchemaOf('public.orders', at(DAY + 150))).toBeNull();
});

it('is the same when it is put back', () => {
  const { schemas } = usedFor(20);
  const copy = new FleetSchemas(7);
  copy.restore(JSON.parse(JSON.stringify(schemas.toJSON())));
  expect(copy.toJSON()).toEqual(schemas.toJSON());
  expect(copy.newSchemaOf('shop.orders', at(DAY + 20))).toBe('shop');
});

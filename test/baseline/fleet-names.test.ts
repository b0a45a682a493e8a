import { describe, expect, it } from 'vitest';
import { FleetNames, FleetView } from '../../src/baseline/fleet-names.ts';
import { hashName } from '../../src/baseline/hash.ts';
import { DAY_MS } from '../../src/baseline/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';

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

it('takes what was done in vain for no use: not of tables, and not in their proportions', () => {
  const fleet = new FleetView(7);
  const read = (table: string, success: boolean | null) =>
    fleet.add({ tables: [table], operation: 'select', success, statement: null, at: 30 * DAY_MS });
  fleet.turnTo(hashName('a', 7));
  const share = fleet.mix.share('select hr.salaries');
  read('hr.salaries', false);
  expect(fleet.mix.share('select hr.salaries')).toBe(share);
  read('hr.people', null);
  read('hr.teams', true);
  fleet.turnTo(hashName('b', 7));
  const isUsed = (table: string) => fleet.tables.isUsedByOthers(table);
  expect(['hr.salaries', 'hr.people', 'hr.teams'].map(isUsed)).toEqual([false, true, true]);
});

describe('a table that is made', () => {
  const made = {
    tables: ['sales.refunds'],
    operation: 'create',
    success: true,
    statement: null,
    at: 30 * DAY_MS,
  } as const;

  /** Whether it is made by others in the eyes of another token, so many days later. */
  function isMade(
    event: Parameters<FleetView['add']>[0],
    daysLater = 0,
    before?: Parameters<FleetView['add']>[0],
  ): boolean {
    const fleet = new FleetView(7);
    fleet.turnTo(hashName('desk', 7));
    if (before) fleet.add(before);
    fleet.turnTo(hashName('ci', 7));
    fleet.add(event);
    expect(fleet.tables.isMadeByOthers('sales.refunds', event.at)).toBe(false);
    fleet.turnTo(hashName('app', 7));
    return fleet.tables.isMadeByOthers('sales.refunds', event.at + daysLater * DAY_MS);
  }

  it('is known as made for a week, to all but its maker', () => {
    expect([0, 6, 7].map((days) => isMade(made, days))).toEqual([true, true, false]);
  });

  it.each<[string, Partial<AuditEvent>]>([
    ['in vain', { success: false }],
    ['as far as anybody knows', { success: null }],
    ['of another one', { tables: ['sales.refunds', 'hr.salaries'] }],
    ['by no more than its use', { operation: 'insert' }],
    ['if it was not there', { statement: 'CREATE TABLE IF NOT EXISTS sales.refunds (id int)' }],
    ['if it was not there, after a gap', { statement: 'create table  if not exists sales.refunds (id int)' }],
    ['if it was not there, after a comment', { statement: 'create table if/**/not exists sales.refunds (id int)' }],
    ['out of another table', { statement: 'create table sales.refunds as table hr.salaries' }],
    ['where its rows are elsewhere', { statement: 'create foreign table sales.refunds (id int) server hr' }],
    ['out of another one', { statement: 'create table sales.refunds as select * from hr.salaries' }],
    [
      'as a copy',
      { statement: 'create table sales.refunds clone hr.salaries', tables: ['sales.refunds', 'hr.salaries'] },
    ],
    ['by an index of it', { statement: 'create index on sales.refunds (id)' }],
  ])('%s is not', (_, facts) => {
    expect(isMade({ ...made, ...facts })).toBe(false);
  });

  it.each([
    'create table sales.refunds (id int)',
    'CREATE OR REPLACE TEMPORARY TABLE sales.refunds (id int)',
    ' create unlogged table\nsales.refunds ()',
  ])('is known by its statement: %s', (statement) => {
    expect(isMade({ ...made, statement })).toBe(true);
  });

  it('may refer to others, which are not made by it', () => {
    const statement = 'create table sales.refunds (id int references sales.orders, by int references hr.people)';
    const event = { ...made, statement, tables: ['sales.refunds', 'sales.orders', 'hr.people'] };
    expect(isMade(event)).toBe(true);
    const fleet = new FleetView(7);
    fleet.turnTo(hashName('ci', 7));
    fleet.add(event);
    fleet.turnTo(hashName('app', 7));
    expect(fleet.tables.isMadeByOthers('hr.people', event.at)).toBe(false);
  });

  it('is one still if somebody tried it before it was there', () => {
    const tried = { ...made, operation: 'select', success: false } as const;
    expect(isMade(made, 0, { ...tried, at: made.at - 1 })).toBe(true);
  });

  it('is none that was there before', () => {
    expect(isMade(made, 0, { ...made, operation: 'select', at: made.at - 10 * DAY_MS })).toBe(false);
  });

  it('is one still once several use it, and after a restart', () => {
    const fleet = new FleetNames(7);
    fleet.turnTo(hashName('ci', 7));
    fleet.add('refunds', 30, true);
    use(fleet, 'app', 'refunds', 30);
    const restored = new FleetNames(7);
    restored.restore(fleet.toBytes(), fleet.madeDays());
    for (const one of [fleet, restored]) {
      one.turnTo(hashName('app-2', 7));
      expect(one.isMadeByOthers('refunds', 31 * DAY_MS)).toBe(true);
    }
    restored.restore(fleet.toBytes());
    expect(restored.isMadeByOthers('refunds', 31 * DAY_MS)).toBe(false);
  });
});

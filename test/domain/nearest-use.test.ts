import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differencesOf, nearestUses, RESPECTS } from '../../src/domain/nearest-use.ts';
import type { Use, UsualUse } from '../../src/domain/usual-use.ts';

/** A Sunday night. */
const AT = Date.UTC(2026, 8, 20, 3, 2);
const HOUR_MS = 3_600_000;

const theft: Use = {
  at: AT,
  operation: 'copy',
  tables: ['public.customers', 'public.cards'],
  rows: 2_000_000,
  success: true,
  database: 'shop',
  network: '203.0.113.0/24',
  asn: 64_501,
  application: 'psql',
};
const same: UsualUse = { ...theft, eventCount: 1, lastAt: 0, rows: { least: 1, most: 2e9 }, weekDistanceMs: 0 };
const lookup: UsualUse = {
  ...same,
  operation: 'select',
  tables: ['public.orders'],
  network: '198.51.100.0/24',
  asn: 64_500,
  application: 'pgx',
  eventCount: 12_030,
  rows: { least: 1, most: 200 },
  weekDistanceMs: 6 * HOUR_MS,
};

describe('what a use differs in', () => {
  const nothing = Object.fromEntries(RESPECTS.map((respect) => [respect, 0]));

  it.each<[string, Partial<UsualUse>, object]>([
    ['nothing', {}, {}],
    ['another operation', { operation: 'select' }, { operation: 1 }],
    [
      'one more table',
      { tables: ['public.cards', 'public.customers', 'public.orders'] },
      { tables: expect.closeTo(1 / 3) },
    ],
    ['no table in common', { tables: ['public.orders'] }, { tables: 1 }],
    ['no table named', { tables: [] }, { tables: 1 }],
    ['a tenth of the rows', { rows: { least: 0, most: 200_000 } }, { rows: expect.closeTo(1 / 3, 4) }],
    ['ten times the rows', { rows: { least: 20_000_000, most: 2e9 } }, { rows: expect.closeTo(1 / 3, 4) }],
    ['a millionth of the rows', { rows: { least: 0, most: 2 } }, { rows: 1 }],
    ['rows that are not known', { rows: null }, { rows: 1 }],
    ['failure', { success: false }, { outcome: 1 }],
    ['a database that is not known', { database: null }, { database: 1 }],
    ['another network', { network: '198.51.100.0/24', asn: 64_500 }, { network: 1 }],
    ['another network of the same operator', { network: '198.51.100.0/24' }, { network: 0.5 }],
    ['another network, of nobody known', { network: '198.51.100.0/24', asn: null }, { network: 1 }],
    ['another program', { application: 'pgx' }, { application: 1 }],
    ['three hours', { weekDistanceMs: 3 * HOUR_MS }, { hour: 0.25 }],
    ['three days', { weekDistanceMs: 72 * HOUR_MS }, { hour: 1 }],
  ])('%s', (_, change, expected) => {
    expect(differencesOf(theft, { ...same, ...change })).toEqual({ ...nothing, ...expected });
  });

  it('is nothing where neither says anything', () => {
    const silent = { operation: null, tables: [], rows: null, success: null, database: null, network: null } as const;
    const blank = { ...silent, asn: null, application: null };
    expect(differencesOf({ ...theft, ...blank }, { ...same, ...blank })).toEqual(nothing);
  });
});

describe('the nearest uses', () => {
  it('come first, and of equally near ones the more frequent', () => {
    const rare = { ...lookup, operation: 'insert' as const, eventCount: 3 };
    const frequent = { ...rare, operation: 'update' as const, eventCount: 5 };
    const near = { ...lookup, tables: ['public.customers'], eventCount: 1 };
    const nearest = nearestUses(theft, [lookup, frequent, rare, near], 3);
    expect(nearest.map(({ operation, eventCount }) => [operation, eventCount])).toEqual([
      ['select', 1],
      ['select', 12_030],
      ['update', 5],
    ]);
    expect(nearest[0]?.distance).toBeCloseTo(0.5 + 1 + 1 + 1 + 1 + 0.5);
  });

  it('are one where they differ only in which other tables or networks they have', () => {
    const items = { ...lookup, tables: ['public.items'], eventCount: 70, lastAt: AT, rows: { least: 0, most: 9 } };
    const elsewhere = { ...lookup, network: '192.0.2.0/24', eventCount: 100, weekDistanceMs: 5 * HOUR_MS };
    const customers = { ...lookup, tables: ['public.customers', 'public.orders'], eventCount: 2 };
    const operator = { ...customers, network: '10.1.0.0/24', asn: theft.asn };
    const nearest = nearestUses(theft, [lookup, elsewhere, items, customers, operator], 9);
    expect(nearest).toMatchObject([
      { tables: customers.tables, networks: ['10.1.0.0/24'], eventCount: 2 },
      { tables: customers.tables, networks: ['198.51.100.0/24'], eventCount: 2 },
      {
        tables: ['public.orders', 'public.items'],
        networks: ['198.51.100.0/24', '192.0.2.0/24'],
        eventCount: 12_200,
        lastAt: AT,
        rows: { least: 0, most: 200 },
        weekDistanceMs: 5 * HOUR_MS,
      },
    ]);
  });

  it('have every event in them once, in every respect between the same and nothing in common', () => {
    const name = fc.constantFrom('a', 'b', null);
    const rows = fc.option(fc.nat(1e9), { nil: null });
    const tables = fc.uniqueArray(fc.constantFrom('t', 'u', 'v'));
    const use = fc.record({
      at: fc.constant(AT),
      operation: fc.constantFrom('select' as const, 'copy' as const, null),
      tables,
      rows,
      success: fc.constantFrom(true, false, null),
      database: name,
      network: name,
      asn: fc.constantFrom(1, 2, null),
      application: name,
    });
    const usual = fc.record({ use, eventCount: fc.integer({ min: 1, max: 99 }), apartMs: fc.nat(84 * HOUR_MS) });
    fc.assert(
      fc.property(use, fc.array(usual), (event, some) => {
        const uses = some.map(({ use: { at, rows, ...rest }, eventCount, apartMs }): UsualUse => {
          const range = rows === null ? null : { least: 0, most: rows };
          return { ...rest, eventCount, lastAt: at, rows: range, weekDistanceMs: apartMs };
        });
        const nearest = nearestUses(event, uses, uses.length);
        const count = (all: readonly Pick<UsualUse, 'eventCount'>[]) =>
          all.reduce((sum, { eventCount }) => sum + eventCount, 0);
        expect(count(nearest)).toBe(count(uses));
        for (const { differences } of nearest)
          for (const respect of RESPECTS) {
            expect(differences[respect]).toBeGreaterThanOrEqual(0);
            expect(differences[respect]).toBeLessThanOrEqual(1);
          }
        const distances = nearest.map(({ distance }) => distance);
        expect(distances).toEqual(distances.toSorted((a, b) => a - b));
      }),
    );
  });
});

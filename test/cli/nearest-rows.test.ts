import { expect, it } from 'vitest';
import type { Nearest, NearestFound } from '../../src/cli/nearest.ts';
import { printNearest } from '../../src/cli/nearest-rows.ts';

function printed(nearest: Nearest): string {
  let text = '';
  const out = (some: string) => {
    text += some;
  };
  const { signal: interrupted } = new AbortController();
  printNearest({ out, err: out, isTerminal: false, colours: false, env: {}, interrupted }, nearest);
  return text;
}

const same = { operation: 0, tables: 0, rows: 0, outcome: 0, database: 0, network: 0, application: 0, hour: 0 };
const FOUND: NearestFound = {
  from: 'clickhouse',
  eventCount: 31_204,
  since: Date.UTC(2026, 7, 21, 9),
  alertsLeftOut: 0,
  event: {
    id: 'shop/0/7',
    at: Date.UTC(2026, 8, 20, 3, 2),
    operation: 'copy',
    tables: ['public.customers'],
    rows: 2_000_000,
    success: true,
    database: 'shop',
    address: '203.0.113.9',
    network: '203.0.113.0/24',
    asn: null,
    application: 'psql',
  },
  uses: [
    {
      operation: 'select',
      tables: ['public.orders'],
      success: true,
      database: 'shop',
      networks: ['198.51.100.0/24', null],
      application: 'pgx',
      eventCount: 12_030,
      lastAt: Date.UTC(2026, 8, 19, 9, 14),
      rows: { least: 1, most: 200 },
      weekDistanceMs: 0,
      differences: { ...same, rows: 0.9, network: 1, hour: 0.2 },
      distance: 2.1,
    },
    {
      operation: null,
      tables: [],
      success: false,
      database: null,
      networks: [null],
      application: null,
      eventCount: 1,
      lastAt: Date.UTC(2026, 7, 22),
      rows: null,
      weekDistanceMs: 0,
      differences: same,
      distance: 0,
    },
  ],
};

it('says what was done beside what is usual, in columns', () => {
  expect(printed(FOUND)).toBe(
    `Of what the token did until six hours before the alert (31,204 events in the archive since 2026-08-21), this comes nearest:
SEEN           WHAT                   ROWS       DATABASE  FROM                BY    LAST AT (UTC)         DIFFERS IN
in this alert  copy public.customers  2,000,000  shop      203.0.113.9         psql  Sun 2026-09-20 03:02
12,030 times   select public.orders   1 to 200   shop      198.51.100.0/24, –  pgx   Sat 2026-09-19 09:14  network, rows
once           failed                 –          –         –                   –     Sat 2026-08-22 00:00  hardly anything
`,
  );
});

it('says what it was found in and without, that there is nothing or nothing unusual, and what is missing', () => {
  expect(printed({ ...FOUND, from: 'log', alertsLeftOut: 2 })).toContain(
    '(31,204 events in the events log since 2026-08-21, without 2 other alerts)',
  );
  expect(printed({ ...FOUND, uses: [], since: null, eventCount: 0 })).toMatch(
    /^Nothing of what the token did until six hours before the alert is in the archive\. What raised it:\nSEEN .*\nin this alert .*\n$/,
  );
  const [, likeIt] = FOUND.uses;
  expect(printed({ ...FOUND, uses: likeIt ? [likeIt] : [] })).toMatch(/\nBy itself that is nearly usual: .*\n$/);
  expect(printed({ missing: 'it is away' })).toBe('What the token usually does is not shown: it is away\n');
});

it('shows no text of an event as anything else', () => {
  const hostile = '\u001b[2J\nonce  \u202e';
  const [use] = FOUND.uses;
  const text = printed({
    ...FOUND,
    event: { ...FOUND.event, tables: [hostile], application: hostile, database: hostile, address: hostile },
    uses: use ? [{ ...use, tables: [hostile], networks: [hostile] }] : [],
  });
  expect(text.split('\n')).toHaveLength(5);
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(printed({ missing: hostile })).toMatch(/^[^\p{Cc}\p{Cf}]*\n$/u);
});

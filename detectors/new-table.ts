import { z } from 'zod';
import { type FleetNamesRead, fleetTables } from '../src/baseline/fleet-names.ts';
import { fleetSchemas } from '../src/baseline/fleet-schemas.ts';
import { nameTraces } from '../src/baseline/name-traces.ts';
import { type NoveltyRates, type SeenSetRead, seenSet } from '../src/baseline/seen-set.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { noveltyOptions } from '../src/detect/novelty.ts';
import { catalogueKindOf } from '../src/domain/catalogue.ts';
import { madeTableOf } from '../src/domain/table-use.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

/** Two weeks of a billing job that reads the same three tables every hour of the working day. */
const billing: readonly CaseEvent[] = Array.from({ length: 14 * 8 }, (_, i) => ({
  at: START + Math.floor(i / 8) * DAY_MS + (i % 8) * HOUR_MS,
  tables: [['public.invoices', 'public.customers', 'public.payments'][i % 3] ?? ''],
}));

/** The same job, and another that reads the password table. */
const beside: readonly CaseEvent[] = [
  ...billing,
  { at: START + 13 * DAY_MS + 12 * HOUR_MS, token: 'login', tables: ['auth.password_hashes'] },
];

const FRESH = ['public.refunds', 'public.refund_lines', 'public.refund_reasons', 'public.refund_notes'];

/** The same job, and CI, which makes four tables on some day. */
function migratedOn(day: number): readonly CaseEvent[] {
  const made = FRESH.map((table, i) => ({
    at: START + day * DAY_MS + 30 * MINUTE_MS + i * 1000,
    token: 'ci',
    operation: 'create' as const,
    success: true,
    tables: [table],
  }));
  return [...billing, ...made].sort((a, b) => a.at - b.at);
}

/** A release of the job, two weeks after it began. */
const release = FRESH.map((table, i) => ({ at: START + 14 * DAY_MS + i * MINUTE_MS, tables: [table] }));

/** An analyst's tool that touches another table every other query. */
const explorer: readonly CaseEvent[] = Array.from({ length: 240 }, (_, i) => ({
  at: START + i * HOUR_MS,
  tables: [i % 2 === 0 ? `mart.sheet_${i}` : 'mart.orders'],
}));

/** What is new for everybody may be the owner's release, and is never more so than it is a stranger's. */
function bitsOfNew(
  { tables, fleet }: { readonly tables: SeenSetRead; readonly fleet: FleetNamesRead },
  table: string,
  at: number,
  rates: NoveltyRates & { readonly strangerNewRate: number },
): number {
  // A release comes soon after its migration, which another token runs; a thief is after what has been there for long.
  if (fleet.isMadeByOthers(table, at)) return 0;
  if (fleet.isUsedByOthers(table)) return tables.strangeness('new', rates);
  return Math.max(0, tables.strangeness('new', { ...rates, strangerRate: rates.strangerNewRate }));
}

export default defineDetector({
  id: 'new-table',
  title: 'Tables never touched before',
  description:
    'Compares the share of tables that a stranger would find new (`strangerRate`) with the rate at which this token turns to new tables. A job that has read three tables for months earns many bits for a fourth; a BI tool that meets new tables every day earns none. A table that other tokens use speaks for a stranger; one that nobody ever used (`strangerNewRate`) rather for a release of the owner’s, and one that another token has just made for nothing at all. A table counts as new once: repeats add nothing until the owner is known to use it.',
  status: 'stable',
  severity: 'high',
  dimension: 'what',
  trust: 'reported',
  attack: ['T1213.006', 'T1087'],
  falsePositives: [
    'A deployment that uses tables whose making is not in the audit log',
    'A person who is given a new task',
    'A nightly job that runs monthly parts',
  ],
  runbook:
    'Ask the owner whether a release or a new task explains the tables. Look at who else read them: a table that is new for many tokens is a migration.',
  config: z.strictObject({
    ...noveltyOptions({
      strangerRate: 0.6,
      priorRate: 0.1,
      words: {
        strangerRate: 'Share of the tables a stranger touches that the owner never used, and others do.',
        priorRate: 'Share of new tables expected of a token about which nothing is known yet.',
      },
    }),
    strangerNewRate: z
      .number()
      .min(0.01)
      .max(0.99)
      .default(0.15)
      .describe('Share of the tables a stranger touches that nobody used before.'),
  }),
  remembers: {
    tables: seenSet({ capacity: 32, forgetAfterDays: 100 }),
    traces: nameTraces({ capacity: 31 }),
    fleet: fleetTables(),
    schemas: fleetSchemas(),
  },
  bitsMax: 9,

  score({ tables, traces, fleet }, event, config) {
    // The first use ever has no owner to differ from; and who makes a table reads nothing of it.
    if (event.tables.length === 0 || tables.observations === 0 || madeTableOf(event) !== undefined) return undefined;
    let bits = 0;
    let knownCount = 0;
    for (const table of event.tables) {
      const standing = tables.standing(table, traces);
      if (standing === 'known') knownCount += 1;
      // The catalogue is for `catalog-reconnaissance`: a look around would be told twice.
      else if (standing === 'new' && catalogueKindOf(table) === null)
        bits += bitsOfNew({ tables, fleet }, table, event.at, config);
    }
    // One statement over many old tables is one piece of evidence for the owner, not many.
    return knownCount > 0 ? bits + tables.strangeness('known', config) : bits;
  },

  learn({ tables, traces }, event) {
    // What it reads is to be judged when it reads it.
    if (madeTableOf(event) !== undefined) return;
    for (const table of event.tables) tables.add(table, event.at, traces);
  },

  evidence({ tables, traces, schemas }, event) {
    const unknown = event.tables.filter((table) => tables.standing(table, traces) !== 'known');
    // Of a schema that nobody used before, its tables are one thing: a migration has few that many tokens share.
    const newNames = unknown
      .filter((table) => catalogueKindOf(table) === null)
      .map((table) => {
        const schema = schemas.newSchemaOf(table, event.at);
        return schema === null ? table : `${schema}.*`;
      });
    return [
      {
        what: 'tables not used before',
        observed: unknown,
        expected: countText(tables.size, 'known table'),
        sampleSize: Math.round(tables.observations),
        newNames: [...new Set(newNames)],
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'touched a table that it had not used before';
    const { observed, expected, sampleSize } = evidence;
    return `touched tables that it had not used before (${observedText(observed)}); it has ${expected} in ${countText(sampleSize, 'use')}`;
  },

  cases: [
    {
      name: 'a billing job reads the password table',
      history: beside,
      events: [{ at: START + 14 * DAY_MS, tables: ['auth.password_hashes'] }],
      expect: 'fires',
    },
    {
      name: 'the same job reads one of its own tables',
      history: billing,
      events: [{ at: START + 14 * DAY_MS, tables: ['public.invoices'] }],
      expect: 'silent',
    },
    {
      name: 'four tables that CI made the day before',
      history: migratedOn(13),
      events: release,
      expect: 'silent',
    },
    {
      name: 'four tables that CI made a week ago',
      history: migratedOn(7),
      events: release,
      expect: 'fires',
    },
    {
      name: 'four tables that CI may have made the day before, or not: nobody says that it succeeded',
      history: migratedOn(13).map((event) => ({ ...event, success: null })),
      events: release,
      expect: 'fires',
    },
    {
      name: 'four tables that it says it makes, before it reads them',
      history: billing,
      events: [...release.map((event) => ({ ...event, operation: 'create' as const, success: true })), ...release],
      expect: 'fires',
    },
    {
      name: 'another new table of a tool that always explores',
      history: explorer,
      events: [{ at: START + 241 * HOUR_MS, tables: ['mart.sheet_241'] }],
      expect: 'silent',
    },
  ],
});

import { z } from 'zod';
import { fleetMix } from '../src/baseline/fleet-mix.ts';
import { nameMix } from '../src/baseline/name-mix.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { madeTableOf, tableUse } from '../src/domain/table-use.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

const SELDOM = ['public.refunds', 'public.vouchers', 'public.returns', 'public.audits'];

/** Three weeks of a service that lives on two tables, and looks into one of four others now and then. */
const service: readonly CaseEvent[] = Array.from({ length: 21 * 40 }, (_, i) => ({
  at: START + Math.floor(i / 40) * DAY_MS + (i % 40) * 12 * MINUTE_MS,
  tables: [i % 100 === 0 ? (SELDOM[(i / 100) % 4] ?? '') : i % 2 === 0 ? 'public.orders' : 'public.carts'],
}));

/** The same service, and a desk of six that lives on those four tables. */
const besideDesk: readonly CaseEvent[] = [
  ...service,
  ...Array.from({ length: 21 * 6 * 4 }, (_, i) => ({
    at: START + Math.floor(i / 24) * DAY_MS + (i % 24) * MINUTE_MS,
    token: `desk-${i % 6}`,
    tables: [SELDOM[Math.floor(i / 6) % 4] ?? ''],
  })),
].sort((a, b) => a.at - b.at);

/** A reporting tool that goes through twelve tables alike. */
const reports: readonly CaseEvent[] = Array.from({ length: 600 }, (_, i) => ({
  at: START + i * HOUR_MS,
  tables: [`mart.report_${(i * 5) % 12}`],
}));

export default defineDetector({
  id: 'table-mix',
  title: 'Tables used in other proportions than ever',
  description:
    'Compares how likely the owner is to do next what is done to a table (reading and changing it are two uses; by the days on which the owner made it) with a stranger, who does as all tokens do; what was among the latest eight uses says little about either. What the owner does every day speaks for the owner; what it does once a month, one after the other, counts in the mean of the latest eight. Finds who stays within known tables, and uses them for something else.',
  status: 'stable',
  severity: 'medium',
  dimension: 'what',
  trust: 'reported',
  attack: ['T1213.006'],
  falsePositives: [
    'A person who is given another task',
    'A release that moves work from one table to another',
    'Monthly jobs',
  ],
  runbook:
    'Ask the owner what the tables in question are used for at present. Compare the statements with those of last week, and see whether the rows went where they always go.',
  config: z.strictObject({
    observationsMin: z
      .number()
      .min(1)
      .max(10_000)
      .default(20)
      .describe('Uses (each once a day) that must be known before there are proportions to speak of.'),
  }),
  remembers: { uses: nameMix(), fleet: fleetMix() },
  gathers: { halfLife: 8, worth: 8 },
  bitsMax: 3,

  score({ uses, fleet }, event, { observationsMin }) {
    if (event.tables.length === 0 || uses.observations < observationsMin || madeTableOf(event) !== undefined)
      return undefined;
    let bits = 0;
    for (const table of event.tables) {
      const use = tableUse(event.operation, table);
      bits += uses.strangeness(use, fleet.share(use), event.at);
    }
    // One statement is one piece of evidence, however many tables are in it.
    return bits / event.tables.length;
  },

  learn({ uses }, event) {
    // Who makes tables makes another one each time, and uses none of those there are.
    if (madeTableOf(event) !== undefined) return;
    for (const table of event.tables) uses.add(tableUse(event.operation, table), event.at);
  },

  evidence({ uses }, event) {
    const made = event.tables.map((table) => tableUse(event.operation, table));
    const rarest = made.toSorted((a, b) => uses.share(a) - uses.share(b))[0];
    if (rarest === undefined) return [];
    return [
      {
        what: 'hardly ever done',
        observed: [rarest],
        expected: `${(100 * uses.share(rarest)).toFixed(1)} % of uses`,
        sampleSize: uses.observations,
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'used tables in other proportions than ever';
    const { observed, expected, sampleSize } = evidence;
    return `used tables in other proportions than ever (${observedText(observed)}, usually ${expected}; ${countText(sampleSize, 'use')} known, counted once a day)`;
  },

  cases: [
    {
      name: 'a service turns to the tables that it hardly ever looks into',
      history: besideDesk,
      events: SELDOM.map((table, i) => ({ at: START + 21 * DAY_MS + i * MINUTE_MS, tables: [table] })),
      expect: 'fires',
    },
    {
      name: 'a service that only reads begins to delete from its own tables',
      history: service.map((event) => ({ ...event, operation: 'select' as const })),
      events: Array.from({ length: 4 }, (_, i) => ({
        at: START + 21 * DAY_MS + i * MINUTE_MS,
        operation: (['delete', 'update', 'truncate', 'alter'] as const)[i] ?? null,
        tables: ['public.orders'],
      })),
      expect: 'fires',
    },
    {
      name: 'the same service goes on as always',
      history: service,
      events: Array.from({ length: 40 }, (_, i) => ({
        at: START + 21 * DAY_MS + i * MINUTE_MS,
        tables: [i === 0 ? 'public.refunds' : i % 2 === 0 ? 'public.orders' : 'public.carts'],
      })),
      expect: 'silent',
    },
    {
      name: 'a reporting tool turns from one report to another',
      history: reports,
      events: Array.from({ length: 12 }, (_, i) => ({
        at: START + 601 * HOUR_MS + i * MINUTE_MS,
        tables: [`mart.report_${i}`],
      })),
      expect: 'silent',
    },
  ],
});

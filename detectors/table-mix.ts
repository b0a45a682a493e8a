import { z } from 'zod';
import { fleetNames } from '../src/baseline/fleet-names.ts';
import { nameMix } from '../src/baseline/name-mix.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

const SELDOM = ['public.refunds', 'public.vouchers', 'public.returns', 'public.audits'];

/** Three weeks of a service that lives on two tables, and looks into one of four others now and then. */
const service: readonly CaseEvent[] = Array.from({ length: 21 * 40 }, (_, i) => ({
  at: START + Math.floor(i / 40) * DAY_MS + (i % 40) * 12 * MINUTE_MS,
  tables: [i % 100 === 0 ? (SELDOM[(i / 100) % 4] ?? '') : i % 2 === 0 ? 'public.orders' : 'public.carts'],
}));

/** A reporting tool that goes through twelve tables alike. */
const reports: readonly CaseEvent[] = Array.from({ length: 600 }, (_, i) => ({
  at: START + i * HOUR_MS,
  tables: [`mart.report_${(i * 5) % 12}`],
}));

export default defineDetector({
  id: 'table-mix',
  title: 'Tables in other proportions than ever',
  description:
    'Compares how likely the owner is to turn to a table next (its share of all uses) with a stranger, who does as all tokens do (or, while little is known of them, turns to each of `strangerTables` alike); what was among the latest eight uses says little about either. What the owner does all day speaks for the owner; what it does once a week, again and again, adds up. Finds who stays within known tables, and uses them for something else.',
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
    strangerTables: z
      .number()
      .min(17)
      .max(1000)
      .default(24)
      .describe('Tables among which a stranger would not care which one to use.'),
    observationsMin: z
      .number()
      .min(1)
      .max(10_000)
      .default(20)
      .describe('Uses that must be known before there are proportions to speak of.'),
  }),
  remembers: { tables: nameMix({ capacity: 16 }), fleet: fleetNames() },
  bitsMax: 3,

  score({ tables, fleet }, event, { observationsMin, strangerTables }) {
    if (event.tables.length === 0 || tables.observations < observationsMin) return undefined;
    let bits = 0;
    for (const table of event.tables)
      bits += tables.strangeness(table, fleet.share(table, strangerTables), strangerTables);
    // One statement is one piece of evidence, however many tables are in it.
    return bits / event.tables.length;
  },

  learn({ tables }, event) {
    for (const table of event.tables) tables.add(table, event.at);
  },

  evidence({ tables }, event, config) {
    const rarest = event.tables.toSorted(
      (a, b) => tables.probability(a, config.strangerTables) - tables.probability(b, config.strangerTables),
    )[0];
    if (rarest === undefined) return [];
    return [
      {
        what: 'tables hardly ever used',
        observed: [rarest],
        expected: `${(100 * tables.probability(rarest, config.strangerTables)).toFixed(1)} % of uses`,
        sampleSize: Math.round(tables.observations),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'used tables in other proportions than ever';
    const { observed, expected, sampleSize } = evidence;
    return `used tables in other proportions than ever (${observedText(observed)}, usually ${expected}, of ${countText(sampleSize, 'use')})`;
  },

  cases: [
    {
      name: 'a service turns to the tables that it hardly ever looks into',
      history: service,
      events: SELDOM.map((table, i) => ({ at: START + 21 * DAY_MS + i * MINUTE_MS, tables: [table] })),
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

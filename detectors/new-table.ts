import { z } from 'zod';
import { seenSet } from '../src/baseline/seen-set.ts';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

/** Two weeks of a billing job that reads the same three tables every hour of the working day. */
const billing: readonly CaseEvent[] = Array.from({ length: 14 * 8 }, (_, i) => ({
  at: START + Math.floor(i / 8) * DAY_MS + (i % 8) * HOUR_MS,
  tables: [['public.invoices', 'public.customers', 'public.payments'][i % 3] ?? ''],
}));

/** An analyst's tool that touches another table every other query. */
const explorer: readonly CaseEvent[] = Array.from({ length: 240 }, (_, i) => ({
  at: START + i * HOUR_MS,
  tables: [i % 2 === 0 ? `mart.sheet_${i}` : 'mart.orders'],
}));

export default defineDetector({
  id: 'new-table',
  title: 'Tables never touched before',
  description:
    'Compares the share of tables that a stranger would find new (`strangerRate`) with the rate at which this token turns to new tables. A job that has read three tables for months earns many bits for a fourth; a BI tool that meets new tables every day earns none. A table counts as new once: repeats add nothing until the owner is known to use it.',
  status: 'stable',
  severity: 'high',
  dimension: 'what',
  trust: 'reported',
  attack: ['T1213.006', 'T1087'],
  falsePositives: [
    'A deployment that adds tables',
    'A person who is given a new task',
    'A nightly job that runs monthly parts',
  ],
  runbook:
    'Ask the owner whether a release or a new task explains the tables. Look at who else read them: a table that is new for many tokens is a migration.',
  config: z.strictObject({
    strangerRate: z
      .number()
      .min(0.05)
      .max(0.99)
      .default(0.6)
      .describe('Share of the tables a stranger touches that the owner never used.'),
    priorRate: z
      .number()
      .min(0.001)
      .max(0.9)
      .default(0.1)
      .describe('Share of new tables expected of a token about which nothing is known yet.'),
    priorWeight: z.number().min(0.1).max(1000).default(8).describe('How many observations that expectation is worth.'),
  }),
  remembers: { tables: seenSet({ capacity: 32, forgetAfterDays: 100 }) },
  bitsMax: 9,

  score({ tables }, event, config) {
    // The first use ever has no owner to differ from.
    if (event.tables.length === 0 || tables.observations === 0) return undefined;
    const bitsNew = tables.strangeness('new', config);
    const bitsKnown = tables.strangeness('known', config);
    let bits = 0;
    let knownCount = 0;
    for (const table of event.tables) {
      const standing = tables.standing(table, event.at);
      if (standing === 'new') bits += bitsNew;
      else if (standing === 'known') knownCount += 1;
    }
    // One statement over many old tables is one piece of evidence for the owner, not many.
    return knownCount > 0 ? bits + bitsKnown : bits;
  },

  learn({ tables }, event) {
    for (const table of event.tables) tables.add(table, event.at);
  },

  evidence({ tables }, event) {
    const unknown = event.tables.filter((table) => tables.standing(table, event.at) !== 'known');
    return [
      {
        what: 'tables not used before',
        observed: unknown,
        expected: countText(tables.size, 'known table'),
        sampleSize: Math.round(tables.observations),
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
      history: billing,
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
      name: 'another new table of a tool that always explores',
      history: explorer,
      events: [{ at: START + 241 * HOUR_MS, tables: ['mart.sheet_241'] }],
      expect: 'silent',
    },
  ],
});

import { z } from 'zod';
import { latestNames } from '../src/baseline/latest-names.ts';
import { share } from '../src/baseline/share.ts';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { noveltyOptions } from '../src/detect/novelty.ts';
import type { AuditEvent } from '../src/domain/audit-event.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);
const TABLES = ['public.orders', 'public.customers', 'public.payments'] as const;

/** Two weeks of a service that reads what it is asked for. */
const service: readonly CaseEvent[] = Array.from({ length: 14 * 24 }, (_, i) => ({
  at: START + i * HOUR_MS,
  tables: [TABLES[i % 3] ?? ''],
  isUnbounded: false,
  rows: 3,
}));

/** An export that reads whole tables by trade. */
const exporter: readonly CaseEvent[] = service.map((event) => ({ ...event, isUnbounded: true, rows: 40_000 }));

/** Two weeks of a service that reads a small table as a whole now and then. */
const withSettings: readonly CaseEvent[] = service.map((event, i) =>
  i % 50 === 49 ? { ...event, tables: ['public.settings'], isUnbounded: true } : event,
);

export default defineDetector({
  id: 'unbounded-read',
  title: 'Whole tables read',
  description:
    'Compares the share of a stranger’s reads that take all there is of a table (`strangerRate`: no condition and no limit, or into a file) with this token’s own. A service that looks things up by their key has next to none, an export nothing else. Reads of at most `ignoreRows` rows are of small tables, which everybody reads whole; a table that is among the eight read so last adds nothing again, so that what a release reads every hour counts once and going from table to table counts each time. What a statement says is the client’s word: this adds to other findings, and never counts towards a revocation.',
  status: 'stable',
  severity: 'high',
  dimension: 'how',
  trust: 'claimed',
  attack: ['T1213.006', 'T1119'],
  falsePositives: [
    'A release that fills a cache with whole tables',
    'Somebody who looks into tables by hand',
    'A new export',
  ],
  runbook:
    'Ask the owner whether their code reads these tables whole. If nobody’s does, take it for a theft of all that is in them, and see where the rows went.',
  config: z.strictObject({
    ...noveltyOptions({
      strangerRate: 0.6,
      priorRate: 0.1,
      words: {
        strangerRate: 'Share of a stranger’s reads that take whole tables.',
        priorRate: 'Share of such reads expected of a token about which nothing is known yet.',
      },
    }),
    ignoreRows: z
      .number()
      .int()
      .min(0)
      .max(1e9)
      .default(100)
      .describe('A read of at most so many rows is of a small table, and counts as bounded.'),
  }),
  remembers: { reads: share(), latest: latestNames() },
  bitsMax: 3,

  score({ reads, latest }, event, config) {
    if (!isRead(event) || reads.occasions === 0) return undefined;
    if (!takesAll(event, config.ignoreRows)) return reads.strangeness(false, config);
    return latest.has(nameOf(event)) ? undefined : Math.max(0, reads.strangeness(true, config));
  },

  learn({ reads, latest }, event, { ignoreRows }) {
    if (!isRead(event)) return;
    const isWhole = takesAll(event, ignoreRows);
    reads.add(isWhole);
    if (isWhole) latest.add(nameOf(event));
  },

  evidence({ reads }, event, { ignoreRows }) {
    const percent = reads.occasions === 0 ? 0 : (100 * reads.times) / reads.occasions;
    return [
      {
        what: 'tables read whole',
        observed: takesAll(event, ignoreRows) ? event.tables : [],
        expected: `${percent.toFixed(1)} % of reads`,
        sampleSize: Math.round(reads.occasions),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'read whole tables';
    const { observed, expected, sampleSize } = evidence;
    return `read whole tables, without a condition or a limit (${observedText(observed)}); so far ${expected} were like that (${countText(sampleSize, 'read')} known)`;
  },

  cases: [
    {
      name: 'a service reads one table after the other',
      history: service,
      events: TABLES.map((table, i) => ({
        at: START + 15 * DAY_MS + i * 1000,
        tables: [table],
        isUnbounded: true,
        rows: 20_000,
      })),
      expect: 'fires',
    },
    {
      name: 'an export reads another table',
      history: exporter,
      events: [{ at: START + 15 * DAY_MS, tables: ['public.stock'], isUnbounded: true, rows: 90_000 }],
      expect: 'silent',
    },
    {
      name: 'a service reads another small table',
      history: withSettings,
      events: [{ at: START + 15 * DAY_MS, tables: ['public.currencies'], isUnbounded: true, rows: 90 }],
      expect: 'silent',
    },
  ],
});

/** A statement that names no table reads from functions, which have no bounds to leave out. */
function isRead({ isUnbounded, tables }: AuditEvent): boolean {
  return isUnbounded !== null && tables.length > 0;
}

/** Where the source does not say how many rows there were, the statement alone speaks. */
function takesAll({ isUnbounded, rows }: AuditEvent, ignoreRows: number): boolean {
  return isUnbounded === true && (rows === null || rows > ignoreRows);
}

function nameOf({ tables }: AuditEvent): string {
  return tables[0] ?? '';
}

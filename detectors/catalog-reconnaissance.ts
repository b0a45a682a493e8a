import { z } from 'zod';
import { kindSet } from '../src/baseline/kind-set.ts';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { noveltyOptions } from '../src/detect/novelty.ts';
import type { AuditEvent } from '../src/domain/audit-event.ts';
import { type CatalogueKind, catalogueKindOf } from '../src/domain/catalogue.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);
/** What it does all day, what drivers read of the catalogue among it. */
const OWN_WORK = 0;
const KIND_OF: Readonly<Record<CatalogueKind, number>> = { types: OWN_WORK, structure: 1, accounts: 2, server: 3 };
/** The others. */
const ASKED_FOR = Object.values(KIND_OF).filter((kind) => kind !== OWN_WORK);
const KINDS = ['its own work', 'what there is', 'who may do what', 'what runs'] as const;

/** Two weeks of a service whose driver reads the types once a day. */
const service: readonly CaseEvent[] = Array.from({ length: 14 * 24 }, (_, i) => ({
  at: START + i * HOUR_MS,
  tables: [i % 24 === 0 ? 'pg_catalog.pg_type' : 'public.orders'],
}));

/** A tool in which people see what tables there are. */
const browser: readonly CaseEvent[] = Array.from({ length: 14 * 24 }, (_, i) => ({
  at: START + i * HOUR_MS,
  tables: [['information_schema.columns', 'information_schema.tables', 'public.orders'][i % 3] ?? ''],
}));

export default defineDetector({
  id: 'catalog-reconnaissance',
  title: 'Looking around in the catalogue',
  description:
    'Sorts what is read of the database’s own catalogue (`information_schema`, `pg_catalog`, `sys`, `mysql`, `system` and the like) into what there is, who may do what, and what runs, and compares the chance that a stranger asks for what the owner never asked for (`strangerRate`) with the rate at which this token begins to. Tools that show schemas and poolers that read passwords do so all the time, and earn nothing; types and columns, which drivers ask for, never count. A kind counts as new once: repeats, and other tables of it, add nothing until the owner is known to ask for it, from the second day on.',
  status: 'stable',
  severity: 'high',
  dimension: 'what',
  trust: 'reported',
  attack: ['T1087', 'T1069', 'T1082'],
  falsePositives: [
    'A migration tool or mapper that reads the schema since a release',
    'Somebody who begins to use a tool that shows the schema, or to watch the server',
  ],
  runbook:
    'See what was asked for: roles, rights and passwords point to somebody who wants more than this token may do. Then look at what was read next.',
  config: z.strictObject(
    noveltyOptions({
      strangerRate: 0.3,
      priorRate: 0.1,
      words: {
        strangerRate: 'Chance that a stranger’s statement asks for a kind of thing that the owner never asked for.',
        priorRate: 'Chance of a new kind per statement for a token about which nothing is known yet.',
      },
    }),
  ),
  remembers: { asked: kindSet({ kinds: KINDS, forgetAfterDays: 100 }) },
  bitsMax: 9,

  score({ asked }, { tables }, rates) {
    if (tables.length === 0 || asked.observations === 0) return undefined;
    const kinds = kindsIn(tables);
    // Of which nearly all statements have none. Any that is new is as strange as another.
    if (kinds === 0) return undefined;
    const isNew = ASKED_FOR.some((kind) => has(kinds, kind) && asked.standing(kind) === 'new');
    return isNew ? asked.strangeness(rates) : undefined;
  },

  learn({ asked }, { tables, at }) {
    if (tables.length === 0) return;
    const kinds = kindsIn(tables);
    if (kinds === 0) asked.add(OWN_WORK, at);
    else for (const kind of ASKED_FOR) if (has(kinds, kind)) asked.add(kind, at);
  },

  evidence({ asked }, { tables }) {
    const known = asked.knownKinds().filter((kind) => kind !== OWN_WORK);
    return [
      {
        what: 'catalogue read for the first time',
        observed: tables.filter((table) => {
          const kinds = kindsIn([table]);
          return ASKED_FOR.some((kind) => has(kinds, kind) && asked.standing(kind) !== 'known');
        }),
        expected: known.length === 0 ? 'nothing of the kind' : `only ${known.map((kind) => KINDS[kind]).join(', ')}`,
        sampleSize: Math.round(asked.observations),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'looked around in the database’s catalogue';
    const { observed, expected, sampleSize } = evidence;
    return `looked around in the database’s catalogue (${observedText(observed)}); so far it asked for ${expected}, in ${countText(sampleSize, 'statement')}`;
  },

  cases: [
    {
      name: 'a service asks for tables and roles',
      history: service,
      events: ['information_schema.tables', 'pg_catalog.pg_roles'].map((table, i) => ({
        at: START + 14 * DAY_MS + i * 1000,
        tables: [table],
      })),
      expect: 'fires',
    },
    {
      name: 'a tool that shows tables asks for passwords',
      history: browser,
      events: [{ at: START + 14 * DAY_MS, tables: ['pg_catalog.pg_shadow'] }],
      expect: 'fires',
    },
    {
      name: 'a tool that shows tables asks for what runs, and for tables after it in one statement',
      history: browser,
      events: [{ at: START + 14 * DAY_MS, tables: ['pg_stat_activity', 'information_schema.tables'] }],
      expect: 'fires',
    },
    {
      name: 'a tool that has always asked for both in one statement asks for one of them',
      history: browser.map((event, i) => ({
        ...event,
        tables: i % 24 === 0 ? ['pg_stat_activity', 'information_schema.tables', 'pg_roles'] : (event.tables ?? []),
      })),
      events: [
        { at: START + 14 * DAY_MS, tables: ['pg_stat_activity'] },
        { at: START + 14 * DAY_MS + 1000, tables: ['pg_roles'] },
      ],
      expect: 'silent',
    },
    {
      name: 'a new driver asks for types and columns',
      history: service,
      events: ['pg_catalog.pg_enum', 'pg_catalog.pg_attribute', 'pg_range'].map((table, i) => ({
        at: START + 14 * DAY_MS + i * 1000,
        tables: [table],
      })),
      expect: 'silent',
    },
    {
      name: 'a tool that shows tables shows views',
      history: browser,
      events: [{ at: START + 14 * DAY_MS, tables: ['information_schema.views'] }],
      expect: 'silent',
    },
  ],
});

/** What a statement is after, a bit a kind; 0: its own work. */
function kindsIn(tables: AuditEvent['tables']): number {
  let kinds = 0;
  for (const table of tables) {
    const kind = catalogueKindOf(table);
    if (kind !== null && KIND_OF[kind] !== OWN_WORK) kinds |= 1 << KIND_OF[kind];
  }
  return kinds;
}

function has(kinds: number, kind: number): boolean {
  return ((kinds >> kind) & 1) === 1;
}

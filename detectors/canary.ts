import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import type { AuditEvent } from '../src/domain/audit-event.ts';
import { PatternList } from '../src/domain/pattern.ts';
import { observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);
const CANARIES_MAX = 1000;

interface Canaries {
  readonly tables: PatternList;
  readonly tokens: PatternList;
}

const service: readonly CaseEvent[] = Array.from({ length: 20 }, (_, i) => ({
  at: START + i * HOUR_MS,
  tables: ['public.orders'],
}));

/** @param written a pattern as it is compared */
function patterns(description: string, written: (pattern: string) => string = (pattern) => pattern) {
  return z
    .array(z.string().min(1).max(512))
    .max(CANARIES_MAX)
    .default([])
    .transform((list) => new PatternList(list.map(written)))
    .describe(description);
}

export default defineDetector({
  id: 'canary',
  title: 'Canary touched',
  description:
    'Names the tables and tokens that exist only to be found by thieves, and that nobody has any business with: a table of made-up customers, a credential left in a repository on purpose. Whoever touches one is told of at once, whatever the alarm budget and however little is known of the token, and may be revoked for that alone. A refused statement counts as well, a failed login does not: anyone can fail in somebody’s name.',
  status: 'stable',
  severity: 'critical',
  dimension: 'what',
  trust: 'reported',
  attack: ['T1213.006', 'T1078'],
  falsePositives: [
    'A backup, a dump or a catalogue that goes through all tables: leave its token out by a rule, or the canary out of what it reads',
    'Whoever plants canaries and looks whether they are there',
  ],
  runbook:
    'Take it for a theft. See from where the token was used and what else it read in the same session, and where it could have leaked.',
  config: z.strictObject({
    tables: patterns(
      'Tables that nobody has any business with, as the audit log names them, in capitals or not, with their schema if it says one; `*` stands for any text.',
      // As those of events are.
      (table) => table.toLowerCase(),
    ),
    tokens: patterns(
      'Tokens that nobody has any business using, by their ids as alerts show them: capitals matter, the `namespace` of a source stands before them (`name/token`), and what a source’s `fingerprintTokens` replaces is `fp:` with its fingerprint; `*` stands for any text.',
    ),
  }),
  remembers: {},
  isCertain: true,
  bitsMax: 8,

  score(_fields, event, canaries) {
    return touched(event, canaries).length > 0 ? 8 : undefined;
  },

  learn() {
    // There is nothing to get used to.
  },

  evidence(_fields, event, canaries) {
    return [{ what: 'canaries touched', observed: touched(event, canaries), expected: 'never', sampleSize: 0 }];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'touched a canary';
    return `touched what nobody has any business with (canary ${observedText(evidence.observed)})`;
  },

  cases: [
    {
      name: 'the table of made-up customers is read',
      config: { tables: ['public.vip_customers'] },
      history: service,
      events: [{ at: START + DAY_MS, tables: ['public.orders', 'public.vip_customers'] }],
      expect: 'fires',
    },
    {
      name: 'a table that was declared in capitals is read',
      config: { tables: ['public.VIP_Customers', 'HR.*'] },
      history: service,
      events: [{ at: START + DAY_MS, tables: ['public.vip_customers'] }],
      expect: 'fires',
    },
    {
      name: 'a token that was left in a repository on purpose is used for the first time',
      config: { tokens: ['ca*'] },
      history: [],
      events: [{ at: START, operation: 'connect', success: true }],
      expect: 'fires',
    },
    {
      name: 'somebody fails to log in with it',
      config: { tokens: ['ca*'] },
      history: [],
      events: [{ at: START, operation: 'connect', success: false }],
      expect: 'silent',
    },
    {
      name: 'a table of a like name is read',
      config: { tables: ['public.vip_customers'] },
      history: service,
      events: [{ at: START + DAY_MS, tables: ['public.vip_customers_v2'] }],
      expect: 'silent',
    },
  ],
});

const NONE: readonly string[] = [];

function touched(event: AuditEvent, { tables, tokens }: Canaries): readonly string[] {
  // Asked of every event, of which most installations have none to find.
  if (tables.size === 0 && tokens.size === 0) return NONE;
  const found = event.tables.filter((table) => tables.matches(table));
  return tokens.matches(event.token) ? [...found, `the token ${event.token}`] : found;
}

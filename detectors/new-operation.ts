import { z } from 'zod';
import { kindSet } from '../src/baseline/kind-set.ts';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { noveltyOptions } from '../src/detect/novelty.ts';
import type { Operation } from '../src/domain/audit-event.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

/** What a token does, as far as it matters who does it: a reader that updates also inserts. */
const KINDS = ['reading', 'writing', 'changing the schema', 'granting', 'copying'] as const;
const KIND_OF: ReadonlyMap<Operation, number> = new Map([
  ['select', 0],
  ['insert', 1],
  ['update', 1],
  ['delete', 1],
  ['merge', 1],
  ['truncate', 1],
  ['create', 2],
  ['alter', 2],
  ['drop', 2],
  ['grant', 3],
  ['revoke', 3],
  ['copy', 4],
]);

/** Two weeks of a dashboard that only reads. */
const dashboard: readonly CaseEvent[] = Array.from({ length: 14 * 24 }, (_, i) => ({
  at: START + i * HOUR_MS,
  operation: 'select',
}));

/** A service that reads mostly, and writes now and then. */
const service: readonly CaseEvent[] = Array.from({ length: 14 * 24 }, (_, i) => ({
  at: START + i * HOUR_MS,
  operation: i % 30 === 29 ? 'insert' : 'select',
}));

/** The rare is no news to whoever does it, and neither is its second half. @returns index into `KINDS`; `undefined` for logins, settings and the like */
function kindOf(operation: Operation | null): number | undefined {
  // Nearly always: told without a look-up.
  if (operation === 'select') return 0;
  return operation === null ? undefined : KIND_OF.get(operation);
}

export default defineDetector({
  id: 'new-operation',
  title: 'Kind of operation never done before',
  description:
    'Sorts what is done into five kinds (reading, writing, changing the schema, granting, copying) and compares the chance that a stranger does what the owner never did (`strangerRate`) with the rate at which this token takes to new kinds. A token does the same two or three for years, so a reader that creates a table or grants a right is strange whatever it names. A kind counts as new once: repeats add nothing until the owner is known to do it, from the second day on, and it is forgotten after 100 days on which only others were done.',
  status: 'stable',
  severity: 'high',
  dimension: 'how',
  trust: 'reported',
  attack: ['T1098', 'T1074', 'T1565.001'],
  falsePositives: [
    'A release by which a reading service begins to write',
    'A migration or a repair that somebody runs with a service’s token',
  ],
  runbook:
    'Ask the owner whether the token should be able to do this at all; if not, take the right away whatever this use was. Look for tables made, rights granted and roles changed since then: they outlive the token.',
  config: z.strictObject(
    noveltyOptions({
      strangerRate: 0.4,
      priorRate: 0.1,
      words: {
        strangerRate: 'Chance that a stranger does something of a kind that the owner never did.',
        priorRate: 'Chance of a new kind per event for a token about which nothing is known yet.',
      },
    }),
  ),
  remembers: { done: kindSet({ kinds: KINDS, forgetAfterDays: 100 }) },
  bitsMax: 9,

  score({ done }, { operation }, rates) {
    const kind = kindOf(operation);
    if (kind === undefined || done.observations === 0) return undefined;
    return done.standing(kind) === 'new' ? done.strangeness(rates) : undefined;
  },

  learn({ done }, { operation, at }) {
    const kind = kindOf(operation);
    if (kind !== undefined) done.add(kind, at);
  },

  evidence({ done }, { operation }) {
    const kind = kindOf(operation);
    return [
      {
        what: 'operation of a kind never done before',
        observed: operation === null || kind === undefined || done.standing(kind) === 'known' ? [] : [operation],
        expected: `only ${observedText(done.knownKinds().map((known) => KINDS[known] as string))}`,
        sampleSize: Math.round(done.observations),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'did something of a kind that it had never done';
    const { observed, expected, sampleSize } = evidence;
    return `did what it had never done (${observedText(observed)}); so far it was ${expected}, in ${countText(sampleSize, 'event')}`;
  },

  cases: [
    {
      name: 'a dashboard grants a right',
      history: dashboard,
      events: [{ at: START + 15 * DAY_MS, operation: 'grant' }],
      expect: 'fires',
    },
    {
      name: 'a dashboard makes a table and fills it',
      history: dashboard,
      events: [
        { at: START + 15 * DAY_MS, operation: 'create' },
        { at: START + 15 * DAY_MS + 1000, operation: 'insert' },
      ],
      expect: 'fires',
    },
    {
      name: 'a service that writes seldom writes something else',
      history: service,
      events: [{ at: START + 15 * DAY_MS, operation: 'delete' }],
      expect: 'silent',
    },
    {
      name: 'a dashboard logs in and sets something',
      history: dashboard,
      events: [
        { at: START + 15 * DAY_MS, operation: 'connect' },
        { at: START + 15 * DAY_MS + 1000, operation: 'set' },
      ],
      expect: 'silent',
    },
  ],
});

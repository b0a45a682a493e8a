import { z } from 'zod';
import { nameMix } from '../src/baseline/name-mix.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

/** Two weeks of a service that reads, and writes every tenth time. */
const reader: readonly CaseEvent[] = Array.from({ length: 14 * 40 }, (_, i) => ({
  at: START + Math.floor(i / 40) * DAY_MS + (i % 40) * 12 * MINUTE_MS,
  operation: i % 10 === 0 ? 'update' : 'select',
}));

/** A migration tool that does everything. */
const migrations: readonly CaseEvent[] = Array.from({ length: 600 }, (_, i) => ({
  at: START + i * HOUR_MS,
  operation: (['create', 'alter', 'drop', 'insert', 'select', 'grant'] as const)[(i * 5) % 6] ?? null,
}));

export default defineDetector({
  id: 'operation-mix',
  title: 'Operations in other proportions than ever',
  description:
    'Compares how likely the owner is to do this next (its share of all operations: select, insert, grant, copy, …) with a stranger, who does each of `strangerOperations` alike; what was among the latest eight says little about either. A token that only ever read and now writes, changes the schema or hands out rights is found, and one that turns from writing to reading.',
  status: 'stable',
  severity: 'medium',
  dimension: 'how',
  trust: 'reported',
  attack: ['T1098', 'T1565.001', 'T1485'],
  falsePositives: [
    'A release that begins to write',
    'A migration under a service’s own token',
    'Somebody who mends data by hand',
  ],
  runbook:
    'See what the statements changed and whether it can be undone. Ask the owner whether a release or a migration was planned; rights that were granted have to be looked at whoever it was.',
  config: z.strictObject({
    strangerOperations: z
      .number()
      .min(9)
      .max(20)
      .default(9)
      .describe('Operations among which a stranger would not care which one to use.'),
    observationsMin: z
      .number()
      .min(1)
      .max(10_000)
      .default(20)
      .describe('Uses that must be known before there are proportions to speak of.'),
  }),
  remembers: { operations: nameMix({ capacity: 8 }) },
  bitsMax: 3,

  score({ operations }, event, config) {
    if (event.operation === null || operations.observations < config.observationsMin) return undefined;
    return operations.strangeness(event.operation, config.strangerOperations);
  },

  learn({ operations }, event) {
    if (event.operation !== null) operations.add(event.operation, event.at);
  },

  evidence({ operations }, event, config) {
    if (event.operation === null) return [];
    const share = operations.probability(event.operation, config.strangerOperations);
    return [
      {
        what: 'operations hardly ever used',
        observed: [event.operation],
        expected: `${(100 * share).toFixed(1)} % of uses`,
        sampleSize: Math.round(operations.observations),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'did other things than ever';
    const { observed, expected, sampleSize } = evidence;
    return `did what it hardly ever does (${observedText(observed)}, usually ${expected}, of ${countText(sampleSize, 'use')})`;
  },

  cases: [
    {
      name: 'a service that reads begins to change the schema and to hand out rights',
      history: reader,
      events: (['create', 'grant', 'drop', 'alter'] as const).map((operation, i) => ({
        at: START + 14 * DAY_MS + i * MINUTE_MS,
        operation,
      })),
      expect: 'fires',
    },
    {
      name: 'the same service reads and writes as always',
      history: reader,
      events: Array.from({ length: 40 }, (_, i) => ({
        at: START + 14 * DAY_MS + i * MINUTE_MS,
        operation: i % 10 === 0 ? 'update' : 'select',
      })),
      expect: 'silent',
    },
    {
      name: 'a migration tool does one thing after the other',
      history: migrations,
      events: (['grant', 'alter', 'create', 'drop', 'insert', 'select'] as const).map((operation, i) => ({
        at: START + 600 * HOUR_MS + i * MINUTE_MS,
        operation,
      })),
      expect: 'silent',
    },
  ],
});

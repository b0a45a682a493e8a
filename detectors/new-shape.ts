import { z } from 'zod';
import { seenSet } from '../src/baseline/seen-set.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { ifNotKnown, noveltyOptions } from '../src/detect/novelty.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);
const STATEMENT_CHARS_MAX = 120;
const SHAPE_CHARS_MAX = 400;

/** Two weeks of a service with the four statements that its code has. */
const service: readonly CaseEvent[] = Array.from({ length: 14 * 32 }, (_, i) => ({
  at: START + Math.floor(i / 32) * DAY_MS + (i % 32) * 15 * MINUTE_MS,
  shape: `own-${i % 4}`,
  statement: 'SELECT * FROM orders WHERE id = ?',
}));

/** Somebody who hardly writes the same statement twice. */
const analyst: readonly CaseEvent[] = Array.from({ length: 200 }, (_, i) => ({
  at: START + i * 3 * HOUR_MS,
  shape: i % 3 === 0 ? 'now' : `query-${i}`,
}));

export default defineDetector({
  id: 'new-shape',
  title: 'Statement never made before',
  description:
    'Compares the chance that a stranger’s statement has a shape the owner’s never had (`strangerRate`) with the rate at which this token makes new ones. A shape is the statement without its literals, parameters, capitals, numbers and the names of its tables (a new table is told by itself), so a program has as many as its code, for months; whoever types has new ones all the time, and earns no bits. What a statement says is the client’s word, and whoever can inject one into a service can make it odd: this adds to other findings, and never counts towards a revocation.',
  status: 'stable',
  severity: 'medium',
  dimension: 'how',
  trust: 'claimed',
  attack: ['T1213.006', 'T1059'],
  falsePositives: ['A release of the service', 'A query builder that writes the same thing in many ways'],
  runbook:
    'Ask the owner whether their code has this statement. A service that begins to read tables without a condition is being emptied, by whoever it is; if the network is its own, look for an injection.',
  config: z.strictObject(
    noveltyOptions({
      strangerRate: 0.8,
      priorRate: 0.15,
      words: {
        strangerRate: 'Chance that a stranger’s statement has a shape the owner’s never had.',
        priorRate: 'Chance of a new shape per event for a token about which nothing is known yet.',
      },
    }),
  ),
  remembers: { shapes: seenSet({ capacity: 20, forgetAfterDays: 100 }) },
  bitsMax: 9,

  score({ shapes }, event, config) {
    return event.shape === null ? undefined : shapes.novelty(event.shape, config);
  },

  learn({ shapes }, event) {
    if (event.shape !== null) shapes.add(event.shape, event.at);
  },

  evidence({ shapes }, event) {
    return [
      {
        what: 'statement not made before',
        observed: event.statement === null ? [] : [event.statement.slice(0, STATEMENT_CHARS_MAX)],
        expected: countText(shapes.size, 'known statement'),
        sampleSize: Math.round(shapes.observations),
        newNames: ifNotKnown(shapes, event.shape).map(nameOf),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'made a statement that it had not made before';
    const { observed, expected, sampleSize } = evidence;
    return `made statements that it had not made before (${observedText(observed)}); it has ${expected} in ${countText(sampleSize, 'event')}`;
  },

  cases: [
    {
      name: 'a service reads a whole table',
      history: service,
      events: [{ at: START + 14 * DAY_MS, shape: 'whole', statement: 'SELECT * FROM orders' }],
      expect: 'fires',
    },
    {
      name: 'the service does what its code does',
      history: service,
      events: [{ at: START + 14 * DAY_MS, shape: 'own-2' }],
      expect: 'silent',
    },
    {
      name: 'somebody who types types something else',
      history: analyst,
      events: [{ at: START + 601 * HOUR_MS, shape: 'query-201' }],
      expect: 'silent',
    },
  ],
});

/** Long ones are no longer told apart by all that they say. */
function nameOf(shape: string): string {
  return shape.length <= SHAPE_CHARS_MAX ? shape : `${shape.slice(0, SHAPE_CHARS_MAX)}… (${shape.length} characters)`;
}

import { z } from 'zod';
import { seenSet } from '../src/baseline/seen-set.ts';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { ifNotKnown, noveltyOptions } from '../src/detect/novelty.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

/** Two weeks of a service in one database. */
const shop: readonly CaseEvent[] = Array.from({ length: 14 * 8 }, (_, i) => ({
  at: START + Math.floor(i / 8) * DAY_MS + (i % 8) * HOUR_MS,
  database: 'shop',
}));

/** A backup tool that goes through all databases there are, and there are more every week. */
const backup: readonly CaseEvent[] = Array.from({ length: 200 }, (_, i) => ({
  at: START + i * 3 * HOUR_MS,
  database: `tenant_${i % 2 === 0 ? i : i % 7}`,
}));

export default defineDetector({
  id: 'new-database',
  title: 'Database never used before',
  description:
    'Compares the chance that a stranger turns to a database which the owner never used (`strangerRate`) with the rate at which this token turns to new ones. Most tokens live in one database for years, so a second one is the strongest sign there is that somebody looks around; a backup tool that meets new ones all the time earns no bits. A database counts as new once: repeats add nothing until the owner is known to use it.',
  status: 'stable',
  severity: 'high',
  dimension: 'what',
  trust: 'reported',
  attack: ['T1213.006', 'T1087'],
  falsePositives: ['A service that is moved to another database', 'A new tenant of a tool that serves them all'],
  runbook:
    'Ask the owner whether the token has any business in that database. If it should not even be able to connect, take the right away whatever this use was.',
  config: z.strictObject(
    noveltyOptions({
      strangerRate: 0.6,
      priorRate: 0.1,
      words: {
        strangerRate: 'Chance that a stranger turns to a database the owner never used.',
        priorRate: 'Chance of a new database per event for a token about which nothing is known yet.',
      },
    }),
  ),
  remembers: { databases: seenSet({ capacity: 6, forgetAfterDays: 100 }) },
  bitsMax: 9,

  score({ databases }, event, config) {
    return event.database === null ? undefined : databases.novelty(event.database, config);
  },

  learn({ databases }, event) {
    if (event.database !== null) databases.add(event.database, event.at);
  },

  evidence({ databases }, event) {
    return [
      {
        what: 'database not used before',
        observed: event.database === null ? [] : [event.database],
        expected: countText(databases.size, 'known database'),
        sampleSize: Math.round(databases.observations),
        newNames: ifNotKnown(databases, event.database),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'turned to a database that it had not used before';
    const { observed, expected, sampleSize } = evidence;
    return `turned to a database that it had not used before (${observedText(observed)}); it has ${expected} in ${countText(sampleSize, 'event')}`;
  },

  cases: [
    {
      name: 'a shop’s service reads the payroll',
      history: shop,
      events: [{ at: START + 14 * DAY_MS, database: 'payroll' }],
      expect: 'fires',
    },
    {
      name: 'the same service stays where it is',
      history: shop,
      events: [{ at: START + 14 * DAY_MS, database: 'shop' }],
      expect: 'silent',
    },
    {
      name: 'a backup tool takes in one more tenant',
      history: backup,
      events: [{ at: START + 601 * HOUR_MS, database: 'tenant_200' }],
      expect: 'silent',
    },
  ],
});

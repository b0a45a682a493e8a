import { z } from 'zod';
import { seenSet } from '../src/baseline/seen-set.ts';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { ifNotKnown, noveltyOptions } from '../src/detect/novelty.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

/** Two weeks of a service with one driver, which is brought up to date in the middle. */
const service: readonly CaseEvent[] = Array.from({ length: 14 * 8 }, (_, i) => ({
  at: START + Math.floor(i / 8) * DAY_MS + (i % 8) * HOUR_MS,
  application: i < 56 ? 'node-postgres/8.11.3' : 'node-postgres/8.12.0',
}));

/** A person who tries everything that connects to a database. */
const tinkerer: readonly CaseEvent[] = Array.from({ length: 200 }, (_, i) => ({
  at: START + i * 3 * HOUR_MS,
  application: i % 2 === 0 ? `script-${'abcdefghijklmnopqrstuvwxyz'[i % 26]}${'abcdefghij'[i % 10]}` : 'psql',
}));

export default defineDetector({
  id: 'new-client',
  title: 'Client never used before',
  description:
    'Compares the chance that a stranger connects with a program which the owner never used (`strangerRate`) with the rate at which this token does. A program is its name without the version, so an upgrade is no news. The client says its name itself: a careful thief claims the right one, so this adds to other findings, and never counts towards a revocation.',
  status: 'stable',
  severity: 'medium',
  dimension: 'how',
  trust: 'claimed',
  attack: ['T1078', 'T1059'],
  falsePositives: ['A service that is moved to another driver', 'A person with a new tool'],
  runbook:
    'Ask the owner whether the program is theirs. Scripting tools under a service’s token (curl, python-requests, psql) are a person at work, whoever that is.',
  config: z.strictObject(
    noveltyOptions({
      strangerRate: 0.7,
      priorRate: 0.1,
      words: {
        strangerRate: 'Chance that a stranger connects with a program the owner never used.',
        priorRate: 'Chance of a new program per event for a token about which nothing is known yet.',
      },
    }),
  ),
  remembers: { clients: seenSet({ capacity: 6, forgetAfterDays: 100 }) },
  bitsMax: 9,

  score({ clients }, event, config) {
    const client = clientOf(event.application);
    return client === null ? undefined : clients.novelty(client, config);
  },

  learn({ clients }, event) {
    const client = clientOf(event.application);
    if (client !== null) clients.add(client, event.at);
  },

  evidence({ clients }, event) {
    return [
      {
        what: 'client not used before',
        observed: event.application === null ? [] : [event.application],
        expected: countText(clients.size, 'known client'),
        sampleSize: Math.round(clients.observations),
        newNames: ifNotKnown(clients, clientOf(event.application)),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'came with a client that it had not used before';
    const { observed, expected, sampleSize } = evidence;
    return `came with a client that it had not used before (${observedText(observed)}); it has ${expected} in ${countText(sampleSize, 'event')}`;
  },

  cases: [
    {
      name: 'a service’s token is used by a script',
      history: service,
      events: [{ at: START + 14 * DAY_MS, application: 'python-requests/2.32' }],
      expect: 'fires',
    },
    {
      name: 'the driver is brought up to date',
      history: service,
      events: [{ at: START + 14 * DAY_MS, application: 'node-postgres/9.0.0' }],
      expect: 'silent',
    },
    {
      name: 'somebody who tries everything tries one thing more',
      history: tinkerer,
      events: [{ at: START + 601 * HOUR_MS, application: 'dbeaver 24' }],
      expect: 'silent',
    },
  ],
});

const CLIENTS_MAX = 1000;
/** Names found lately: there are a few dozen, and each event has one. */
const clients = new Map<string, string | null>();

/** The program's name without its version: letters, hyphens and underscores from its beginning. */
function clientOf(application: string | null): string | null {
  if (application === null) return null;
  const known = clients.get(application);
  if (known !== undefined) return known;
  const name = /^[\p{L}_-]+/u.exec(application)?.[0] ?? null;
  if (clients.size >= CLIENTS_MAX) clients.clear();
  clients.set(application, name);
  return name;
}

import { z } from 'zod';
import { alternation } from '../src/baseline/alternation.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import type { AuditEvent } from '../src/domain/audit-event.ts';
import { originOf } from '../src/domain/origin.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

const cluster = { network: '10.1.2.0/24' } as const;
const hoster = { network: '203.0.113.0/24', asn: 64_511 } as const;

/** Ten working days of a service in two networks of one cluster. */
const service: readonly CaseEvent[] = Array.from({ length: 10 * 48 }, (_, i) => ({
  at: START + Math.floor(i / 48) * DAY_MS + (i % 48) * 10 * MINUTE_MS,
  network: i % 3 === 0 ? '10.1.3.0/24' : cluster.network,
}));

/** A person whose tools run on a laptop and at a hoster, at the same time. */
const everywhere: readonly CaseEvent[] = service.map((event, i) => ({ ...event, ...(i % 2 === 0 ? hoster : cluster) }));

/** What was usual of whoever was never in use at two. */
const ONE_AT_A_TIME = 'one place at a time';

export default defineDetector({
  id: 'cloned-token',
  title: 'In use at two places at once',
  description:
    'Looks at uses that go back and forth between two places within half an hour: autonomous systems (by the address database), one’s own private addresses, or else networks. An owner who moves is at the new place and leaves the old one; a copy in somebody else’s hands is used at one while the owner goes on at the other. Compares how often the next use returns to the other place when there are two users (`strangerRate`) with how often this token did so while two places were in use.',
  status: 'stable',
  severity: 'high',
  dimension: 'where',
  trust: 'reported',
  attack: ['T1078.004', 'T1550.001'],
  falsePositives: [
    'A service that is moved to another cloud instance by instance',
    'A person on a VPN that splits connections',
    'A shared credential: give each user a token of its own',
  ],
  runbook:
    'Ask the owner whether the token runs at both places. If not, one of the two is a copy: revoke it, and look where the secret is stored at the place that is the owner’s.',
  config: z.strictObject({
    strangerRate: z
      .number()
      .min(0.05)
      .max(0.9)
      .default(0.3)
      .describe('Chance that the next use is at the other place, when two users share the token.'),
    priorRate: z
      .number()
      .min(0.001)
      .max(0.5)
      .default(0.05)
      .describe('The same chance for an owner about whom nothing is known yet.'),
    priorWeight: z.number().min(1).max(1000).default(20).describe('How many uses that expectation is worth.'),
  }),
  remembers: { places: alternation() },
  bitsMax: 3,

  score({ places }, event, { strangerRate, priorRate, priorWeight }) {
    // Nearly always.
    if (!places.isDivided(event.at)) return undefined;
    const place = placeOf(event);
    if (place === null) return undefined;
    const step = places.step(place, event.at);
    if (step === 'alone' || step === 'arrives') return undefined;
    const own = places.returnRate(priorRate, priorWeight);
    return step === 'returns' ? Math.log2(strangerRate / own) : Math.log2((1 - strangerRate) / (1 - own));
  },

  learn({ places }, event) {
    const place = placeOf(event);
    if (place !== null) places.add(place, event.at);
  },

  evidence({ places }, event, { priorRate, priorWeight }) {
    const place = placeOf(event);
    if (place === null) return [];
    const sampleSize = Math.round(places.observations);
    const percent = (100 * places.returnRate(priorRate, priorWeight)).toFixed(0);
    return [
      {
        what: 'went back to a place while another was in use',
        observed: [event.asn === null ? (event.network ?? place) : `AS${event.asn}`],
        expected: sampleSize === 0 ? ONE_AT_A_TIME : `${percent} % of such uses`,
        sampleSize,
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'was in use at two places at once';
    const { observed, expected, sampleSize } = evidence;
    const usual =
      expected === ONE_AT_A_TIME
        ? 'before, it never was'
        : `usual are ${expected} (${countText(sampleSize, 'such use')} known)`;
    return `was in use at two places at once, going back and forth (${observedText(observed)}); ${usual}`;
  },

  cases: [
    {
      name: 'a service goes on in its cluster while somebody at a hoster does the same',
      history: service,
      events: Array.from({ length: 8 }, (_, i) => ({
        at: START + 10 * DAY_MS + i * MINUTE_MS,
        ...(i % 2 === 0 ? cluster : hoster),
      })),
      expect: 'fires',
    },
    {
      name: 'a service moves to a hoster, and is gone from where it was',
      history: service,
      events: Array.from({ length: 8 }, (_, i) => ({
        at: START + 10 * DAY_MS + i * MINUTE_MS,
        ...(i < 3 ? cluster : hoster),
      })),
      expect: 'silent',
    },
    {
      name: 'two networks of one’s own are one place',
      history: service,
      events: Array.from({ length: 8 }, (_, i) => ({
        at: START + 10 * DAY_MS + i * MINUTE_MS,
        network: i % 2 === 0 ? '10.1.2.0/24' : '10.9.9.0/24',
      })),
      expect: 'silent',
    },
    {
      name: 'a person who was always at two places is there again',
      history: everywhere,
      events: Array.from({ length: 8 }, (_, i) => ({
        at: START + 10 * DAY_MS + i * HOUR_MS * 0.1,
        ...(i % 2 === 0 ? cluster : hoster),
      })),
      expect: 'silent',
    },
  ],
});

function placeOf({ network, asn }: Pick<AuditEvent, 'network' | 'asn'>): string | null {
  if (asn !== null) return String(asn);
  if (network === null) return null;
  const origin = originOf(network);
  return origin === 'internal' ? origin : network;
}

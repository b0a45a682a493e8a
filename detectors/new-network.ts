import { z } from 'zod';
import { seenSet } from '../src/baseline/seen-set.ts';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { timestamp } from '../src/baseline/timestamp.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);
/** A stranger arrives once; further arrivals within this time are no further evidence. */
const ARRIVAL_INTERVAL_MS = HOUR_MS;

const office = { network: '192.0.2.0/24', asn: 64500, country: 'DE' } as const;

/** Ten working days of a service in one network. */
const service: readonly CaseEvent[] = Array.from({ length: 80 }, (_, i) => ({
  at: START + Math.floor(i / 8) * DAY_MS + (i % 8) * HOUR_MS,
  ...office,
}));

/** A laptop that is in another network of the same provider every day. */
const traveller: readonly CaseEvent[] = Array.from({ length: 60 }, (_, i) => ({
  at: START + i * 6 * HOUR_MS,
  network: `10.${Math.floor(i / 2)}.0.0/24`,
  asn: 64501,
  country: 'FR',
}));

export default defineDetector({
  id: 'new-network',
  title: 'Network never used before',
  description:
    'Walks down a ladder: country, autonomous system, then the address cut to its /24 (IPv4) or /48 (IPv6). The first rung that is new to the token is charged with how much likelier a stranger is to arrive from there than the owner, by the owner’s own rate of such moves; a rung below it is no further news. A stranger arrives once, so one arrival an hour is charged: a pool of changing addresses does not add up. Without an address database only the prefix is judged. Use from a known network speaks a little for the owner.',
  status: 'stable',
  severity: 'high',
  dimension: 'where',
  trust: 'reported',
  attack: ['T1078.004', 'T1552'],
  falsePositives: [
    'A new office or VPN exit',
    'CI runners with changing addresses',
    'Failover to another region',
    'A pooler in front of the database',
  ],
  runbook:
    'Ask the owner whether the token runs in that network. Look up who holds the address; a hosting or VPN network that nobody in the company uses is a theft until proven otherwise.',
  config: z.strictObject({
    strangerRate: z
      .number()
      .min(0.1)
      .max(0.999)
      .default(0.95)
      .describe('Chance that a stranger arrives from a network the owner never used.'),
    priorRate: z
      .number()
      .min(0.0001)
      .max(0.9)
      .default(0.05)
      .describe('Chance of a new network per event for a token about which nothing is known yet.'),
    priorWeight: z.number().min(0.1).max(1000).default(4).describe('How many observations that expectation is worth.'),
  }),
  remembers: {
    prefixes: seenSet({ capacity: 16, forgetAfterDays: 100 }),
    systems: seenSet({ capacity: 6, forgetAfterDays: 180 }),
    countries: seenSet({ capacity: 4, forgetAfterDays: 180 }),
    lastArrival: timestamp(),
  },
  bitsMax: 9,

  score({ prefixes, systems, countries, lastArrival }, event, config) {
    // The first use ever has no owner to differ from.
    if (event.network === null || prefixes.observations === 0) return undefined;
    const rungs = [
      [countries, event.country],
      [systems, event.asn === null ? null : String(event.asn)],
      [prefixes, event.network],
    ] as const;
    let bits = 0;
    for (const [seen, name] of rungs) {
      if (name === null) continue;
      const standing = seen.standing(name);
      const strangeness = seen.strangeness(standing, config);
      if (standing === 'new') {
        const charged = event.at - lastArrival.value >= ARRIVAL_INTERVAL_MS;
        return charged ? bits + strangeness : undefined;
      }
      if (standing === 'known') bits = Math.max(-1, bits + strangeness);
      else return bits;
    }
    return bits;
  },

  learn({ prefixes, systems, countries, lastArrival }, event) {
    if (event.network === null) return;
    if (prefixes.standing(event.network) === 'new') lastArrival.advance(event.at);
    prefixes.add(event.network, event.at);
    if (event.asn !== null) systems.add(String(event.asn), event.at);
    if (event.country !== null) countries.add(event.country, event.at);
  },

  evidence({ prefixes, systems, countries }, event) {
    const system = event.asn === null ? '' : ` (AS${event.asn}${event.country === null ? '' : `, ${event.country}`})`;
    const known = [
      countText(prefixes.size, 'known network'),
      event.asn === null ? '' : countText(systems.size, 'system'),
      event.country === null ? '' : countText(countries.size, 'country', 'countries'),
    ];
    return [
      {
        what: 'network',
        observed: [`${event.network}${system}`],
        expected: known.filter((part) => part !== '').join(', '),
        sampleSize: Math.round(prefixes.observations),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'came from a network that it had not used before';
    const { observed, expected, sampleSize } = evidence;
    return `came from ${observedText(observed)}, not used before; it has ${expected} in ${countText(sampleSize, 'event')}`;
  },

  cases: [
    {
      name: 'a service appears in a hosting network abroad',
      history: service,
      events: [{ at: START + 10 * DAY_MS, network: '203.0.113.0/24', asn: 64511, country: 'US' }],
      expect: 'fires',
    },
    {
      name: 'without an address database the new prefix alone is enough',
      history: service.map((event) => ({ ...event, asn: null, country: null })),
      events: [{ at: START + 10 * DAY_MS, network: '203.0.113.0/24' }],
      expect: 'fires',
    },
    {
      name: 'the service stays where it is',
      history: service,
      events: [{ at: START + 10 * DAY_MS, ...office }],
      expect: 'silent',
    },
    {
      name: 'a laptop that always roams within its provider roams on',
      history: traveller,
      events: [{ at: START + 16 * DAY_MS, network: '10.200.0.0/24', asn: 64501, country: 'FR' }],
      expect: 'silent',
    },
  ],
});

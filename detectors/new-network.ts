import { z } from 'zod';
import { counter } from '../src/baseline/counter.ts';
import { type SeenSetRead, type Standing, seenSet } from '../src/baseline/seen-set.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { timestamp } from '../src/baseline/timestamp.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { ifNotKnown } from '../src/detect/novelty.ts';
import type { AuditEvent } from '../src/domain/audit-event.ts';
import { type Origin, originOf } from '../src/domain/origin.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);
/** A stranger arrives once; further arrivals within this time are no further evidence. */
const ARRIVAL_INTERVAL_MS = HOUR_MS;
/** The most that a new prefix says by itself: nobody moves by the number of events, however many there are. */
const PREFIX_BITS_MAX = 9;
/** Of those that a stranger's prefix is in. */
const STRANGER_ORIGINS: Readonly<Record<Origin, number>> = { internet: 0.8, internal: 0.2 };
/** What an owner's are worth before any was seen, each, in arrivals: who came from private addresses only hardly ever begins to come from the internet. */
const ORIGIN_PRIOR = 0.03;
/** Chance that a stranger's prefix is in a system (a country) that the owner never used; and an owner's, by `RUNG_WEIGHT` arrivals. */
const STRANGER_RUNG_NEW = 0.9;
const RUNG_NEW = 0.3;
const RUNG_WEIGHT = 2;

const office = { network: '192.0.2.0/24', asn: 64500, country: 'DE' } as const;

/** Ten working days of a service in one network. */
const service: readonly CaseEvent[] = Array.from({ length: 80 }, (_, i) => ({
  at: START + Math.floor(i / 8) * DAY_MS + (i % 8) * HOUR_MS,
  ...office,
}));

/** The same service, which appears in other networks so many minutes before its tenth day is over. */
function movedBefore(...minutes: readonly number[]): readonly CaseEvent[] {
  const moves = minutes.map((minute, i) => ({
    at: START + 10 * DAY_MS - minute * MINUTE_MS,
    network: `203.0.${113 + i}.0/24`,
    asn: 64511 + i,
    country: 'US',
  }));
  return [...service, ...moves];
}

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
    'Judges arrivals: the first use from an address, cut to its /24 (IPv4) or /48 (IPv6), from which the token was never used. How much likelier is a stranger to arrive there than the owner, by the owner’s own rate of such moves? Then it goes up a ladder: is it from the internet, or from a private address (a service that never left its network hardly ever begins to); by the address database, is the autonomous system new as well, and then the country? Each rung is weighed by how often the owner’s moves were new on it, so another address of the same provider says little. A stranger arrives once, so one arrival an hour is charged: a pool of changing addresses does not add up. Use from a known network speaks a little for the owner.',
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
    internal: counter(),
    internet: counter(),
    /** The latest that was charged. */
    lastArrival: timestamp(),
  },
  bitsMax: 16,

  score({ prefixes, systems, countries, internal, internet, lastArrival }, event, config) {
    // The first use ever has no owner to differ from.
    if (event.network === null || prefixes.observations === 0) return undefined;
    const standing = prefixes.standing(event.network);
    const bits = Math.min(PREFIX_BITS_MAX, prefixes.strangeness(standing, config));
    if (standing !== 'new') return bits;
    if (!isCharged(event.at, lastArrival.value)) return undefined;
    return (
      bits + originBits(event.network, internal.value, internet.value) + rungBits(event, prefixes, systems, countries)
    );
  },

  learn({ prefixes, systems, countries, internal, internet, lastArrival }, event) {
    if (event.network === null) return;
    if (prefixes.standing(event.network) === 'new') {
      // Not by one that is not charged: a pool that changes every 50 minutes would be charged once and never again.
      if (isCharged(event.at, lastArrival.value)) lastArrival.advance(event.at);
      (originOf(event.network) === 'internal' ? internal : internet).add();
    }
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
        newNames: ifNotKnown(prefixes, event.network),
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
      name: 'a service that never left its private network is used from the internet',
      history: service.map((event) => ({ ...event, network: '10.1.2.0/24', asn: null, country: null })),
      events: [{ at: START + 10 * DAY_MS, network: '203.0.113.0/24' }],
      expect: 'fires',
    },
    {
      name: 'a service appears in a hosting network abroad',
      history: service,
      events: [{ at: START + 10 * DAY_MS, network: '203.0.113.0/24', asn: 64511, country: 'US' }],
      expect: 'fires',
    },
    {
      name: 'whoever comes from another network every 50 minutes is charged again',
      history: movedBefore(100, 50),
      events: [{ at: START + 10 * DAY_MS, network: '198.51.100.0/24', asn: 64509, country: 'NL' }],
      expect: 'fires',
    },
    {
      name: 'two arrivals within an hour are charged once',
      history: movedBefore(50),
      events: [{ at: START + 10 * DAY_MS, network: '198.51.100.0/24', asn: 64509, country: 'NL' }],
      expect: 'silent',
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

function isCharged(at: number, lastArrivalAt: number): boolean {
  return at - lastArrivalAt >= ARRIVAL_INTERVAL_MS;
}

function originBits(network: string, internal: number, internet: number): number {
  // Of a token that arrived before this was counted.
  if (internal + internet === 0) return 0;
  const origin = originOf(network);
  const arrivals = origin === 'internal' ? internal : internet;
  const own = (arrivals + ORIGIN_PRIOR) / (internal + internet + 2 * ORIGIN_PRIOR);
  return Math.log2(STRANGER_ORIGINS[origin] / own);
}

/** By the address database: the system of a new prefix, and the country of a new system. */
function rungBits(
  { asn, country }: Pick<AuditEvent, 'asn' | 'country'>,
  prefixes: SeenSetRead,
  systems: SeenSetRead,
  countries: SeenSetRead,
): number {
  if (asn === null || systems.observations === 0) return 0;
  const standing = systems.standing(String(asn));
  const bits = novelOf(standing, systems.novelties, prefixes.novelties);
  if (standing !== 'new' || country === null || countries.observations === 0) return bits;
  return bits + novelOf(countries.standing(country), countries.novelties, systems.novelties);
}

/** @param novelties of the owner's on this rung, among those on the one below */
function novelOf(standing: Standing, novelties: number, novelBelow: number): number {
  if (standing === 'fresh') return 0;
  const own = Math.min(0.99, (novelties + RUNG_NEW * RUNG_WEIGHT) / (novelBelow + RUNG_WEIGHT));
  return standing === 'new' ? Math.log2(STRANGER_RUNG_NEW / own) : Math.log2((1 - STRANGER_RUNG_NEW) / (1 - own));
}

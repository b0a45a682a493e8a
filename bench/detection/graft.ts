import type { Label } from '../../src/backtest/labels.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createRandom, type Random } from '../../src/domain/random.ts';

/** A recorded log into which thefts were grafted: what one principal really did, under another one's token. */
export interface Grafted {
  readonly events: readonly AuditEvent[];
  readonly labels: readonly Label[];
}

/**
 * How a thief goes about it; each is a label's scenario.
 *
 * - `masquerade`: a donor's work, from the address that the victim used last.
 * - `elsewhere`: a donor's work, from the donor's own addresses.
 * - `stealth`: a masquerade that ends after eight events.
 * - `scraping`: 300 events within twenty minutes over tables that the victim knows, from the victim's address.
 */
export const THEFTS = ['masquerade', 'elsewhere', 'stealth', 'scraping'] as const;
export type Theft = (typeof THEFTS)[number];

/** Only tokens with so much of a life are stolen, or taken for thieves. */
const EVENTS_MIN = 200;
const DAYS_MIN = 20;
/**
 * The first part of a log teaches: nothing is stolen before baselines are of something, and nothing counted. A share of the events, not of the
 * time: some logs begin with years of stragglers, or end with months of them.
 */
const TAUGHT_SHARE = 0.6;
const THEFT_MS = 8 * HOUR_MS;
const THEFT_EVENTS = { min: 10, max: 400 };
const STEALTH_EVENTS = { min: 4, max: 8 };
const SCRAPING_EVENTS = 300;
const SCRAPING_MS = 20 * MINUTE_MS;
/** A token is itself again for so long before it is stolen once more. */
const PEACE_MS = 10 * DAY_MS;

/** Until when a log teaches. */
export function taughtUntil(events: readonly AuditEvent[]): number {
  return events[Math.floor(TAUGHT_SHARE * events.length)]?.at ?? 0;
}

/**
 * Grafts thefts into a recorded log: from a moment drawn, what a donor did within eight hours is done with the victim's token as well, at the
 * very times at which it was done. Hours, amounts and objects are all real; only whose they are is not. Scraping is made of the victim's own
 * events. Each victim suffers the kinds in turn, the first one drawn, so that none is always met by the youngest baseline.
 */
export function graft(events: readonly AuditEvent[], seed: string, theftsPerVictim: number): Grafted {
  const random = createRandom(`${seed}/graft`);
  const regular = [...Map.groupBy(events, ({ token }) => token).values()].filter(isRegular);
  const kinds = kindsFor(events);
  const calmUntil = taughtUntil(events);
  const labels: Label[] = [];
  const stolen: AuditEvent[] = [];
  for (const victim of regular) {
    const { token } = victim[0] as AuditEvent;
    const first = random.below(kinds.length);
    let peaceUntil = calmUntil;
    for (let i = 0; i < theftsPerVictim; i++) {
      const scenario = kinds[(first + i) % kinds.length] as Theft;
      const isActive = ({ at }: AuditEvent) => at > peaceUntil && at < peaceUntil + PEACE_MS;
      const donors = scenario === 'scraping' ? [victim] : regular.filter((other) => other !== victim);
      const active = donors.filter((other) => other.some(isActive));
      if (active.length === 0) {
        peaceUntil += PEACE_MS;
        continue;
      }
      const donor = random.pick(active);
      const { at: from } = random.pick(donor.filter(isActive));
      peaceUntil = from + THEFT_MS + PEACE_MS;
      const taken = steal(scenario, { victim, donor, from, random });
      if (taken.length === 0) continue;
      stolen.push(...taken.map((event, n) => ({ ...event, id: `graft/${labels.length}/${n}/${event.id}`, token })));
      labels.push({ scenario, kind: 'theft', token, from, until: (taken.at(-1) as AuditEvent).at });
    }
  }
  return { events: [...events, ...stolen].sort((a, b) => a.at - b.at), labels };
}

/** In a log without addresses, a thief from elsewhere is a masquerade under another name. */
function kindsFor(events: readonly AuditEvent[]): readonly Theft[] {
  return events.some(({ address }) => address !== null) ? THEFTS : THEFTS.filter((kind) => kind !== 'elsewhere');
}

function isRegular(events: readonly AuditEvent[]): boolean {
  const days = new Set(events.map(({ at }) => Math.floor(at / DAY_MS)));
  return events.length >= EVENTS_MIN && days.size >= DAYS_MIN;
}

interface Occasion {
  readonly victim: readonly AuditEvent[];
  readonly donor: readonly AuditEvent[];
  readonly from: number;
  readonly random: Random;
}

/** @returns nothing if there was too little to steal, or nobody yet to steal it from */
function steal(scenario: Theft, { victim, donor, from, random }: Occasion): readonly AuditEvent[] {
  const earlier = victim.filter(({ at }) => at < from);
  const last = earlier.findLast(({ address }) => address !== null) ?? earlier.at(-1);
  if (last === undefined) return [];
  const { address, network, asn, country } = last;
  const home = { address, network, asn, country };
  if (scenario === 'scraping') return scrape(earlier, from, random).map((event) => ({ ...event, ...home }));
  const { min, max } = scenario === 'stealth' ? STEALTH_EVENTS : THEFT_EVENTS;
  const taken = donor.filter(({ at }) => at >= from && at < from + THEFT_MS).slice(0, max);
  if (taken.length < min) return [];
  return scenario === 'elsewhere' ? taken : taken.map((event) => ({ ...event, ...home }));
}

/** Each event is the latest real one on its table, so that database, operation and amounts go with it. */
function scrape(earlier: readonly AuditEvent[], from: number, random: Random): readonly AuditEvent[] {
  const byTable = new Map(earlier.flatMap((event) => event.tables.map((table) => [table, event] as const)));
  const known = [...byTable];
  if (known.length === 0) return [];
  return Array.from({ length: SCRAPING_EVENTS }, (_, i) => {
    const [table, event] = random.pick(known);
    return { ...event, at: Math.round(from + (i * SCRAPING_MS) / SCRAPING_EVENTS), tables: [table] };
  });
}

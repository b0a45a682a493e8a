import type { Label } from '../../src/backtest/labels.ts';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createRandom } from '../../src/domain/random.ts';

/** A recorded log into which thefts were grafted: what one principal really did, under another one's token. */
export interface Grafted {
  readonly events: readonly AuditEvent[];
  readonly labels: readonly Label[];
}

/** Only tokens with so much of a life are stolen, or taken for thieves. */
const EVENTS_MIN = 200;
const DAYS_MIN = 20;
/** Nothing is stolen before baselines are of something. */
const CALM_SHARE = 0.6;
const THEFT_MS = 8 * HOUR_MS;
const THEFT_EVENTS = { min: 10, max: 400 };
/** A token is itself again for so long before it is stolen once more. */
const PEACE_MS = 10 * DAY_MS;

/**
 * Grafts thefts into a recorded log: from a moment drawn, everything that a donor did within eight hours is done with the victim's token as well,
 * at the very times at which it was done. Hours, amounts and objects are all real; only whose they are is not.
 */
export function graft(events: readonly AuditEvent[], seed: string, theftsPerVictim: number): Grafted {
  const random = createRandom(`${seed}/graft`);
  const byToken = Map.groupBy(events, ({ token }) => token);
  const regular = [...byToken.values()].filter(isRegular);
  const [firstAt, lastAt] = [events[0]?.at ?? 0, events.at(-1)?.at ?? 0];
  const calmUntil = firstAt + CALM_SHARE * (lastAt - firstAt);
  const thefts: { readonly label: Label; readonly events: readonly AuditEvent[] }[] = [];
  for (const victim of regular) {
    const { token } = victim[0] as AuditEvent;
    let peaceUntil = calmUntil;
    for (let i = 0; i < theftsPerVictim; i++) {
      const donor = random.pick(regular.filter((other) => other !== victim));
      const begins = donor.filter(({ at }) => at > peaceUntil && at < peaceUntil + PEACE_MS);
      if (begins.length === 0) break;
      const { at: from } = random.pick(begins);
      const taken = donor.filter(({ at }) => at >= from && at < from + THEFT_MS).slice(0, THEFT_EVENTS.max);
      peaceUntil = from + THEFT_MS + PEACE_MS;
      if (taken.length < THEFT_EVENTS.min) continue;
      const stolen = taken.map((event) => ({ ...event, id: `graft/${thefts.length}/${event.id}`, token }));
      const until = (stolen.at(-1) as AuditEvent).at;
      thefts.push({ label: { scenario: 'graft', kind: 'theft', token, from, until }, events: stolen });
    }
  }
  const all = [...events, ...thefts.flatMap((theft) => theft.events)].sort((a, b) => a.at - b.at);
  return { events: all, labels: thefts.map(({ label }) => label) };
}

function isRegular(events: readonly AuditEvent[]): boolean {
  const days = new Set(events.map(({ at }) => Math.floor(at / DAY_MS)));
  return events.length >= EVENTS_MIN && days.size >= DAYS_MIN;
}

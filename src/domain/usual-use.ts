import type { Alert } from './alert.ts';
import type { AuditEvent } from './audit-event.ts';
import { EPISODE_GAP_MS } from './finding.ts';
import type { GivenVerdict } from './verdict.ts';

/** What of an event is compared with what is usual. */
export type Use = Pick<
  AuditEvent,
  'at' | 'operation' | 'tables' | 'rows' | 'success' | 'database' | 'network' | 'asn' | 'application'
>;

/** Uses of a token that are alike in everything but their times and their rows. */
export interface UsualUse extends Omit<Use, 'at' | 'rows'> {
  readonly eventCount: number;
  readonly lastAt: number;
  /** The fewest and the most that one of them took. `null`: the source never says. */
  readonly rows: { readonly least: number; readonly most: number } | null;
  /** How far apart in the week the nearest of them and the event are that is compared, ms: 0 to half a week. */
  readonly weekDistanceMs: number;
}

/** What a token did before, by kinds of use, the most frequent first. */
export interface UsualUses {
  readonly uses: readonly UsualUse[];
  /** Of all of them, and of those that are too many to be told apart. */
  readonly eventCount: number;
  /** When the first of them was; `null`: there is none. */
  readonly since: number | null;
}

/** The part of a token's past that is usual. Times are event times, ms. */
export interface UsualPart {
  readonly token: string;
  readonly from: number;
  /** It ends before this. */
  readonly before: number;
  /** Hours since the epoch of which it is not known whose they were. */
  readonly hoursLeftOut: ReadonlySet<number>;
  /** For the sake of how many other alerts they are left out. */
  readonly alertsLeftOut: number;
}

/** Over a year, for the sake of yearly jobs. */
const USUAL_DAYS_MAX = 400;
const HOUR_MS = 3_600_000;

/**
 * What is usual beside an alert: all until six hours before it opened, since what a thief does until the score is reached is the thief's as well.
 * For the same reason without the token's other alerts, six hours before and after them, unless a person has answered that it was the owner.
 */
export function usualPartOf(
  { id, token, openedAt }: Alert,
  alerts: Iterable<{ readonly alert: Alert; readonly verdicts?: readonly GivenVerdict[] }>,
): UsualPart {
  const before = openedAt - EPISODE_GAP_MS;
  const from = before - USUAL_DAYS_MAX * 24 * HOUR_MS;
  const leftOut = [...alerts]
    .filter(({ alert }) => alert.token === token && alert.id !== id)
    .filter(({ verdicts }) => verdicts?.at(-1)?.kind !== 'expected')
    .map(({ alert }) => ({ from: alert.openedAt - EPISODE_GAP_MS, to: alert.updatedAt + EPISODE_GAP_MS }))
    .filter((span) => span.from < before && span.to >= from);
  const hoursLeftOut = new Set<number>();
  for (const span of leftOut) {
    const last = hourOf(Math.min(span.to, before));
    for (let hour = hourOf(Math.max(span.from, from)); hour <= last; hour++) hoursLeftOut.add(hour);
  }
  return { token, from, before, hoursLeftOut, alertsLeftOut: leftOut.length };
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS);
}

/** Up to so many kinds of use are told apart. */
export const USUAL_USES_MAX = 10_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/** How far apart two times are in the week, ms. */
export function weekDistanceMs(a: number, b: number): number {
  const apart = Math.abs(a - b) % WEEK_MS;
  return Math.min(apart, WEEK_MS - apart);
}

/** Sums up events, one after the other, as `readUsualUses` has the archive do. */
export class UsualTally {
  readonly #part: UsualPart;
  readonly #weekOf: number;
  readonly #uses = new Map<string, UsualUse>();
  #eventCount = 0;
  #since: number | null = null;

  /** @param weekOf what `weekDistanceMs` is counted from */
  constructor(part: UsualPart, weekOf: number) {
    this.#part = part;
    this.#weekOf = weekOf;
  }

  take(event: Use & Pick<AuditEvent, 'token'>): void {
    const { at } = event;
    const { token, from, before, hoursLeftOut } = this.#part;
    if (event.token !== token || at < from || at >= before || hoursLeftOut.has(hourOf(at))) return;
    this.#eventCount += 1;
    this.#since = Math.min(at, this.#since ?? at);
    const one = this.#useOf(event);
    const { operation, tables, success, database, network, application } = one;
    const key = JSON.stringify([operation, tables, success, database, network, application]);
    const known = this.#uses.get(key);
    if (known) this.#uses.set(key, together(known, one));
    else if (this.#uses.size < USUAL_USES_MAX) this.#uses.set(key, one);
  }

  #useOf({ at, rows, operation, tables, success, database, network, asn, application }: Use): UsualUse {
    return {
      ...{ operation, tables: tables.toSorted(), success, database, network, asn, application },
      eventCount: 1,
      lastAt: at,
      rows: rows === null ? null : { least: rows, most: rows },
      weekDistanceMs: weekDistanceMs(at, this.#weekOf),
    };
  }

  get usual(): UsualUses {
    const uses = [...this.#uses.values()].sort((a, b) => b.eventCount - a.eventCount || b.lastAt - a.lastAt);
    return { uses, eventCount: this.#eventCount, since: this.#since };
  }
}

/** Two kinds of use as one, which is called as the first. */
export function together(a: UsualUse, b: UsualUse): UsualUse {
  return {
    ...a,
    asn: a.asn ?? b.asn,
    eventCount: a.eventCount + b.eventCount,
    lastAt: Math.max(a.lastAt, b.lastAt),
    rows:
      a.rows && b.rows
        ? { least: Math.min(a.rows.least, b.rows.least), most: Math.max(a.rows.most, b.rows.most) }
        : (a.rows ?? b.rows),
    weekDistanceMs: Math.min(a.weekDistanceMs, b.weekDistanceMs),
  };
}

import type { Reason } from '../domain/action.ts';
import type { Alert, FleetAlert } from '../domain/alert.ts';
import { CauseBook, type Explained, explain } from './causes.ts';
import type { AlertEntry } from './entries.ts';
import { severityRank } from './match.ts';
import { receiversOf, silenceOf } from './notify.ts';
import type { Policy } from './policy.ts';

/** Tokens, and revoked ones, that an entry names. */
const NAMED_MAX = 20;
const REVOKED: ReadonlySet<string> = new Set(['approved', 'accepted', 'verified', 'ineffective']);

/** Where an alert belongs that shares what it shows with many tokens. */
export interface Place {
  /** What it shares and what is left, whether or not that suffices to be told by itself; `null`: it shares nothing. */
  readonly explained: Explained | null;
  /** It leads. */
  readonly fleet?: FleetAlert;
  /** It is led by this one, which has grown by it. */
  readonly leader?: AlertEntry & { readonly fleet: FleetAlert };
}

const ALONE: Place = { explained: null };

/**
 * Alerts of many tokens that have one cause: one of them leads, and is told for all. Everything here follows from the alerts' entries, so that who reads
 * the ledger comes to the same.
 */
export class FleetAlerts {
  readonly #policy: Policy;
  readonly #entryOf: (alertId: string) => AlertEntry | undefined;
  readonly #causes = new CauseBook();
  /** Tokens that an alert leads, by its id. */
  readonly #led = new Map<string, Set<string>>();

  constructor(policy: Policy, entryOf: (alertId: string) => AlertEntry | undefined) {
    this.#policy = policy;
    this.#entryOf = entryOf;
  }

  /** Takes an entry in the place of the one before. */
  keep({ alert, partOf }: AlertEntry, before: AlertEntry | undefined): void {
    this.#causes.take(alert);
    if (before?.partOf !== undefined && before.partOf !== partOf) this.#led.get(before.partOf)?.delete(alert.token);
    if (partOf !== undefined) this.#led.set(partOf, (this.#led.get(partOf) ?? new Set()).add(alert.token));
  }

  forget(alertId: string): void {
    this.#causes.forget(alertId);
    this.#led.delete(alertId);
  }

  /** Where an alert belongs as it stands now. @param now ms since the epoch */
  placeOf(alert: Alert, previous: AlertEntry | undefined, now: number): Place {
    this.#causes.take(alert);
    const explained = this.#explain(alert);
    if (explained === null || standsOut(explained)) return { ...ALONE, explained };
    if (previous?.fleet) return { explained, fleet: this.#grown(previous.fleet, alert, alert, explained) };
    const leader = this.#leaderOf(alert, explained, now);
    if (leader === undefined) return { explained, fleet: this.#grown(undefined, alert, alert, explained) };
    const fleet = this.#grown(leader.fleet, leader.alert, alert, explained);
    const isWorse = severityRank(alert.severity) > severityRank(leader.alert.severity);
    const led = isWorse ? { ...leader.alert, severity: alert.severity } : leader.alert;
    return { explained, leader: { ...leader, alert: led, fleet } };
  }

  #explain(alert: Alert): Explained | null {
    return explain(alert, this.#causes, this.#policy.sharedCause, (id) => {
      return this.#entryOf(id)?.verdicts?.at(-1)?.kind === 'true-positive';
    });
  }

  /** The alert that leads others of them already; or the first of them that may. */
  #leaderOf(alert: Alert, { alertIds }: Explained, now: number): AlertEntry | undefined {
    const receivers = receiversOf(alert, this.#policy).join();
    const entries = [...alertIds].flatMap((id) => (id === alert.id ? [] : (this.#entryOf(id) ?? [])));
    const mayLead = (entry: AlertEntry) =>
      receiversOf(entry.alert, this.#policy).join() === receivers && !silenceOf(entry.alert, this.#policy, now);
    const leading = entries
      .flatMap((entry) => (entry.partOf === undefined ? entry : (this.#entryOf(entry.partOf) ?? [])))
      .filter((entry) => entry.fleet !== undefined && mayLead(entry));
    if (leading.length > 0) return earliest(leading);
    // Who was answered, or is led, is not told; and who stands out is told as what it is.
    const others = entries.filter((entry) => {
      const itself = this.#explain(entry.alert);
      return entry.suppression === undefined && mayLead(entry) && itself !== null && !standsOut(itself);
    });
    return earliest(others);
  }

  /** @param fleet as the leader's entry has it; `undefined`: it begins to lead */
  #grown(fleet: FleetAlert | undefined, leader: Alert, alert: Alert, { cause, alertIds }: Explained): FleetAlert {
    const entries = [...alertIds].flatMap((id) => this.#entryOf(id) ?? []);
    const shown = [leader, ...entries.map((entry) => entry.alert), alert];
    const tokens = new Set([...(fleet?.tokens ?? []), ...shown.map(({ token }) => token)]);
    const all = new Set([...tokens, ...(this.#led.get(leader.id) ?? [])]);
    const revoked = new Map((fleet?.revoked ?? []).map((one) => [one.alertId, one]));
    for (const { alert: one, revocation } of entries) {
      const alertId = one.id;
      if (REVOKED.has(revocation?.state ?? '')) revoked.set(alertId, { token: one.token, alertId });
      else if (revocation?.state === 'undone') revoked.delete(alertId);
    }
    return {
      cause: fleet?.cause ?? cause,
      tokenCount: Math.max(fleet?.tokenCount ?? 0, all.size),
      tokens: [...tokens].slice(0, NAMED_MAX),
      since: Math.min(fleet?.since ?? Number.POSITIVE_INFINITY, ...shown.map(({ openedAt }) => openedAt)),
      revoked: [...revoked.values()].slice(0, NAMED_MAX),
    };
  }
}

/** Whether what is left would be told by itself. */
function standsOut({ rest }: Explained): boolean {
  return rest.score >= rest.threshold;
}

function earliest(entries: readonly AlertEntry[]): AlertEntry | undefined {
  return entries.toSorted(
    ({ alert: a }, { alert: b }) => a.openedAt - b.openedAt || (a.id < b.id ? -1 : Number(a.id > b.id)),
  )[0];
}

/** Why an alert is not told: another one tells it. */
export function ledBy({ alert, fleet: { cause, tokenCount } }: NonNullable<Place['leader']>): Reason {
  const text = `${tokenCount} tokens share what is new (${cause.what}: ${cause.name}); told as alert ${alert.id}`;
  return { code: 'new-for-everybody', text };
}

/** Whether what an alert says of others has changed for its reader. */
export function hasGrown(before: AlertEntry | undefined, after: AlertEntry & { readonly fleet: FleetAlert }): boolean {
  return (
    before?.fleet?.tokenCount !== after.fleet.tokenCount ||
    before.fleet.revoked.length !== after.fleet.revoked.length ||
    before.alert.severity !== after.alert.severity
  );
}

import type { ActionEntry, AlertEntry } from '../decide/entries.ts';
import { nextStepsFor } from '../deliver/next-steps.ts';
import type { Situation } from '../deliver/receiver.ts';
import { safeText } from '../deliver/safe-text.ts';
import type { GivenNotice } from '../domain/notice.ts';
import type { Log } from '../log/log.ts';
import { LedgerReader, readOn } from '../pipeline/ledger.ts';
import { UsageError } from './io.ts';

/** Alerts and actions as they stand, by id, in order of their last change; and reports of leaks, by token. */
export interface Ledger {
  readonly alerts: ReadonlyMap<string, AlertEntry>;
  readonly actions: ReadonlyMap<string, ActionEntry>;
  readonly leaks: ReadonlyMap<string, GivenNotice>;
}

/** Reads the whole ledger: it is compacted, so that is about one record for each alert and action. */
export async function readLedger(log: Log): Promise<Ledger> {
  const alerts = new Map<string, AlertEntry>();
  const actions = new Map<string, ActionEntry>();
  const leaks = new Map<string, GivenNotice>();
  await readOn(log, new LedgerReader(), (read, isVoid) => {
    if (isVoid) return;
    if (read.kind === 'alert') replace(alerts, read.entry.alert.id, read.entry);
    else if (read.kind === 'action') replace(actions, read.entry.action.id, read.entry);
    else leaks.set(read.entry.token, read.entry);
  });
  return { alerts, actions, leaks };
}

function replace<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
}

/** An alert as receivers are told about it, for printing. */
export function situationOf({ alert, revocation, fleet, partOf }: AlertEntry): Situation {
  const summary = revocation && {
    actionId: revocation.actionId,
    state: revocation.state,
    target: revocation.revoker,
    reason: revocation.reason.text,
  };
  return { alert, revocation: summary, nextSteps: nextStepsFor(alert, summary, fleet), fleet, partOf };
}

/** @throws UsageError if it is not known */
export function alertOf({ alerts }: Ledger, id: string): AlertEntry {
  const entry = alerts.get(id);
  if (entry === undefined) throw new UsageError(`no alert has the id "${id}": see "tokenwarden alerts list"`, 1);
  return entry;
}

/** An alert, and those that it leads if they are asked for. @throws UsageError if it is not known, or leads none */
export function alertAndMembers(ledger: Ledger, id: string, withMembers = false): readonly AlertEntry[] {
  const entry = alertOf(ledger, id);
  if (!withMembers) return [entry];
  if (entry.fleet === undefined) throw new UsageError(`alert "${id}" leads no others: leave --members out`, 1);
  return [entry, ...[...ledger.alerts.values()].filter(({ partOf }) => partOf === id)];
}

/** Who has reported that a token has leaked, or has withdrawn that. */
export function leakText({ stands, at, by, why }: GivenNotice): string {
  const said = `${stands ? 'reported' : 'withdrawn'} at ${new Date(at).toISOString()} by ${safeText(by, 60)}`;
  return why === '' ? said : `${said}: ${safeText(why, 500)}`;
}

import type { ActionEntry, AlertEntry } from '../decide/responder.ts';
import { nextStepsFor } from '../deliver/next-steps.ts';
import type { Situation } from '../deliver/receiver.ts';
import type { Log } from '../log/log.ts';
import { decodeLedgerRecord } from '../pipeline/ledger.ts';
import { TOPICS } from '../pipeline/topics.ts';

/** Alerts and actions as they stand, by id, in order of their last change. */
export interface Ledger {
  readonly alerts: ReadonlyMap<string, AlertEntry>;
  readonly actions: ReadonlyMap<string, ActionEntry>;
}

/** Reads the whole ledger: it is compacted, so that is about one record for each alert and action. */
export async function readLedger(log: Log): Promise<Ledger> {
  const alerts = new Map<string, AlertEntry>();
  const actions = new Map<string, ActionEntry>();
  for await (const batch of log.read(TOPICS.ledger, 0)) {
    for (const record of batch) {
      const ledger = decodeLedgerRecord(record);
      if (ledger?.kind === 'alert') replace(alerts, ledger.entry.alert.id, ledger.entry);
      else if (ledger?.kind === 'action') replace(actions, ledger.entry.action.id, ledger.entry);
    }
  }
  return { alerts, actions };
}

function replace<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
}

/** An alert as receivers are told about it, for printing. */
export function situationOf({ alert, revocation }: AlertEntry): Situation {
  const summary = revocation && {
    actionId: revocation.actionId,
    state: revocation.state,
    target: revocation.revoker,
    reason: revocation.reason.text,
  };
  return { alert, revocation: summary, nextSteps: nextStepsFor(alert, summary) };
}

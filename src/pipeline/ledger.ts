import type { ActionEntry, AlertEntry, Decided } from '../decide/responder.ts';
import type { LogRecord, NewRecord } from '../log/log.ts';

/** What the ledger holds under its keys: the latest state of every alert and action, and in its history how they came there. */
export type LedgerRecord =
  | { readonly kind: 'alert'; readonly entry: AlertEntry }
  | { readonly kind: 'action'; readonly entry: ActionEntry };

/** Records for everything that was decided at once; the alert comes last, so that it never names an action the ledger does not have. */
export function ledgerRecords({ alert, actions }: Decided): readonly NewRecord[] {
  const records: LedgerRecord[] = [
    ...actions.map((entry) => ({ kind: 'action' as const, entry })),
    { kind: 'alert', entry: alert },
  ];
  return records.map((record) => ({
    key: record.kind === 'alert' ? `alert/${record.entry.alert.id}` : `action/${record.entry.action.id}`,
    partition: 0,
    value: Buffer.from(JSON.stringify(record)),
  }));
}

/** Reads what `ledgerRecords` wrote; `undefined` for a tombstone. */
export function decodeLedgerRecord({ value }: LogRecord): LedgerRecord | undefined {
  return value === null ? undefined : (JSON.parse(value.toString()) as LedgerRecord);
}

import type { ActionEntry, AlertEntry, Noted } from '../decide/entries.ts';
import type { GivenNotice } from '../domain/notice.ts';
import type { Log, LogRecord, NewRecord } from '../log/log.ts';
import { TOPICS } from './topics.ts';

/**
 * What the ledger holds under its keys: the latest state of every alert and action, and in its history how they came there; and the last that somebody
 * said of each token.
 */
export type LedgerEntry =
  | { readonly kind: 'alert'; readonly entry: AlertEntry }
  | { readonly kind: 'action'; readonly entry: ActionEntry }
  | { readonly kind: 'notice'; readonly entry: GivenNotice };

/** Begins a term of office: from here on, only what was written in this term counts. */
interface TermStart {
  readonly kind: 'term';
  /** Terms count up. Of two that begin under one number the first in the log holds. */
  readonly number: number;
  readonly term: string;
}

type LedgerRecord = (LedgerEntry & { readonly term: string }) | TermStart;

/**
 * Reads the ledger from its beginning, record by record, and tells what counts. A responder that has lost its office may have sent what arrives
 * only after its successor has begun: that is void, for every reader alike, so budgets and states have one truth.
 */
export class LedgerReader {
  /** Offset of the next record to read. */
  position = 0;
  #number = 0;
  #term = '';

  /** The term in force. */
  get term(): { readonly number: number; readonly term: string } {
    return { number: this.#number, term: this.#term };
  }

  /** Takes the next record. */
  take({ offset, value }: LogRecord): { readonly entry: LedgerEntry; readonly isVoid: boolean } | undefined {
    this.position = offset + 1;
    if (value === null) return undefined;
    const record = JSON.parse(value.toString()) as LedgerRecord;
    if (record.kind !== 'term') return { entry: record, isVoid: record.term !== this.#term };
    if (record.number > this.#number) {
      this.#number = record.number;
      this.#term = record.term;
    }
    return undefined;
  }
}

/** Reads on to the end of the ledger. @param onEntry is told of everything read, in order */
export async function readOn(
  log: Log,
  reader: LedgerReader,
  onEntry: (entry: LedgerEntry, isVoid: boolean) => void,
): Promise<void> {
  for await (const batch of log.read(TOPICS.ledger, 0, { from: reader.position })) {
    for (const record of batch) {
      const read = reader.take(record);
      if (read) onEntry(read.entry, read.isVoid);
    }
  }
}

/** The record that begins a term. Each has a key of its own: compaction must leave every one in its place. */
export function termRecord(number: number, term: string): NewRecord {
  const record: TermStart = { kind: 'term', number, term };
  return { key: `term/${number}/${term}`, partition: 0, value: Buffer.from(JSON.stringify(record)) };
}

/** Entries for everything that was decided at once; the alert comes last, so that it never names an action, or a leader, the ledger does not have. */
export function ledgerEntries({ alert, actions, notice, leader }: Noted): readonly LedgerEntry[] {
  const entries: LedgerEntry[] = actions.map((entry) => ({ kind: 'action', entry }));
  if (notice !== undefined) entries.push({ kind: 'notice', entry: notice });
  if (leader !== undefined) entries.push({ kind: 'alert', entry: leader });
  if (alert !== null) entries.push({ kind: 'alert', entry: alert });
  return entries;
}

export function ledgerRecord(entry: LedgerEntry, term: string): NewRecord {
  return { key: keyOf(entry), partition: 0, value: Buffer.from(JSON.stringify({ ...entry, term })) };
}

function keyOf({ kind, entry }: LedgerEntry): string {
  if (kind === 'alert') return `alert/${entry.alert.id}`;
  return kind === 'action' ? `action/${entry.action.id}` : `notice/${entry.kind}/${entry.token}`;
}

/** Reads one record by itself, whatever its term; `undefined` for a tombstone and for what begins a term. */
export function decodeLedgerEntry({ value }: LogRecord): LedgerEntry | undefined {
  if (value === null) return undefined;
  const record = JSON.parse(value.toString()) as LedgerRecord;
  return record.kind === 'term' ? undefined : record;
}

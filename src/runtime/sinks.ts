import type { LogRecord } from '../log/log.ts';
import { decodeStoredEvent } from '../normalise/stored-event.ts';
import type { ArchiveSink } from '../pipeline/archive.ts';
import { decodeFindingsRecord } from '../pipeline/findings.ts';
import { decodeLedgerEntry, type LedgerEntry } from '../pipeline/ledger.ts';
import { TOPICS } from '../pipeline/topics.ts';
import type { StoreWriter } from '../store/writer.ts';

/** Copies each of our logs into its tables. */
export function createSinks(writer: StoreWriter): readonly ArchiveSink[] {
  return [
    { topic: TOPICS.events, insert: (records, token) => writer.insertEvents(eventsOf(records), token) },
    { topic: TOPICS.findings, insert: (records, token) => writer.insertFindings(assessmentsOf(records), token) },
    {
      topic: TOPICS.ledger,
      insert: async (records, token) => {
        await writer.insertAlerts(alertsOf(records), token);
        await writer.insertDeliveries(changesOf(records), token);
      },
    },
  ];
}

function placeOf({ partition, offset, appendedAt }: LogRecord) {
  return { partition, offset, loggedAt: appendedAt };
}

function* eventsOf(records: readonly LogRecord[]) {
  for (const record of records) {
    if (record.value === null) continue;
    const event = decodeStoredEvent(record.value, `${TOPICS.events}/${record.partition}/${record.offset}`);
    // What cannot be read is among the dead letters, where detect put it.
    if (!('code' in event)) yield { event, ...placeOf(record) };
  }
}

function* assessmentsOf(records: readonly LogRecord[]) {
  for (const record of records) {
    const finding = record.value && decodeFindingsRecord(record.value);
    if (finding?.kind === 'assessment') yield { assessment: finding.assessment, ...placeOf(record) };
  }
}

function* ledgerOf<K extends LedgerEntry['kind']>(records: readonly LogRecord[], kind: K) {
  for (const record of records) {
    const ledger = decodeLedgerEntry(record);
    if (ledger?.kind === kind)
      yield { entry: ledger.entry as Extract<LedgerEntry, { kind: K }>['entry'], revision: record.offset };
  }
}

function* alertsOf(records: readonly LogRecord[]) {
  for (const { entry, revision } of ledgerOf(records, 'alert'))
    yield { alert: entry.alert, revocation: entry.revocation, revision };
}

function* changesOf(records: readonly LogRecord[]) {
  for (const { entry, revision } of ledgerOf(records, 'action')) {
    const { action, state, detail, attemptCount, changedAt } = entry;
    yield { action, state, detail, attemptCount, changedAt, revision };
  }
}

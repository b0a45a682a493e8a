import type { LogRecord } from '../log/log.ts';
import { decodeStoredEvent } from '../normalise/stored-event.ts';
import type { ArchiveSink, Inserted } from '../pipeline/archive.ts';
import { asideIn } from '../pipeline/aside-record.ts';
import { decodeFindingsRecord } from '../pipeline/findings.ts';
import { decodeLedgerEntry, type LedgerEntry } from '../pipeline/ledger.ts';
import { madeTableIn } from '../pipeline/made-table-record.ts';
import { rollbackIn } from '../pipeline/rollback-record.ts';
import { TOPICS } from '../pipeline/topics.ts';
import type { StoreWriter } from '../store/writer.ts';

/** Copies each of our logs into its tables. */
export function createSinks(writer: StoreWriter): readonly ArchiveSink[] {
  return [
    {
      topic: TOPICS.events,
      isDense: true,
      insert: (records, token) => counted(records, readEvent, (events) => writer.insertEvents(events, token)),
    },
    {
      topic: TOPICS.findings,
      isDense: true,
      insert: (records, token) => counted(records, readAssessment, (found) => writer.insertFindings(found, token)),
    },
    {
      topic: TOPICS.ledger,
      isDense: false,
      insert: async (records, token) => {
        const read = records.map((record) => ({ record, entry: decodeLedgerEntry(record) }));
        const alerts = await counted(read, readAlert, (found) => writer.insertAlerts(found, token));
        const changes = await counted(read, readChange, (found) => writer.insertDeliveries(found, token));
        const rules = read.flatMap(({ entry }) =>
          entry === undefined ? 'no entry' : entry.kind === 'notice' ? 'notice' : [],
        );
        return {
          archivedCount: alerts.archivedCount + changes.archivedCount,
          leftOut: new Map([...Map.groupBy(rules, (rule) => rule)].map(([rule, some]) => [rule, some.length])),
        };
      },
    },
  ];
}

/** Hands over what records are read as, and counts them. @param read gives the rule's name for what is left out */
async function counted<R, T extends object>(
  records: readonly R[],
  read: (record: R) => T | string,
  insert: (items: Iterable<T>) => Promise<void>,
): Promise<Inserted> {
  let archivedCount = 0;
  const leftOut = new Map<string, number>();
  function* items(): Generator<T> {
    for (const record of records) {
      const item = read(record);
      if (typeof item === 'string') leftOut.set(item, (leftOut.get(item) ?? 0) + 1);
      else {
        archivedCount += 1;
        yield item;
      }
    }
  }
  await insert(items());
  return { archivedCount, leftOut };
}

function placeOf({ partition, offset, appendedAt }: LogRecord) {
  return { partition, offset, loggedAt: appendedAt };
}

function readEvent(record: LogRecord) {
  if (record.value === null) return 'tombstone';
  const event = decodeStoredEvent(record.value, `${TOPICS.events}/${record.partition}/${record.offset}`);
  if (!('code' in event)) return { event, ...placeOf(record) };
  // What cannot be read is among the dead letters, where detect put it.
  const aside = asideIn(record.value);
  if (aside) return 'notice' in aside ? 'notice' : 'verdict';
  if (rollbackIn(record.value)) return 'rollback';
  return madeTableIn(record.value) ? 'made table' : 'dead letter';
}

function readAssessment(record: LogRecord) {
  const finding = record.value && decodeFindingsRecord(record.value);
  return finding?.kind === 'assessment' ? { assessment: finding.assessment, ...placeOf(record) } : 'request';
}

interface ReadEntry {
  readonly record: LogRecord;
  readonly entry: LedgerEntry | undefined;
}

function readAlert({ record, entry }: ReadEntry) {
  if (entry?.kind !== 'alert') return 'no alert';
  const { alert, revocation, verdicts = [] } = entry.entry;
  return { alert, revocation, verdicts, revision: record.offset };
}

function readChange({ record, entry }: ReadEntry) {
  if (entry?.kind !== 'action') return 'no action';
  const { action, state, detail, attemptCount, changedAt } = entry.entry;
  return { action, state, detail, attemptCount, changedAt, revision: record.offset };
}

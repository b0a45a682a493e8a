import type { Assessment } from '../../src/domain/finding.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { asideIn } from '../../src/pipeline/aside-record.ts';
import { decodeDeadLetter } from '../../src/pipeline/dead-letter.ts';
import { decodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { madeTableIn } from '../../src/pipeline/made-table-record.ts';
import { rollbackIn } from '../../src/pipeline/rollback-record.ts';

/** The assessment that a record of the findings log carries, if it does. */
export function assessmentsOf({ value }: LogRecord): readonly Assessment[] {
  const record = decodeFindingsRecord(value as Buffer);
  return record.kind === 'assessment' ? [record.assessment] : [];
}

/** What of the events log is an event, and nothing that is said of a token or of all. */
export function* eventsOf(records: Iterable<LogRecord>): Generator<LogRecord> {
  for (const record of records) {
    const value = record.value as Buffer;
    if (saidIn(value) === undefined && madeTableIn(value) === undefined) yield record;
  }
}

/** What is said of a token in a record of the events log: a verdict, a notice or a rollback. */
export function saidIn(value: Buffer): { readonly token: string; readonly at: number } | undefined {
  const aside = asideIn(value);
  if (aside) return 'notice' in aside ? aside.notice : aside.verdict;
  return rollbackIn(value);
}

/** The id of a stored event. */
export function idOfStored({ value }: LogRecord): string {
  return (JSON.parse((value as Buffer).toString()) as { id: string }).id;
}

export function idOfLetter({ value }: LogRecord): string {
  return decodeDeadLetter(value as Buffer).id;
}

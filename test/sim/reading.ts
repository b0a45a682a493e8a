import type { Assessment } from '../../src/domain/finding.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { asideIn } from '../../src/pipeline/aside-record.ts';
import { decodeDeadLetter } from '../../src/pipeline/dead-letter.ts';
import { decodeFindingsRecord } from '../../src/pipeline/findings.ts';

/** The assessment that a record of the findings log carries, if it does. */
export function assessmentsOf({ value }: LogRecord): readonly Assessment[] {
  const record = decodeFindingsRecord(value as Buffer);
  return record.kind === 'assessment' ? [record.assessment] : [];
}

/** What of the events log is an event, and no verdict or notice. */
export function* eventsOf(records: Iterable<LogRecord>): Generator<LogRecord> {
  for (const record of records) if (asideIn(record.value as Buffer) === undefined) yield record;
}

/** The id of a stored event. */
export function idOfStored({ value }: LogRecord): string {
  return (JSON.parse((value as Buffer).toString()) as { id: string }).id;
}

export function idOfLetter({ value }: LogRecord): string {
  return decodeDeadLetter(value as Buffer).id;
}

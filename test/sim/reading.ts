import type { Assessment } from '../../src/domain/finding.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { decodeDeadLetter } from '../../src/pipeline/dead-letter.ts';
import { decodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { rollbackIn } from '../../src/pipeline/rollback-record.ts';
import { verdictIn } from '../../src/pipeline/verdict-record.ts';

/** The assessment that a record of the findings log carries, if it does. */
export function assessmentsOf({ value }: LogRecord): readonly Assessment[] {
  const record = decodeFindingsRecord(value as Buffer);
  return record.kind === 'assessment' ? [record.assessment] : [];
}

/** What of the events log is an event, and nothing that people say. */
export function* eventsOf(records: Iterable<LogRecord>): Generator<LogRecord> {
  for (const record of records) if (saidIn(record.value as Buffer) === undefined) yield record;
}

/** What a person says of a token in a record of the events log. */
export function saidIn(value: Buffer) {
  return verdictIn(value) ?? rollbackIn(value);
}

/** The id of a stored event. */
export function idOfStored({ value }: LogRecord): string {
  return (JSON.parse((value as Buffer).toString()) as { id: string }).id;
}

export function idOfLetter({ value }: LogRecord): string {
  return decodeDeadLetter(value as Buffer).id;
}

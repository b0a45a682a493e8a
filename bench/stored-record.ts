import type { AuditEvent } from '../src/domain/audit-event.ts';
import { blankEvent } from '../src/domain/blank-event.ts';
import { networkOf } from '../src/enrich/network.ts';
import { factsFinder } from '../src/enrich/statement-facts.ts';
import { encodeStoredEvent } from '../src/normalise/stored-event.ts';
import { createKeys } from '../src/runtime/keys.ts';
import type { CanonicalRecord } from '../src/simulate/fleet.ts';

const factsOfStatement = factsFinder(createKeys('bench').fingerprint);

export interface StoredRecord {
  readonly key: string;
  readonly value: Buffer;
}

/**
 * A made-up record as collect would have stored it.
 *
 * @param settledTo see `StoredEvent`
 */
export function storedRecord(record: CanonicalRecord, id: string, settledTo: number | null = null): StoredRecord {
  const event: AuditEvent = {
    ...blankEvent(id, record.token, Date.parse(record.time)),
    principal: record.principal,
    address: record.source_ip,
    network: networkOf(record.source_ip),
    database: record.database,
    operation: record.operation,
    tables: record.tables,
    statement: record.statement,
    ...factsOfStatement(record.statement, record.tables),
    rows: record.rows,
    bytes: record.bytes,
    success: record.success,
    application: record.app,
    session: record.session,
  };
  return { key: record.token, value: Buffer.from(encodeStoredEvent(event, settledTo)) };
}

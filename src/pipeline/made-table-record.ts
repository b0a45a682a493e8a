import type { AuditEvent } from '../domain/audit-event.ts';
import type { MadeTable } from '../domain/made-table.ts';
import { partitionOf } from '../domain/partition.ts';
import { madeTableOf } from '../domain/table-use.ts';
import type { NewRecord } from '../log/log.ts';
import { besideEventIn } from './beside-event.ts';

/** How a table that was made stands among the events of other partitions. */
const BEGINNINGS = [Buffer.from('{"made":')];

/**
 * What the other partitions are to know of an event: a release's tables are made by a token that is seldom in the partition of those that use them. A
 * second copy changes nothing, and neither does one too few but that the release may be told.
 */
export function madeTableRecords(event: AuditEvent, partitionCount: number): readonly NewRecord[] {
  const table = madeTableOf(event);
  if (table === undefined) return [];
  const made: MadeTable = { table, token: event.token, at: event.at };
  const value = Buffer.from(JSON.stringify({ made }));
  const own = partitionOf(event.token, partitionCount);
  const others = [...Array(partitionCount).keys()].filter((partition) => partition !== own);
  return others.map((partition) => ({ key: null, value, partition }));
}

/** The table that a record of the events log tells of instead of an event; `undefined`: none. */
export function madeTableIn(value: Uint8Array): MadeTable | undefined {
  return besideEventIn(value, BEGINNINGS, ({ made }: { readonly made: MadeTable }) => {
    const isWhole = typeof made.table === 'string' && typeof made.token === 'string' && Number.isFinite(made.at);
    return isWhole ? made : undefined;
  });
}

import { createReadStream } from 'node:fs';
import type { AuditEvent, Operation } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { networkOf } from '../../src/enrich/network.ts';
import { readLines } from '../../src/ingest/lines.ts';
import { unpack } from '../../src/ingest/unpack.ts';
import { decodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { readXes } from './xes.ts';

/** How each recorded log becomes events, in order of time. What none of them has stays unknown. */
export const SOURCES: Readonly<Record<string, (path: string) => Promise<readonly AuditEvent[]>>> = {
  /**
   * BPI Challenge 2012 (van Dongen, 4TU.ResearchData, doi 10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f): a bank's staff and one
   * system account at work on loan applications. The activity stands for the table, the step for the operation, the application for the
   * session, the amount for bytes. No addresses, no failures.
   */
  bpic12: async (path) => {
    const operations: Record<string, Operation> = { SCHEDULE: 'insert', START: 'select', COMPLETE: 'update' };
    const events: AuditEvent[] = [];
    for await (const { event, trace } of readXes(path)) {
      const token = event.get('org:resource');
      const at = Date.parse(event.get('time:timestamp') ?? '');
      if (token === undefined || Number.isNaN(at)) continue;
      events.push({
        ...blankEvent(`bpic12/${events.length}`, token, at),
        database: 'loans',
        operation: operations[event.get('lifecycle:transition') ?? ''] ?? null,
        tables: [event.get('concept:name') ?? 'unknown'],
        rows: 1,
        bytes: Number(trace.get('AMOUNT_REQ') ?? trace.get('case_AMOUNT_REQ') ?? Number.NaN) || null,
        session: trace.get('concept:name') ?? null,
      });
    }
    return inOrder(events);
  },
  /** Whatever is canonical already: `tokenwarden simulate`, an archive's export. */
  canonical: async (path) => {
    const events: AuditEvent[] = [];
    const file = createReadStream(path);
    for await (const { value, offset } of readLines(path.endsWith('.gz') ? unpack(file) : file)) {
      const event = decodeStoredEvent(value, `canonical/${offset}`);
      if (!('code' in event)) events.push({ ...event, network: event.address && networkOf(event.address) });
    }
    return inOrder(events);
  },
};

function inOrder(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.toSorted((a, b) => a.at - b.at);
}

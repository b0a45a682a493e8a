import type { AuditEvent } from '../domain/audit-event.ts';
import type { Normaliser, Outcome, RawRecord } from './format.ts';
import type { Unreadable } from './stored-event.ts';

/** What one record is by itself: an event, nothing to see, or unreadable. */
export type ReadRecord =
  | { readonly kind: 'event'; readonly event: AuditEvent }
  | { readonly kind: 'ignored'; readonly rule: string }
  | ({ readonly kind: 'unreadable' } & Unreadable);

/** The normaliser of a format whose records stand for themselves: nothing is ever held back. */
export function oneForOne(read: (record: RawRecord) => ReadRecord): Normaliser {
  return {
    push: (record) => [outcomeOf(read(record), [record.id])],
    flush: () => [],
  };
}

/** Settles records by what was read from them. */
export function outcomeOf(read: ReadRecord, settles: readonly string[]): Outcome {
  switch (read.kind) {
    case 'event':
      return { kind: 'event', event: read.event, settles };
    case 'ignored':
      return { kind: 'ignored', rule: read.rule, settles };
    case 'unreadable':
      return { kind: 'dead-letter', code: read.code, reason: read.reason, settles };
    default:
      throw read satisfies never;
  }
}

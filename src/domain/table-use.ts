import type { AuditEvent, Operation } from './audit-event.ts';

/** Made lately, by operation and table: the same few are asked for at every event. */
const made = new Map<Operation | null, Map<string, string>>();
const MADE_MAX = 4096;
let madeCount = 0;
/** An event's is asked for by several, one after the other. */
let lastOperation: Operation | null = null;
let lastTable = '';
let lastUse = '';

/** What is done to a table, in words: `select public.orders`. What the source does not say is left out. */
export function tableUse(operation: Operation | null, table: string): string {
  if (table === lastTable && operation === lastOperation) return lastUse;
  lastOperation = operation;
  lastTable = table;
  lastUse = made.get(operation)?.get(table) ?? make(operation, table);
  return lastUse;
}

function make(operation: Operation | null, table: string): string {
  if (madeCount >= MADE_MAX) {
    made.clear();
    madeCount = 0;
  }
  const use = operation === null ? table : `${operation} ${table}`;
  const ofOperation = made.get(operation) ?? new Map<string, string>();
  made.set(operation, ofOperation.set(table, use));
  madeCount += 1;
  return use;
}

/** Whether an event makes the one table it names. With others beside it, the rows come from somewhere: no table of a release. */
export function makesTable({
  tables,
  operation,
  success,
}: Pick<AuditEvent, 'tables' | 'operation' | 'success'>): boolean {
  return operation === 'create' && success !== false && tables.length === 1;
}

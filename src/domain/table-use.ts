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

/** `if not exists` succeeds on a table that has been there for years; without it, success proves that there was none. An index or a view of a table is none either. */
const MAKES = /^\s*create\s+(?:\w+\s+){0,3}table\s+(?!if\s+not\s+exists\b)/i;

/**
 * Whether an event makes the one table it names, as far as its source says. With others beside it, the rows come from somewhere: no table of a
 * release.
 */
export function makesTable({ tables, operation, success, statement }: Making): boolean {
  if (operation !== 'create' || success === false || tables.length !== 1) return false;
  return statement === null || MAKES.test(statement);
}

/** What tells whether an event makes a table. */
export type Making = Pick<AuditEvent, 'tables' | 'operation' | 'success' | 'statement'>;

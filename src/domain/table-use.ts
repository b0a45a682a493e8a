import type { AuditEvent, Operation } from './audit-event.ts';

/** Put in words lately, by operation and table: the same few are asked for at every event. */
const worded = new Map<Operation | null, Map<string, string>>();
const WORDED_MAX = 4096;
let wordedCount = 0;
/** An event's is asked for by several, one after the other. */
let lastOperation: Operation | null = null;
let lastTable = '';
let lastUse = '';

/** What is done to a table, in words: `select public.orders`. What the source does not say is left out. */
export function tableUse(operation: Operation | null, table: string): string {
  if (table === lastTable && operation === lastOperation) return lastUse;
  lastOperation = operation;
  lastTable = table;
  lastUse = worded.get(operation)?.get(table) ?? put(operation, table);
  return lastUse;
}

function put(operation: Operation | null, table: string): string {
  if (wordedCount >= WORDED_MAX) {
    worded.clear();
    wordedCount = 0;
  }
  const use = operation === null ? table : `${operation} ${table}`;
  const ofOperation = worded.get(operation) ?? new Map<string, string>();
  worded.set(operation, ofOperation.set(table, use));
  wordedCount += 1;
  return use;
}

/**
 * `if not exists` succeeds on a table that has been there for years; without it, success proves that there was none. An index or a view of a table is none either, and
 * one that is foreign or external has its rows elsewhere.
 */
const MAKES = /^\s*create\s+(?:(?!foreign\b|external\b)\w+\s+){0,3}table\s+(?!if\b)["`[\w]/i;
/** What it is made with: rows that come from somewhere are those of no release. */
const FILLS = /\b(?:select|clone|copy|execute|as\s+table)\b/i;
const REFERENCES = /\breferences\b/gi;

/**
 * The table that an event makes, empty and as far as its source says; `undefined`: none. Others may be named beside it only as what it refers to.
 */
export function madeTableOf(event: Making): string | undefined {
  // First what rules nearly all of them out: a statement is a text to be made. And who does not say that it succeeded has proved nothing.
  if (event.operation !== 'create' || event.success !== true) return undefined;
  const [table, ...others] = event.tables;
  const { statement } = event;
  if (statement === null) return others.length === 0 ? table : undefined;
  if (!MAKES.test(statement) || FILLS.test(statement)) return undefined;
  const referenceCount = statement.match(REFERENCES)?.length ?? 0;
  return others.length <= referenceCount ? table : undefined;
}

/** What tells whether an event makes a table. */
export type Making = Pick<AuditEvent, 'tables' | 'operation' | 'success' | 'statement'>;

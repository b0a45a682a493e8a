import { type AuditEvent, LIMITS, type Operation } from '../domain/audit-event.ts';
import { tablesOf } from './fields.ts';
import type { Normaliser, Outcome, RawRecord } from './format.ts';
import { type AuditEntry, type PgLine, readPgLine } from './pgaudit-line.ts';
import { type AnalysedSql, analyseSql, operationOfKeyword, UNREADABLE_TABLE } from './sql.ts';

/** Sessions of which a statement is held back at the same time. */
export const HELD_SESSIONS_MAX = 512;
/** Entries one event is made of: a loop in a function writes one each time round. */
export const HELD_ENTRIES_MAX = 256;
/** A statement's entries are written in one go. What comes so much later in the log, in time or in lines, belongs to the next one. */
const HELD_MS = 200;
const HELD_LINES = 256;

/** Entries of one statement, of which more may follow. */
interface HeldStatement {
  readonly statementId: string;
  readonly recordIds: string[];
  readonly base: AuditEvent;
  /** Of the whole statement, as the server calls it. */
  readonly command: string;
  readonly tables: Set<string>;
  rows: number | null;
  /** The entry that says best what the client sent. */
  main: AuditEntry;
  analysed: AnalysedSql;
  lastAt: number;
  lastLine: number;
}

type Line<K extends PgLine['kind']> = Extract<PgLine, { kind: K }>;

/**
 * Makes one event of a statement's entries: pgaudit writes one for each table, and for each statement within a function. They are held back
 * until the session says something else, or the log has moved on; there is no clock in this but the log's own.
 */
export class StatementCollector implements Normaliser {
  /** By session, the one that changed last at the end. */
  readonly #held = new Map<string, HeldStatement>();
  #line = 0;

  push(record: RawRecord): readonly Outcome[] {
    this.#line += 1;
    const line = readPgLine(record);
    if (line.kind === 'unreadable') {
      const { code, reason } = line;
      return [{ kind: 'dead-letter', code, reason, settles: [record.id] }];
    }
    const session = line.kind === 'ignored' ? line.session : line.base.session;
    const outcomes = this.#releaseDue(line.kind === 'ignored' ? line.at : line.base.at, session);
    if (line.kind === 'entry') outcomes.push(...this.#takeEntry(line, record.id));
    else {
      const held = session === null ? undefined : this.#release(session);
      outcomes.push(...settle(line, record.id, held));
    }
    return outcomes;
  }

  flush(): readonly Outcome[] {
    const outcomes = [...this.#held.values()].map((held) => outcomeOf(eventOf(held, true), held.recordIds));
    this.#held.clear();
    return outcomes;
  }

  #takeEntry(line: Line<'entry'>, recordId: string): readonly Outcome[] {
    const { session } = line.base;
    if (session === null) return [outcomeOf(eventOf(this.#begin(line, recordId), true), [recordId])];
    const held = this.#release(session);
    const continues = held?.statementId === line.entry.statementId && held.recordIds.length < HELD_ENTRIES_MAX;
    const next = continues ? this.#add(held, line, recordId) : this.#begin(line, recordId);
    this.#held.set(session, next);
    const outcomes = held && !continues ? [outcomeOf(eventOf(held, true), held.recordIds)] : [];
    const [oldest] = this.#held.keys();
    if (this.#held.size > HELD_SESSIONS_MAX && oldest !== undefined) {
      const evicted = this.#release(oldest);
      if (evicted) outcomes.push(outcomeOf(eventOf(evicted, true), evicted.recordIds));
    }
    return outcomes;
  }

  #begin({ base, command, entry }: Line<'entry'>, recordId: string): HeldStatement {
    const analysed = analyse(entry.sql ?? '');
    const held: HeldStatement = {
      statementId: entry.statementId,
      recordIds: [recordId],
      base,
      command,
      tables: new Set(),
      rows: entry.rows,
      main: entry,
      analysed,
      lastAt: base.at,
      lastLine: this.#line,
    };
    if (entry.table !== null) held.tables.add(entry.table);
    return held;
  }

  #add(held: HeldStatement, { base, entry }: Line<'entry'>, recordId: string): HeldStatement {
    held.recordIds.push(recordId);
    if (entry.table !== null && held.tables.size < LIMITS.tablesMax) held.tables.add(entry.table);
    if (entry.rows !== null) held.rows = Math.max(held.rows ?? 0, entry.rows);
    if (isBetter(entry, held)) {
      const isSameText = entry.substatementId === held.main.substatementId || entry.sql === null;
      if (!isSameText) held.analysed = analyse(entry.sql ?? '');
      held.main = entry;
    }
    held.lastAt = base.at;
    held.lastLine = this.#line;
    return held;
  }

  #release(session: string): HeldStatement | undefined {
    const held = this.#held.get(session);
    this.#held.delete(session);
    return held;
  }

  /** Settles what has waited long enough, the present session's own aside. */
  #releaseDue(at: number, session: string | null): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const [other, held] of this.#held) {
      if (at - held.lastAt <= HELD_MS && this.#line - held.lastLine <= HELD_LINES) break;
      if (other === session) continue;
      this.#held.delete(other);
      outcomes.push(outcomeOf(eventOf(held, true), held.recordIds));
    }
    return outcomes;
  }
}

/** Settles a line that is no entry, and the statement its session had held back. */
function settle(
  line: Line<'ignored' | 'login' | 'error'>,
  recordId: string,
  held: HeldStatement | undefined,
): readonly Outcome[] {
  if (line.kind === 'error') {
    const analysed = analyse(line.sql);
    // Without pgaudit.log_rows, entries are written before the statement is carried out: the error belongs to them.
    if (held && !held.main.isFinished && held.analysed.statement === analysed.statement) {
      return [outcomeOf(eventOf(held, false), [...held.recordIds, recordId])];
    }
    const { operation, statement } = analysed;
    const event = { ...line.base, operation, tables: namedInText(analysed), statement, success: false };
    return [...released(held), outcomeOf(event, [recordId])];
  }
  if (line.kind === 'login') {
    return [...released(held), outcomeOf({ ...line.base, operation: 'connect', success: line.success }, [recordId])];
  }
  return [...released(held), { kind: 'ignored', rule: line.rule, settles: [recordId] }];
}

function analyse(sql: string): AnalysedSql {
  return analyseSql(sql, 'postgresql');
}

/**
 * Tables that only the text names, as pgaudit would name them. It spells out schemas, and a service's first duplicate key must not look like a
 * table it never touched: a name without a schema is taken for one of `public`, where most are.
 */
function namedInText({ tables }: AnalysedSql): readonly string[] {
  return tablesOf(tables.map(qualified));
}

function qualified(table: string): string {
  if (table.includes('.') || table === UNREADABLE_TABLE) return table;
  return `${table.startsWith('pg_') ? 'pg_catalog' : 'public'}.${table}`;
}

function released(held: HeldStatement | undefined): readonly Outcome[] {
  return held ? [outcomeOf(eventOf(held, true), held.recordIds)] : [];
}

function outcomeOf(event: AuditEvent, settles: readonly string[]): Outcome {
  return { kind: 'event', event, settles };
}

/**
 * Of the entries of the command that the client sent, the outermost: the last one if entries are written when a statement has finished, else the
 * first. Of an EXECUTE, what was carried out.
 */
function isBetter(entry: AuditEntry, { command, main }: HeldStatement): boolean {
  if (command === 'EXECUTE') return main.command === 'EXECUTE';
  if (main.command !== command) return entry.isFinished || entry.command === command;
  return entry.isFinished && entry.command === command;
}

/** What the client did; `command` is no command while the server does not show what it is doing (`update_process_title`). */
function operationOf({ command, main }: HeldStatement): Operation {
  const sent = command === 'EXECUTE' ? null : operationOfKeyword(firstWord(command));
  return sent ?? operationOfKeyword(firstWord(main.command)) ?? 'other';
}

function firstWord(text: string): string {
  return /^[A-Za-z]*/.exec(text)?.[0] ?? '';
}

/** Kinds of entries whose text may name tables though pgaudit does not: COPY, cursors, grants. */
const NAMING: ReadonlySet<string> = new Set(['READ', 'WRITE', 'ROLE', 'DDL']);

function eventOf(held: HeldStatement, success: boolean): AuditEvent {
  const { base, tables, rows, main, analysed } = held;
  const isNamedInText = tables.size === 0 && NAMING.has(main.category);
  return {
    ...base,
    operation: operationOf(held),
    tables: isNamedInText ? namedInText(analysed) : tablesOf(tables),
    statement: analysed.statement,
    rows,
    success,
  };
}

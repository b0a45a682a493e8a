import type { AuditEvent } from '../domain/audit-event.ts';
import { blankEvent } from '../domain/blank-event.ts';
import { addressOf, countOf, nameOf, timeOf, tokenOf } from './fields.ts';
import type { RawRecord } from './format.ts';
import { type JsonObject, parseJsonObject } from './json.ts';
import type { Unreadable } from './stored-event.ts';

/** What one line of PostgreSQL's `jsonlog` says. Texts are as the line has them: they still hold literals. */
export type PgLine =
  | ({ readonly kind: 'unreadable' } & Unreadable)
  | { readonly kind: 'ignored'; readonly rule: string; readonly at: number; readonly session: string | null }
  /** A login that was let in or refused. */
  | { readonly kind: 'login'; readonly base: AuditEvent; readonly success: boolean }
  /** A statement that failed. */
  | { readonly kind: 'error'; readonly base: AuditEvent; readonly sql: string }
  /** An entry of pgaudit. */
  | { readonly kind: 'entry'; readonly base: AuditEvent; readonly command: string; readonly entry: AuditEntry };

export interface AuditEntry {
  readonly statementId: string;
  readonly substatementId: string;
  /** READ, WRITE, FUNCTION, ROLE, DDL, MISC, MISC_SET. */
  readonly category: string;
  readonly command: string;
  /** Table or view, `null` for other objects and for none. */
  readonly table: string | null;
  /** `null`: not repeated, or not logged. */
  readonly sql: string | null;
  /** Rows, where pgaudit counts them. */
  readonly rows: number | null;
  /** Written after the statement was carried out (`pgaudit.log_rows`), so that no error of it can follow. */
  readonly isFinished: boolean;
}

const PREFIX = 'AUDIT: ';
const FIELDS_MIN = 9;
const TABLE_KINDS: ReadonlySet<string> = new Set([
  'TABLE',
  'VIEW',
  'MATERIALIZED VIEW',
  'FOREIGN TABLE',
  'PARTITIONED TABLE',
]);
/** Of all other commands pgaudit writes 0 rows, also of a COPY that took everything. */
const COUNTED: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** Reads a line of `jsonlog`. What identifies the client is in the line's own fields, which no client can write. */
export function readPgLine(record: RawRecord): PgLine {
  const parsed = parseJsonObject(record.value);
  if (!parsed.ok) return { kind: 'unreadable', ...parsed.unreadable };
  const line = parsed.object;
  const message = line['message'];
  if (typeof message !== 'string' || typeof line['error_severity'] !== 'string') {
    const reason = 'no line of jsonlog: "message" and "error_severity" must be texts (log_destination = jsonlog)';
    return { kind: 'unreadable', code: 'wrong-shape', reason };
  }
  const time = timeOf(line['timestamp']);
  if ('reason' in time) return { kind: 'unreadable', code: 'no-time', reason: `"timestamp" is ${time.reason}` };
  const token = tokenOf(line['user']);
  const session = nameOf(line['session_id']);
  if (token === null) return { kind: 'ignored', rule: 'server-message', at: time.at, session };
  const base: AuditEvent = {
    ...blankEvent(record.id, token, time.at),
    principal: token,
    address: addressOf(line['remote_host']),
    database: nameOf(line['dbname']),
    application: nameOf(line['application_name']),
    session,
    format: 'pgaudit',
  };
  return message.startsWith(PREFIX) ? readEntry(base, line, message) : readOther(base, line, message);
}

function readEntry(base: AuditEvent, line: JsonObject, message: string): PgLine {
  const fields = csvFields(message, PREFIX.length);
  if (fields === null || fields.length < FIELDS_MIN) {
    return { kind: 'unreadable', code: 'wrong-shape', reason: `no entry of pgaudit: fewer than ${FIELDS_MIN} fields` };
  }
  const [, statementId = '', substatementId = '', category = '', command = '', objectKind = '', object = '', sql = ''] =
    fields;
  const entry: AuditEntry = {
    statementId: statementId.slice(0, 32),
    substatementId: substatementId.slice(0, 32),
    category,
    command,
    table: TABLE_KINDS.has(objectKind) && object !== '' ? unquoted(object) : null,
    sql: sql === '<previously logged>' || sql === '<not logged>' ? null : sql,
    rows: COUNTED.has(command) ? countOf(fields[9]) : null,
    isFinished: fields[9] !== undefined,
  };
  const ps = line['ps'];
  return { kind: 'entry', base, command: typeof ps === 'string' ? ps : command, entry };
}

function readOther(base: AuditEvent, line: JsonObject, message: string): PgLine {
  const severity = line['error_severity'];
  const state = typeof line['state_code'] === 'string' ? line['state_code'] : '';
  const sql = line['statement'];
  const ignored = (rule: string): PgLine => ({ kind: 'ignored', rule, at: base.at, session: base.session });
  if (severity === 'LOG') {
    if (/^(replication )?connection authorized:/.test(message)) return { kind: 'login', base, success: true };
    return ignored(message.startsWith('disconnection:') ? 'disconnection' : 'no-audit-entry');
  }
  if (severity !== 'ERROR' && severity !== 'FATAL') return ignored('no-audit-entry');
  // Operator intervention: the server ended a session, the client did nothing.
  if (state.startsWith('57P')) return ignored('ended-by-server');
  // Only FATAL: a client can raise an ERROR with any code it likes.
  if (severity === 'FATAL' && state.startsWith('28')) return { kind: 'login', base, success: false };
  // Workers of one statement fail together, each with a line of its own.
  if (line['backend_type'] === 'parallel worker') return ignored('parallel-worker');
  return typeof sql === 'string' && sql !== '' ? { kind: 'error', base, sql } : ignored('error-without-statement');
}

/** The fields of one line of CSV, in which quotes stand around a whole field only and are doubled within. `null`: a quote is not closed. */
export function csvFields(text: string, start: number): readonly string[] | null {
  const fields: string[] = [];
  for (let position = start; position <= text.length; ) {
    let end: number;
    if (text.charAt(position) === '"') {
      end = text.indexOf('"', position + 1);
      while (end !== -1 && text.charAt(end + 1) === '"') end = text.indexOf('"', end + 2);
      if (end === -1) return null;
      fields.push(text.slice(position + 1, end).replaceAll('""', '"'));
      end += 1;
    } else {
      end = text.indexOf(',', position);
      if (end === -1) end = text.length;
      fields.push(text.slice(position, end));
    }
    position = end + 1;
    // More than any entry has, as a line that is no entry might.
    if (fields.length > 32) break;
  }
  return fields;
}

/** `public."Odd ""name"""` without its quotes. */
function unquoted(name: string): string {
  return name.replace(/"((?:[^"]|"")*)"/g, (_, inner: string) => inner.replaceAll('""', '"'));
}

import { LIMITS, type Operation } from '../domain/audit-event.ts';
import { cut, nameOf, tablesOf } from './fields.ts';
import { scanTables } from './sql-tables.ts';
import { type SqlDialect, type SqlToken, tokenise } from './sql-tokens.ts';

/** What a statement's text says about it. */
export interface AnalysedSql {
  /** By its first keyword, by what comes after its `with`; of several statements the first that is no mere setting. `null`: no statement. */
  readonly operation: Operation | null;
  /**
   * Tables and views named in it, lower case, as qualified as written; names made up within it (`with`) left out. Where the text could not be
   * read to its end, `?` stands for what the rest may name, so that nobody hides a table behind a quote that is never closed.
   */
  readonly tables: readonly string[];
  /** The text without literals and comments, white space as single spaces. `null`: nothing is left. */
  readonly statement: string | null;
}

/** Stands for tables that a text may name beyond the point to which it could be read. */
export const UNREADABLE_TABLE = '?';

/**
 * Reads an SQL text without trusting it: by pieces, not by a grammar, so that no statement is too odd, too deep or too broken to be read, and
 * nobody hides a table behind a syntax error. Bounded in time by the text's length.
 *
 * @param dialect what may be a literal depends on it; with `unknown`, all that might be one is left out
 */
export function analyseSql(sql: string, dialect: SqlDialect): AnalysedSql {
  const { tokens, cut: wasCut } = tokenise(sql, dialect);
  const { verbs, tables } = scanTables(tokens);
  const named = wasCut ? [UNREADABLE_TABLE, ...tables] : tables;
  return { operation: operationOf(verbs), tables: tablesOf(named), statement: shown(tokens, wasCut) };
}

/** The operation that a keyword stands for; also the command tags of PostgreSQL, whose first word is one. */
export function operationOfKeyword(keyword: string): Operation | null {
  return OPERATION_OF.get(keyword.toLowerCase()) ?? null;
}

const OPERATION_OF: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    select: 'select values table fetch declare',
    insert: 'insert replace upsert',
    update: 'update',
    delete: 'delete',
    merge: 'merge',
    truncate: 'truncate',
    copy: 'copy load unload',
    create: 'create import',
    alter: 'alter rename',
    drop: 'drop',
    grant: 'grant',
    revoke: 'revoke',
    call: 'call do',
    set: 'set reset discard use',
    show: 'show describe desc',
    transaction: 'begin start commit rollback abort savepoint release end',
    other: [
      'explain prepare execute deallocate close move analyze vacuum cluster reindex refresh lock comment security reassign',
      'listen unlisten notify checkpoint kill flush optimize',
    ].join(' '),
  } satisfies Partial<Record<Operation, string>>).flatMap(([operation, words]) =>
    words.split(' ').map((word) => [word, operation as Operation] as const),
  ),
);

const PREPARING: ReadonlySet<Operation | null> = new Set<Operation | null>(['set', 'show', 'transaction', null]);

function operationOf(verbs: readonly string[]): Operation | null {
  const operations = verbs.map(operationOfKeyword);
  const main = operations.find((operation) => !PREPARING.has(operation)) ?? operations.find((one) => one !== null);
  return main ?? (verbs.length > 0 ? 'other' : null);
}

/** Words after which a name in double quotes cannot be a text, whichever database reads it. */
const BEFORE_NAMES: ReadonlySet<string> = new Set(['from', 'join', 'into', 'update', 'table', 'only']);
/** Statements in which passwords are set. A password without quotes is an error, and errors are logged. */
const SETTING_PASSWORDS: ReadonlySet<string> = new Set(['alter', 'create', 'grant', 'set']);

function shown(tokens: readonly SqlToken[], wasCut: boolean): string | null {
  const setsPasswords = SETTING_PASSWORDS.has(tokens[0]?.lower ?? '');
  let text = '';
  for (const [i, token] of tokens.entries()) {
    if (text.length > LIMITS.statementCharsMax) break;
    if (token.spaced && text !== '') text += ' ';
    text += pieceOf(tokens, i, setsPasswords);
  }
  if (text === '') return null;
  return cut(wasCut ? `${text} …` : text, LIMITS.statementCharsMax);
}

function pieceOf(tokens: readonly SqlToken[], i: number, setsPasswords: boolean): string {
  const token = tokens[i];
  const before = tokens[i - 1];
  if (token === undefined) return '';
  if (token.kind === 'literal' || token.kind === 'symbol') return nameOf(token.text) ?? '';
  if (setsPasswords && before?.lower === 'password' && token.lower !== 'null') return '?';
  if (token.kind === 'word') return nameOf(token.text) ?? '';
  const isName = before?.text === '.' || tokens[i + 1]?.text === '.' || BEFORE_NAMES.has(before?.lower ?? '');
  return token.kind === 'quoted' || isName ? `"${(nameOf(token.text) ?? '').replaceAll('"', '""')}"` : '?';
}

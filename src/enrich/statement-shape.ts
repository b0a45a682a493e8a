const LIST = /\?(?: ?, ?\?)+/g;
const ROWS = /\(\?\)(?: ?, ?\(\?\))+/g;
const NUMBERED = /\$\d+/g;
const DIGITS = /\d+/g;
const NAME = /[\p{L}\p{N}_$.]+/gu;

/**
 * A statement without what changes from one run of it to the next: literals and parameters (one `?`, however many in a row), capitals, numbers in
 * names; and without its tables, which others look at: what is new here is new beside a new table. Two runs of the same code have the same shape.
 *
 * @param statement without its literals, as normalisers leave it
 * @param tables as normalisers name them
 */
export function shapeOf(statement: string, tables: readonly string[]): string {
  const named = new Set(tables.flatMap((table) => [table, table.slice(table.lastIndexOf('.') + 1)]));
  return statement
    .toLowerCase()
    .replace(NAME, (name) => (named.has(name) ? 't' : name))
    .replace(NUMBERED, '?')
    .replace(DIGITS, '0')
    .replace(LIST, '?')
    .replace(ROWS, '(?)');
}

import { LRUCache } from 'lru-cache';

/** Longer ones are not kept: an attacker's are no two alike. */
const KEPT_CHARS_MAX = 1024;
const KEPT = 2000;
/** 48 bits: a token has hundreds. */
const NAME_CHARS = 12;
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

/**
 * Names shapes by a keyed hash, so that nobody can make a statement that passes for another. Those seen lately are kept, since most repeat.
 *
 * @param hash keyed and one-way, hexadecimal
 */
export function shapeNamer(hash: (text: string) => string): (statement: string, tables: readonly string[]) => string {
  const names = new LRUCache<string, string>({ max: KEPT });
  return (statement, tables) => {
    // Some sources say which tables, others leave it to the statement.
    const key = [statement, ...tables].join('\n');
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = hash(shapeOf(statement, tables)).slice(0, NAME_CHARS);
    if (key.length <= KEPT_CHARS_MAX) names.set(key, name);
    return name;
  };
}

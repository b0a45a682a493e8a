import { LRUCache } from 'lru-cache';
import { isUnboundedRead } from './statement-bounds.ts';
import { shapeOf } from './statement-shape.ts';

/** What a statement says by its words, beyond its operation and its tables. */
export interface StatementFacts {
  /** The name of its shape. */
  readonly shape: string;
  /** Whether it reads all there is of a table; `null`: it reads none. */
  readonly isUnbounded: boolean | null;
}

/** Longer ones are not kept: an attacker's are no two alike. */
const KEPT_CHARS_MAX = 1024;
const KEPT = 2000;
/** 48 bits: a token has hundreds. */
const NAME_CHARS = 12;

/**
 * Finds what there is to know of statements. Shapes are named by a keyed hash, so that nobody can make a statement that passes for another. Those seen
 * lately are kept, since most repeat.
 *
 * @param hash keyed and one-way, hexadecimal
 */
export function factsFinder(
  hash: (text: string) => string,
): (statement: string, tables: readonly string[]) => StatementFacts {
  const found = new LRUCache<string, StatementFacts>({ max: KEPT });
  return (statement, tables) => {
    // Some sources say which tables, others leave it to the statement.
    const key = [statement, ...tables].join('\n');
    const known = found.get(key);
    if (known !== undefined) return known;
    const shape = hash(shapeOf(statement, tables)).slice(0, NAME_CHARS);
    const facts = { shape, isUnbounded: isUnboundedRead(statement) };
    if (key.length <= KEPT_CHARS_MAX) found.set(key, facts);
    return facts;
  };
}

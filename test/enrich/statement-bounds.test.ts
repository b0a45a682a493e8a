import { describe, expect, it } from 'vitest';
import { isUnboundedRead } from '../../src/enrich/statement-bounds.ts';

describe('isUnboundedRead', () => {
  it.each([
    'SELECT * FROM orders',
    'select a, b from orders o join carts c on c.id = o.cart order by a',
    'SELECT * FROM orders WHERE true',
    'SELECT * FROM orders WHERE ? = ? ORDER BY id',
    'SELECT count(*), json_agg(o) FROM orders o',
    'SELECT customer, sum(total) FROM orders GROUP BY customer',
    'TABLE orders',
    'COPY orders TO STDOUT',
    'COPY (SELECT * FROM orders) TO PROGRAM ?',
    'UNLOAD (?) TO ?',
    'SELECT * FROM orders WHERE id = ? INTO OUTFILE ?',
    'SELECT "limit" FROM "where"',
  ])('takes all: %s', (statement) => {
    expect(isUnboundedRead(statement)).toBe(true);
  });

  it.each([
    'SELECT * FROM orders WHERE id = $1',
    'SELECT * FROM orders LIMIT ?',
    'SELECT TOP ? * FROM orders',
    'SELECT * FROM orders FETCH FIRST ? ROWS ONLY',
    'SELECT count(*) FROM orders',
    'select max(id) as last, min(id) from orders',
    'WITH o AS (SELECT * FROM orders WHERE day = ?) SELECT * FROM o',
    'COPY (SELECT * FROM orders WHERE day = ?) TO STDOUT',
    'SELECT * FROM orders WHERE ? = ? AND id = ?',
  ])('takes a part: %s', (statement) => {
    expect(isUnboundedRead(statement)).toBe(false);
  });

  it.each([
    'INSERT INTO t VALUES (?, ?)',
    'INSERT INTO stage SELECT * FROM generate_series(?, ?)',
    'COPY t FROM STDIN',
    'SELECT now()',
    'UPDATE t SET a = ?',
    'EXPLAIN SELECT * FROM t',
  ])('reads nothing: %s', (statement) => {
    expect(isUnboundedRead(statement)).toBeNull();
  });

  it('is quick on what makes regular expressions slow', () => {
    const startedAt = performance.now();
    for (const piece of ['count(', 'count(*), ', 'where ? = ', '"', '[', 'select from '])
      isUnboundedRead(`select ${piece.repeat(4000)}`);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

import { describe, expect, it } from 'vitest';
import { factsFinder } from '../../src/enrich/statement-facts.ts';
import { createKeys } from '../../src/runtime/keys.ts';

function namer(key: string) {
  const factsOf = factsFinder(createKeys(key).fingerprint);
  return (statement: string, tables: readonly string[]) => factsOf(statement, tables).shape;
}

describe('factsFinder: shapes', () => {
  it('gives one shape one name, under each key another', () => {
    const [name, other] = [namer('7'), namer('8')];
    expect(name('SELECT 1', [])).toBe(name('select 2', []));
    expect(name('SELECT 1', [])).not.toBe(name('SELECT 1, a', []));
    expect(name('SELECT 1', [])).not.toBe(other('SELECT 1', []));
  });

  it('goes by the tables that are named, whatever was asked for before', () => {
    const name = namer('7');
    const inGeneral = name('SELECT * FROM orders', []);
    expect(name('SELECT * FROM orders', ['orders'])).toBe(name('SELECT * FROM carts', ['public.carts']));
    expect(name('SELECT * FROM orders', [])).toBe(inGeneral);
    expect(name('SELECT * FROM orders', ['orders'])).not.toBe(inGeneral);
  });
});

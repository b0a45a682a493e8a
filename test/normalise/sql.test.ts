import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/audit-event.ts';
import { analyseSql } from '../../src/normalise/sql.ts';
import type { SqlDialect } from '../../src/normalise/sql-tokens.ts';

const DIALECTS: readonly SqlDialect[] = ['postgresql', 'mysql', 'unknown'];

describe('analyseSql: operation and tables', () => {
  it.each<[string, string | null, readonly string[]]>([
    ['select 1', 'select', []],
    ['SELECT * FROM Public.Orders o WHERE o.id = 7', 'select', ['public.orders']],
    [
      'select * from a, b as x, (select * from c) d join e using (id) left join f on f.id = a.id',
      'select',
      ['a', 'b', 'c', 'e', 'f'],
    ],
    ['insert into log (x) select x from source returning id', 'insert', ['log', 'source']],
    ['update only accounts set a = 1 from other where other.id = accounts.id', 'update', ['accounts', 'other']],
    ['delete from sessions using users where users.id = sessions.id', 'delete', ['sessions', 'users']],
    ['merge into stock s using delivery d on s.id = d.id when matched then delete', 'merge', ['stock', 'delivery']],
    ['truncate table a, b cascade', 'truncate', ['a', 'b']],
    ['copy hr.salaries (id, salary) to stdout', 'copy', ['hr.salaries']],
    ["copy (select * from auth.users) to program 'curl'", 'copy', ['auth.users']],
    ['create table new_one as select * from payment_cards', 'create', ['new_one', 'payment_cards']],
    ['alter table orders drop column id', 'alter', ['orders']],
    ['drop table if exists a, b', 'drop', ['a', 'b']],
    ['grant select on customers to thief', 'grant', ['customers']],
    ['with x as (select * from secrets) select * from x', 'select', ['secrets']],
    ['with gone as (delete from audit returning *) select count(*) from gone', 'delete', ['audit']],
    ['select extract(day from created) from orders', 'select', ['orders']],
    ['select * from generate_series(1, 9), orders', 'select', ['orders']],
    ['select * from "Odd ""name""".t', 'select', ['odd "name".t']],
    ['set search_path to x; select * from orders', 'select', ['orders']],
    ['begin', 'transaction', []],
    ['explain analyze select * from orders', 'other', ['orders']],
    ['select * from orders -- from customers', 'select', ['orders']],
    ['select * /* from customers */ from orders', 'select', ['orders']],
    ["select 'from customers' from orders", 'select', ['orders']],
    ['select * from orders where exists (select 1 from auth.users)', 'select', ['orders', 'auth.users']],
    ['frobnicate the database', 'other', []],
    ['', null, []],
    [' ;;; ', null, []],
  ])('%s', (sql, operation, tables) => {
    const analysed = analyseSql(sql, 'postgresql');
    expect(analysed.operation).toBe(operation);
    expect([...analysed.tables].sort()).toEqual([...tables].sort());
  });

  it('reads MySQL as MySQL does', () => {
    const { tables, statement } = analyseSql('select "from x", `t`.`c` from `shop`.`Orders` # from y', 'mysql');
    expect(tables).toEqual(['shop.orders']);
    expect(statement).toBe('select ?, "t"."c" from "shop"."Orders"');
  });

  it.each(["select * from a where b = 'never closed from c", 'select * from a /* never closed', 'select $q$ from a'])(
    'says that there may be more behind %s',
    (sql) => {
      expect(analyseSql(sql, 'postgresql').tables).toContain('?');
    },
  );
});

describe('analyseSql: what is left of a statement', () => {
  it.each([
    ["select * from t where a = 'x' and b = 12.5 and c = $1", 'select * from t where a = ? and b = ? and c = $1'],
    [
      "insert into t values ('a''b', E'c\\'d', $tag$e$$f$tag$, X'ff', 0x1F, -3e7)",
      'insert into t values (?, ?, ?, ?, ?, -?)',
    ],
    ['select  *\n\tfrom t -- a comment\n where x', 'select * from t where x'],
    ["alter role r password 'correct horse'", 'alter role r password ?'],
    ['alter role r password secret', 'alter role r password ?'],
    ['select "Mixed Case" from "T"', 'select "Mixed Case" from "T"'],
  ])('%s', (sql, expected) => {
    expect(analyseSql(sql, 'postgresql').statement).toBe(expected);
  });
});

/** Ways to write a text as a literal, so that its database reads the text again. */
const WRITTEN: Readonly<Record<'postgresql' | 'mysql', readonly ((text: string) => string)[]>> = {
  postgresql: [
    (text) => `'${text.replaceAll("'", "''").replaceAll('\\', '')}'`,
    (text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
    (text) => `e'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
    (text) => `$$${text.replaceAll('$', '')}$$`,
    (text) => `$Tag_1$${text.replaceAll('$', '$$')}$Tag_1$`,
    (text) => `N'${text.replaceAll("'", "''").replaceAll('\\', '')}'`,
    (text) => `/* ${text.replaceAll('*', '').replaceAll('/', '')} */ 1`,
    (text) => `1 -- ${text.replaceAll(/[\n\r]/g, ' ')}\n`,
  ],
  mysql: [
    (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
    (text) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '""')}"`,
    (text) => `_utf8mb4'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
    (text) => `1 # ${text.replaceAll(/[\n\r]/g, ' ')}\n`,
    (text) => `/* ${text.replaceAll('*', '').replaceAll('/', '')} */ 1`,
  ],
};

const SECRET = 'Sekret4711';
/** Texts of what confuses readers of SQL, with the secret somewhere. */
const pieces = fc.array(
  fc.constantFrom(
    "'",
    '"',
    '\\',
    '$',
    '$$',
    '--',
    '/*',
    '*/',
    ';',
    ' ',
    '\n',
    '`',
    '#',
    'E',
    'from x',
    'password ',
    '😀',
    '?',
    '%',
    'a',
  ),
  { maxLength: 8 },
);
const planted = fc.tuple(pieces, pieces).map(([before, after]) => `${before.join('')}${SECRET}${after.join('')}`);

describe('analyseSql: literals never get through', () => {
  it.each(['postgresql', 'mysql'] as const)('of %s, however they are written', (dialect) => {
    const literal = fc.tuple(planted, fc.constantFrom(...WRITTEN[dialect])).map(([text, written]) => written(text));
    const statement = fc
      .array(literal, { minLength: 1, maxLength: 4 })
      .chain((literals) =>
        fc.constantFrom(
          `select * from t where a = ${literals.join(' and b = ')}`,
          `insert into t values (${literals.join(', ')})`,
          `update t set x = ${literals.join(' || ')} where id in (select 1)`,
          `call f(${literals.join(',')}); select ${literals[0]}`,
        ),
      );
    fc.assert(
      fc.property(statement, (sql) => {
        const analysed = analyseSql(sql, dialect);
        expect(analysed.statement).not.toContain(SECRET);
        expect(analysed.tables.join(' ')).not.toContain(SECRET.toLowerCase());
      }),
      { numRuns: 3000, seed: 20_261_124 },
    );
  });

  it('not even where nobody knows which database it is for', () => {
    const literal = fc
      .tuple(planted, fc.constantFrom(...WRITTEN.postgresql, ...WRITTEN.mysql))
      .map(([text, written]) => written(text));
    fc.assert(
      fc.property(fc.array(literal, { minLength: 1, maxLength: 3 }), (literals) => {
        expect(
          analyseSql(`select * from t where a = ${literals.join(' and b = ')}`, 'unknown').statement,
        ).not.toContain(SECRET);
      }),
      { numRuns: 3000, seed: 20_261_124 },
    );
  });
});

describe('analyseSql: hostile text', () => {
  it('never throws, and keeps its bounds, whatever the text', () => {
    const fragment = fc.oneof(
      pieces.map((all) => all.join('')),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('(', ')', 'select ', 'with a as (', ' from '),
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 40 }), fc.constantFrom(...DIALECTS), (all, dialect) => {
        const { statement, tables } = analyseSql(all.join(''), dialect);
        expect((statement ?? '').length).toBeLessThanOrEqual(LIMITS.statementCharsMax);
        expect((statement ?? '').isWellFormed()).toBe(true);
        expect(tables.length).toBeLessThanOrEqual(LIMITS.tablesMax);
      }),
      { numRuns: 3000, seed: 20_261_124 },
    );
  });

  it.each([
    ['parentheses', '('.repeat(500_000)],
    ['quotes', "'a' ".repeat(125_000)],
    ['dollars', '$a'.repeat(250_000)],
    ['comments within comments', '/*'.repeat(250_000)],
    ['dashes', '-'.repeat(500_000)],
    ['with', `${'with a as ('.repeat(45_000)} select`],
    ['names', `select * from ${'a.'.repeat(250_000)}b`],
    ['commas', `select * from ${'a, '.repeat(160_000)}b`],
    ['backslashes', `select '${'\\'.repeat(500_000)}`],
  ])('half a megabyte of %s takes no longer than a moment', (_, sql) => {
    for (const dialect of DIALECTS) {
      const startedAt = performance.now();
      analyseSql(sql, dialect);
      expect(performance.now() - startedAt).toBeLessThan(1500);
    }
  });
});

import type { Client } from 'pg';
import { HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import type { Random } from '../../src/domain/random.ts';
import { connectTo, createRole, type PostgresServer } from './postgres-server.ts';

// A shop's database: its tables, and the roles that use it with their habits.

/** Of every role. */
export const PASSWORD = 'only-for-this-shop';

/** A role with its habits. */
interface Role {
  readonly name: string;
  readonly application: string;
  readonly addresses: readonly string[];
  /** When it logs in on a day, as times of that day, ms. */
  readonly sessions: (random: Random, weekday: number) => readonly number[];
  readonly statements: (random: Random) => readonly string[];
}

const isWorkday = (weekday: number) => weekday >= 1 && weekday <= 5;
/** About `count` sessions in each hour of `[from, to)`. */
const hourly = (from: number, to: number, count: number) => (random: Random) =>
  Array.from({ length: to - from }, (_, i) => from + i).flatMap((hour) =>
    Array.from({ length: random.poisson(count) }, () => hour * HOUR_MS + random.below(HOUR_MS)),
  );

/** With their schemas, as pg_dump names them. */
const DUMPED = [
  'public.orders',
  'public.order_items',
  'public.customers',
  'public.products',
  'public.invoices',
  'public.tickets',
  'hr.salaries',
  'auth.users',
];

export const ROLES: readonly Role[] = [
  {
    name: 'orders_app',
    application: 'orders/4.2',
    addresses: ['127.10.2.11', '127.10.2.12'],
    sessions: hourly(6, 22, 1.2),
    statements: (random) =>
      Array.from({ length: 3 + random.below(4) }, () =>
        random.pick([
          `select * from orders where customer_id = ${random.below(3000)} limit ${1 + random.below(20)}`,
          `select o.id, i.product, i.amount from orders o join order_items i on i.order_id = o.id where o.id = ${random.below(5000)}`,
          `update orders set state = 'paid' where id = ${random.below(5000)}`,
          `select name, email from customers where id = ${random.below(3000)}`,
        ]),
      ),
  },
  {
    name: 'billing_job',
    application: 'billing',
    addresses: ['127.10.1.5'],
    sessions: (random) => [2 * HOUR_MS + random.below(5 * MINUTE_MS)],
    statements: (random) => [
      `select id, total from invoices where id % 30 = ${random.below(30)}`,
      `select c.name, sum(i.total) from customers c join invoices i on i.customer_id = c.id where i.id % 10 = ${random.below(10)} group by c.name`,
      `insert into invoices (customer_id, total) select ${random.below(3000)}, ${random.below(900)} from generate_series(1, ${20 + random.below(15)})`,
      `update invoices set total = total + 1 where id % 300 = ${random.below(300)}`,
    ],
  },
  {
    name: 'support_ui',
    application: 'support-ui',
    addresses: ['127.10.4.9'],
    sessions: (random, weekday) => (isWorkday(weekday) ? hourly(7, 19, 1.5)(random) : []),
    statements: (random) =>
      Array.from({ length: 2 + random.below(4) }, () =>
        random.pick([
          `select * from tickets where state = 'open' order by id limit ${10 + random.below(15)}`,
          `select name, email from customers where email = 'someone${random.below(3000)}@example.com'`,
          `update tickets set state = 'answered' where id = ${random.below(2000)}`,
        ]),
      ),
  },
  {
    name: 'alice',
    application: 'DBeaver 24',
    addresses: ['127.20.3.7'],
    sessions: (random, weekday) => (isWorkday(weekday) ? hourly(8, 17, 0.6)(random) : []),
    statements: (random) =>
      Array.from({ length: 1 + random.below(5) }, () => {
        const table = random.pickZipf(['orders', 'order_items', 'customers', 'products', 'invoices', 'tickets']);
        return random.pick([`select count(*) from ${table}`, `select * from ${table} limit ${50 + random.below(300)}`]);
      }),
  },
  {
    name: 'backup',
    application: 'pg_dump',
    addresses: ['127.10.5.2'],
    sessions: (random) => [3 * HOUR_MS + 30 * MINUTE_MS + random.below(MINUTE_MS)],
    statements: () => DUMPED.map((table) => `copy ${table} to stdout`),
  },
  {
    name: 'auditor',
    application: 'psql',
    addresses: ['127.30.6.1'],
    sessions: (random, weekday) => (weekday === 1 ? [10 * HOUR_MS + random.below(3 * HOUR_MS)] : []),
    statements: () => ['select count(*) from invoices', 'select max(total) from invoices'],
  },
];

const TABLES: readonly string[] = [
  'create schema hr',
  'create schema auth',
  'create table customers as select i as id, $$Someone $$ || i as name, $$someone$$ || i || $$@example.com$$ as email from generate_series(1, 3000) i',
  'create table orders as select i as id, i % 3000 as customer_id, $$new$$ as state from generate_series(1, 5000) i',
  'create table order_items as select i as order_id, $$product $$ || i % 40 as product, i % 7 as amount from generate_series(1, 5000) i',
  'create table products as select i as id, $$product $$ || i as name from generate_series(1, 40) i',
  'create table invoices as select i as id, i % 3000 as customer_id, i % 900 as total from generate_series(1, 3000) i',
  'create table tickets as select i as id, case i % 9 when 0 then $$open$$ else $$answered$$ end as state from generate_series(1, 2000) i',
  'create table hr.salaries as select i as id, i * 10 as salary from generate_series(1, 4000) i',
  'create table auth.users as select i as id, md5(i::text) as password_hash from generate_series(1, 8000) i',
  'create table payment_cards as select i as id, md5(i::text) as number from generate_series(1, 6000) i',
  'create view secrets as select * from payment_cards',
  'revoke all on secrets from public',
];

/** What whoever stole a password asks for: what is there, then whole tables. */
export const LOOT: readonly string[] = [
  "select table_schema, table_name from information_schema.tables where table_schema not in ('pg_catalog')",
  'select * from auth.users',
  'select * from hr.salaries',
  'select * from payment_cards',
  'select * from customers',
];

/** Makes the tables and the roles. */
export async function openShop(admin: Client): Promise<void> {
  for (const statement of TABLES) await admin.query(statement);
  for (const { name } of ROLES) {
    await createRole(admin, name, PASSWORD);
    for (const schema of ['public', 'hr', 'auth']) {
      await admin.query(`grant usage on schema ${schema} to ${name}`);
      await admin.query(`grant select, insert, update on all tables in schema ${schema} to ${name}`);
    }
    await admin.query(`revoke all on secrets from ${name}`);
  }
}

/** One login and what is said. */
export interface Session {
  readonly role: string;
  readonly password: string;
  readonly address: string;
  readonly application: string;
  readonly statements: readonly string[];
}

/** Logs in. Rejects if the server does not let it. */
export function logIn(server: PostgresServer, session: Omit<Session, 'statements'>): Promise<Client> {
  const { role, password, address, application } = session;
  return connectTo(server, { user: role, password, address, application });
}

/** Says it all; what is refused is part of the record. Rejects when the session has ended. */
export async function say(client: Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    // Without a stream to take them, the rows of a COPY are sent and dropped.
    await client.query(statement).catch((cause: { code?: string }) => cause.code === '42501' || Promise.reject(cause));
  }
}

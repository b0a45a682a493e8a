import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { Client } from 'pg';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/baseline/time.ts';
import { createRandom, type Random } from '../../src/domain/random.ts';
import { connectTo, createRole, type PostgresServer, startPostgres } from './postgres-server.ts';

/**
 * Records two weeks of a PostgreSQL's audit log: `node test/support/record-pgaudit.ts`.
 *
 * The server, its clients, the tables and every line are real; only its clock is not: libfaketime (Debian package `faketime`) sets it to the
 * moment of each session, so that two weeks pass in a minute and PostgreSQL itself writes the times. The traffic comes from a seed.
 */

const LIBFAKETIME = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
];
const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'pgaudit');
const SEED = 'two weeks';
const START = Date.UTC(2026, 8, 7);
const DAYS = 14;
const PASSWORD = 'only-for-this-recording';

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

const ROLES: readonly Role[] = [
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
    statements: () =>
      ['orders', 'order_items', 'customers', 'products', 'invoices', 'tickets', 'hr.salaries', 'auth.users'].map(
        (table) => `copy ${table} to stdout`,
      ),
  },
  {
    name: 'auditor',
    application: 'psql',
    addresses: ['127.30.6.1'],
    sessions: (random, weekday) => (weekday === 1 ? [10 * HOUR_MS + random.below(3 * HOUR_MS)] : []),
    statements: () => ['select count(*) from invoices', 'select max(total) from invoices'],
  },
];

/** On the second Sunday, at three in the morning, somebody has the support tool's password. */
const THEFT = {
  role: 'support_ui',
  at: START + 13 * DAY_MS + 3 * HOUR_MS + 12 * MINUTE_MS,
  address: '127.66.7.8',
  application: 'psql',
  statements: [
    "select table_schema, table_name from information_schema.tables where table_schema not in ('pg_catalog')",
    'select * from auth.users',
    'select * from hr.salaries',
    'select * from payment_cards',
    'select * from customers',
  ],
};

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

interface Session {
  readonly at: number;
  readonly role: string;
  readonly password: string;
  readonly address: string;
  readonly application: string;
  readonly statements: readonly string[];
}

/** Everything that happens, in order. */
function plan(): readonly Session[] {
  const random = createRandom(SEED);
  const sessions: Session[] = [];
  for (let day = 0; day < DAYS; day++) {
    const weekday = new Date(START + day * DAY_MS).getUTCDay();
    for (const role of ROLES) {
      for (const time of role.sessions(random, weekday)) {
        sessions.push({
          at: START + day * DAY_MS + time,
          role: role.name,
          // People mistype.
          password: role.name === 'alice' && random.below(25) === 0 ? 'mistyped' : PASSWORD,
          address: random.pickZipf(role.addresses),
          application: role.application,
          // And try what they may not.
          statements: [
            ...role.statements(random),
            ...(role.name === 'alice' && random.below(40) === 0 ? ['select * from secrets'] : []),
          ],
        });
      }
    }
  }
  const { role, at, address, application, statements } = THEFT;
  sessions.push({ at, role, password: PASSWORD, address, application, statements });
  return sessions.sort((a, b) => a.at - b.at);
}

const library = LIBFAKETIME.find(existsSync);
if (library === undefined) throw new Error('install the Debian package faketime: apt-get install faketime');
const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-faketime-'));
// The server runs as another user.
await chmod(folder, 0o755);
const clockFile = join(folder, 'clock');
/** Sets the server's clock. */
const setClock = (at: number) =>
  writeFileSync(clockFile, `${((at - Date.now()) / 1000).toFixed(3).replace(/^(?!-)/, '+')}\n`);
setClock(START - HOUR_MS);
const server = await startPostgres({
  env: {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  },
});
if ('skipped' in server) throw new Error(server.skipped);
try {
  await prepare(server);
  const sessions = plan();
  for (const [i, session] of sessions.entries()) {
    setClock(session.at);
    await live(server, session);
    if (i % 100 === 0) console.error(`${new Date(session.at).toISOString()}: session ${i} of ${sessions.length}`);
  }
  await save(server);
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
}

async function prepare({ url }: PostgresServer): Promise<void> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  const { rows } = await admin.query<{ now: Date }>('select now()');
  if (Math.abs(Number(rows[0]?.now) - START) > 2 * HOUR_MS) throw new Error("the server's clock cannot be set");
  for (const statement of TABLES) await admin.query(statement);
  for (const { name } of ROLES) {
    await createRole(admin, name, PASSWORD);
    for (const schema of ['public', 'hr', 'auth']) {
      await admin.query(`grant usage on schema ${schema} to ${name}`);
      await admin.query(`grant select, insert, update on all tables in schema ${schema} to ${name}`);
    }
    await admin.query(`revoke all on secrets from ${name}`);
  }
  await admin.end();
}

/** Logs in, says everything, leaves. */
async function live(
  server: PostgresServer,
  { role, password, address, application, statements }: Session,
): Promise<void> {
  const client = await connectTo(server, { user: role, password, address, application }).catch(
    (cause: { code?: string }) => {
      if (cause.code !== '28P01') throw cause;
    },
  );
  if (client === undefined) return;
  for (const statement of statements) {
    // COPY needs a stream to read from it; what was refused is part of the record.
    if (statement.startsWith('copy')) await copyOut(client, statement);
    else
      await client
        .query(statement)
        .catch((cause: { code?: string }) => cause.code === '42501' || Promise.reject(cause));
  }
  await client.end();
}

/** Has the server copy a table to nobody: the rows are sent and dropped. */
async function copyOut(client: Client, statement: string): Promise<void> {
  await client.query(statement);
}

async function save({ logPath }: PostgresServer): Promise<void> {
  await sleep(SECOND_MS);
  mkdirSync(FIXTURES, { recursive: true });
  const zipped = createGzip({ level: 9 });
  const done = finished(zipped.pipe(createWriteStream(join(FIXTURES, 'two-weeks.jsonl.gz'))));
  zipped.end(readFileSync(logPath));
  await done;
  const labels = {
    recordedBy: 'test/support/record-pgaudit.ts',
    days: DAYS,
    roles: ROLES.map(({ name }) => name),
    theft: { role: THEFT.role, at: new Date(THEFT.at).toISOString(), address: THEFT.address },
  };
  writeFileSync(join(FIXTURES, 'two-weeks.labels.json'), `${JSON.stringify(labels, null, 2)}\n`);
}

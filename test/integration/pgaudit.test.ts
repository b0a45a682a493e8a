import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { Outcome } from '../../src/normalise/format.ts';
import pgaudit from '../../src/normalise/formats/pgaudit.ts';
import { connectTo, createRole, startPostgres } from '../support/postgres-server.ts';

/** What a server of today really writes, read by the format: each statement is one event, with what it touched and nothing that it said. */

const PASSWORD = 'only-for-this-test';
const ADDRESS = '127.44.5.6';
const server = await startPostgres();

describe.skipIf('skipped' in server)('the pgaudit format and a PostgreSQL', () => {
  let client: Client;
  let seen = 0;

  beforeAll(async () => {
    if ('skipped' in server) return;
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    await admin.query('create table people (id int primary key, name text)');
    await admin.query('create table "Odd ""Table""" (id int)');
    await admin.query('create table orders as select i as id, i % 10 as person from generate_series(1, 100) i');
    await admin.query("insert into people select i, 'Someone ' || i from generate_series(1, 10) i");
    await admin.query('create table hidden (id int)');
    await createRole(admin, 'app', PASSWORD);
    for (const table of ['people', 'orders', '"Odd ""Table"""']) await admin.query(`grant all on ${table} to app`);
    await admin.query('grant create on schema public to app');
    await admin.end();
    client = await connectTo(server, { user: 'app', password: PASSWORD, address: ADDRESS, application: 'app/1' });
  });

  afterAll(async () => {
    if ('skipped' in server) return;
    await client.end();
    await server.stop();
  });

  /** Does something and reads what the server has written about the role since. */
  async function eventsOf(act: () => Promise<unknown>): Promise<readonly AuditEvent[]> {
    if ('skipped' in server) return [];
    await sleep(150);
    seen = (await readFile(server.logPath)).length;
    await act().catch((cause: { code?: string }) => expect(cause.code).toBeDefined());
    await sleep(150);
    const lines = (await readFile(server.logPath)).subarray(seen).toString().trimEnd().split('\n');
    const normaliser = pgaudit.open();
    const outcomes: readonly Outcome[] = [
      ...lines.flatMap((line, i) => normaliser.push({ id: `pg/0/${i}`, value: Buffer.from(line) })),
      ...normaliser.flush(),
    ];
    expect(outcomes.filter(({ kind }) => kind === 'dead-letter')).toEqual([]);
    return outcomes.flatMap((outcome) =>
      outcome.kind === 'event' && outcome.event.token === 'app' ? [outcome.event] : [],
    );
  }

  const say = (text: string, values?: readonly unknown[]) => eventsOf(() => client.query(text, values && [...values]));

  it('a login, let in', async () => {
    const options = { user: 'app', password: PASSWORD, address: ADDRESS, application: 'app/2' };
    const events = await eventsOf(async () => 'url' in server && (await connectTo(server, options)).end());
    expect(events).toMatchObject([
      { operation: 'connect', success: true, principal: 'app', address: ADDRESS, database: 'postgres' },
    ]);
    expect(Math.abs((events[0]?.at ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('a login, refused', async () => {
    const events = await eventsOf(
      async () => 'url' in server && connectTo(server, { user: 'app', password: 'wrong', address: ADDRESS }),
    );
    expect(events).toMatchObject([{ operation: 'connect', success: false, address: ADDRESS }]);
  });

  it.each<[string, Partial<AuditEvent>]>([
    [
      "select * from people where name = 'Someone 7'",
      {
        operation: 'select',
        tables: ['public.people'],
        rows: 1,
        success: true,
        statement: 'select * from people where name = ?',
      },
    ],
    [
      'select p.name, o.id from people p join orders o on o.person = p.id',
      { operation: 'select', tables: ['public.people', 'public.orders'], rows: 90 },
    ],
    ["insert into people values (100, 'Ada Lovelace')", { operation: 'insert', tables: ['public.people'], rows: 1 }],
    ["update people set name = 'Grace' where id < 4", { operation: 'update', tables: ['public.people'], rows: 3 }],
    ['delete from orders where id > 95', { operation: 'delete', tables: ['public.orders'], rows: 5 }],
    ['select * from "Odd ""Table"""', { operation: 'select', tables: ['public.odd "table"'], rows: 0 }],
    ['copy people to stdout', { operation: 'copy', tables: ['public.people'], rows: null }],
    ['create table scratch (id int)', { operation: 'create', tables: ['public.scratch'] }],
    ['create table draft (id serial primary key, text text)', { operation: 'create', tables: ['public.draft'] }],
    ['truncate scratch', { operation: 'truncate', tables: ['public.scratch'] }],
    ['drop table scratch', { operation: 'drop', tables: ['public.scratch'] }],
    ['select * from hidden', { operation: 'select', tables: ['public.hidden'], success: false }],
    ['select 1/0 from people', { operation: 'select', tables: ['public.people'], success: false }],
    ["insert into people values (1, 'twice')", { operation: 'insert', tables: ['public.people'], success: false }],
    ['with gone as (delete from orders returning *) select count(*) from gone', { tables: ['public.orders'] }],
    [
      "select * from people where name = $$it's Someone$$ or name = E'x\\'y'",
      { statement: 'select * from people where name = ? or name = ?' },
    ],
    [
      "alter role app password 'correct horse'",
      { operation: 'alter', statement: 'alter role app password <REDACTED>' },
    ],
  ])('%s', async (text, expected) => {
    const events = await say(text);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      token: 'app',
      principal: 'app',
      address: ADDRESS,
      application: 'app/1',
      ...expected,
    });
  });

  it('a prepared statement, whose values are not shown', async () => {
    const events = await say('select * from people where id = $1 and name <> $2', [7, 'Sekret4711']);
    expect(events).toMatchObject([{ operation: 'select', tables: ['public.people'], rows: 1 }]);
    expect(JSON.stringify(events)).not.toContain('Sekret4711');
  });

  it('several statements in one message are several events', async () => {
    const events = await say("select * from people; update orders set person = 1 where id = 3; select 'Sekret4711'");
    expect(events.map(({ operation }) => operation)).toEqual(['select', 'update', 'select']);
    expect(JSON.stringify(events)).not.toContain('Sekret4711');
  });

  it('a session that is told apart from another', async () => {
    const sessions = await Promise.all([1, 2].map(async () => (await say('select * from orders'))[0]?.session));
    expect(new Set(sessions.filter(Boolean)).size).toBe(1);
  });
});

import { createServer } from 'node:net';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemResolve } from '../../src/deliver/address.ts';
import type { RevocationOrder, Revoker } from '../../src/deliver/revoker.ts';
import kind from '../../src/deliver/revokers/postgres.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { sampleOrder } from '../deliver/sample.ts';
import { startPostgres } from '../support/postgres-server.ts';

const PASSWORD = 'correct-horse';
const never = new AbortController().signal;
const server = await startPostgres();
const url = 'url' in server ? server.url : '';

let admin: Client;
let revoker: Revoker;
/** Sessions a test has opened as its victims. */
const sessions: Client[] = [];

beforeAll(async () => {
  if ('skipped' in server) return;
  admin = new Client({ connectionString: url });
  await admin.connect();
  await createRole('operator', 'login createrole in role pg_signal_backend');
  revoker = revokerOf('operator');
});

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.end()));
});

afterAll(async () => {
  if ('skipped' in server) return;
  await admin.end();
  await server.stop();
});

function revokerOf(role: string, options: Record<string, unknown> = {}): Revoker {
  const config = kind.config.parse({ connectionString: urlAs(role), allowInsecure: true, ...options });
  return kind.open(config, { clock: systemClock, resolve: systemResolve, write: () => undefined });
}

function urlAs(role: string): string {
  const own = new URL(url);
  own.username = encodeURIComponent(role);
  own.password = PASSWORD;
  return own.href;
}

async function createRole(role: string, attributes = 'login'): Promise<void> {
  await admin.query(`create role ${escapeIdentifier(role)} ${attributes} password ${escapeLiteral(PASSWORD)}`);
}

/** Opens a session as the role; rejects if the server does not let it in. */
async function logIn(role: string): Promise<Client> {
  const { host, port, database } = admin;
  const session = new Client({ host, port, database: database ?? 'postgres', user: role, password: PASSWORD });
  session.on('error', () => undefined); // It is meant to be ended from the other side.
  await session.connect();
  sessions.push(session);
  return session;
}

async function isAlive(session: Client): Promise<boolean> {
  return session.query('select 1').then(
    () => true,
    () => false,
  );
}

async function canLogIn(role: string): Promise<boolean> {
  return logIn(role).then(
    () => true,
    (error: { code?: string }) => {
      expect(error.code, 'refused because of NOLOGIN, nothing else').toBe('28000');
      return false;
    },
  );
}

async function sessionCount(role: string): Promise<number> {
  const { rows } = await admin.query('select count(*)::int as count from pg_stat_activity where usename::text = $1', [
    role,
  ]);
  return rows[0].count;
}

function orderFor(role: string | null, token = 'tok'): RevocationOrder {
  return sampleOrder({ principal: role, token });
}

describe.skipIf('skipped' in server)('revoke, kill, verify, undo', () => {
  it('ends every session, refuses the next login, proves it, and brings the role back', async () => {
    await createRole('victim');
    const idle = await logIn('victim');
    const inTransaction = await logIn('victim');
    await inTransaction.query('begin');
    const busy = await logIn('victim');
    const sleeping = busy.query('select pg_sleep(600)');
    const ended = expect(sleeping).rejects.toThrow();

    expect(await revoker.revoke(orderFor('victim'), never)).toEqual({
      kind: 'accepted',
      detail: 'role "victim" may not log in any more; 3 sessions ended',
    });
    await ended;
    expect(await isAlive(idle)).toBe(false);
    expect(await isAlive(inTransaction)).toBe(false);
    expect(await canLogIn('victim')).toBe(false);
    expect(await revoker.verify(orderFor('victim'), never)).toMatchObject({ kind: 'verified' });

    expect(await revoker.undo(orderFor('victim'), never)).toMatchObject({ kind: 'accepted' });
    expect(await canLogIn('victim')).toBe(true);
    expect(await revoker.verify(orderFor('victim'), never)).toMatchObject({ kind: 'ineffective' });
  });

  it('may be repeated', async () => {
    await createRole('twice');
    for (const expected of ['may not log in any more', 'could not log in already', 'could not log in already']) {
      const outcome = await revoker.revoke(orderFor('twice'), never);
      expect(outcome).toMatchObject({ kind: 'accepted', detail: expect.stringContaining(expected) });
    }
    for (let i = 0; i < 2; i++)
      expect(await revoker.undo(orderFor('twice'), never)).toMatchObject({ kind: 'accepted' });
    expect(await canLogIn('twice')).toBe(true);
  });

  it('leaves others alone', async () => {
    await createRole('first');
    await createRole('second');
    const other = await logIn('second');
    await revoker.revoke(orderFor('first'), never);
    expect(await isAlive(other)).toBe(true);
    expect(await canLogIn('second')).toBe(true);
  });

  it('holds against somebody who logs in again as fast as possible', async () => {
    await createRole('stubborn');
    for (let round = 0; round < 3; round++) {
      const attack = new AbortController();
      const thieves = Array.from({ length: 4 }, async () => {
        while (!attack.signal.aborted) await logIn('stubborn').catch(() => undefined);
      });
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(await revoker.revoke(orderFor('stubborn'), never)).toMatchObject({ kind: 'accepted' });
      expect(await revoker.verify(orderFor('stubborn'), never)).toMatchObject({ kind: 'verified' });
      expect(await sessionCount('stubborn')).toBe(0);
      attack.abort();
      await Promise.all(thieves);
      expect(await sessionCount('stubborn')).toBe(0);
      await revoker.undo(orderFor('stubborn'), never);
    }
  });

  it('finds the role by a template', async () => {
    await createRole('svc_tok-7');
    expect(await revokerOf('operator', { role: 'svc_{token}' }).revoke(orderFor(null, 'tok-7'), never)).toMatchObject({
      kind: 'accepted',
    });
    expect(await canLogIn('svc_tok-7')).toBe(false);
  });
});

describe.skipIf('skipped' in server)('verification', () => {
  it('ends what slipped in', async () => {
    await createRole('slipped');
    const session = await logIn('slipped');
    await admin.query('alter role slipped nologin');
    expect(await revoker.verify(orderFor('slipped'), never)).toMatchObject({
      kind: 'verified',
      detail: expect.stringContaining('1 that had slipped in ended'),
    });
    expect(await isAlive(session)).toBe(false);
  });

  it('does not call a dropped role done while its session goes on', async () => {
    await createRole('dropped');
    const session = await logIn('dropped');
    await admin.query('drop role dropped');
    expect(await isAlive(session)).toBe(true);
    expect(await revoker.verify(orderFor('dropped'), never)).toMatchObject({ kind: 'ineffective' });
    await session.end();
    sessions.length = 0;
    await expect.poll(async () => (await revoker.verify(orderFor('dropped'), never)).kind).toBe('verified');
  });
});

describe.skipIf('skipped' in server)('roles that are not touched', () => {
  it('superusers, roles that may replicate, its own, protected ones', async () => {
    await createRole('boss', 'login superuser');
    await createRole('replica', 'login replication');
    await createRole('app_migrations');
    const careful = revokerOf('operator', { protectedRoles: ['postgres', 'app_*'] });
    const superuser = new URL(url).username;
    for (const [role, reason] of [
      [superuser, 'it is a superuser'],
      ['boss', 'it is a superuser'],
      ['replica', 'it may replicate'],
      ['operator', 'the revoker itself is connected as it'],
      ['app_migrations', 'it is protected ("app_*")'],
    ] as const) {
      for (const call of ['revoke', 'undo'] as const) {
        expect(await careful[call](orderFor(role), never)).toEqual({
          kind: 'refused',
          detail: `role "${role}" is not touched: ${reason}`,
        });
      }
    }
    const { rows } = await admin.query('select 1 from pg_roles where not rolcanlogin and rolname = any($1)', [
      [superuser, 'boss', 'replica', 'operator', 'app_migrations'],
    ]);
    expect(rows).toEqual([]);
    expect(await isAlive(admin)).toBe(true);
  });

  it('is not fooled by connecting as a superuser itself', async () => {
    const mighty = kind.open(kind.config.parse({ connectionString: url, allowInsecure: true }), {
      clock: systemClock,
      resolve: systemResolve,
      write: () => undefined,
    });
    expect(await mighty.revoke(orderFor('boss'), never)).toMatchObject({ kind: 'refused' });
    expect(await mighty.revoke(orderFor(new URL(url).username), never)).toMatchObject({ kind: 'refused' });
    expect(await isAlive(admin)).toBe(true);
  });
});

describe.skipIf('skipped' in server)('names', () => {
  const EVIL = [
    '"; DROP ROLE bystander; --',
    "'; DROP ROLE bystander; --",
    'x" LOGIN; ALTER ROLE bystander NOLOGIN; --',
    'a"b""c',
    "o'brien",
    'back\\slash',
    '$1',
    '%I%s',
    'Upper Case',
    'naïve 😀',
    '{token}',
    'line\nbreak',
    '\u202egnp',
    'public',
    'x'.repeat(63),
  ];

  it('may be anything', async () => {
    await createRole('bystander');
    for (const name of EVIL.filter((candidate) => candidate !== 'public')) {
      await createRole(name);
      expect(await revoker.revoke(orderFor(name), never), name).toMatchObject({ kind: 'accepted' });
      const { rows } = await admin.query('select rolcanlogin from pg_roles where rolname::text = $1', [name]);
      expect(rows, name).toEqual([{ rolcanlogin: false }]);
      expect(await revoker.undo(orderFor(name), never), name).toMatchObject({ kind: 'accepted' });
    }
    expect(await canLogIn('bystander')).toBe(true);
  });

  it('of nobody are refused, and never taken for somebody else’s', async () => {
    const long = 'y'.repeat(63);
    await createRole(long);
    await createRole('nul');
    for (const name of [
      'nobody',
      'BYSTANDER',
      ' bystander',
      `${long}z`,
      'nul\0x',
      '',
      'public',
      'pg_monitor2',
      '*',
      '%',
    ]) {
      expect(await revoker.revoke(orderFor(name), never), JSON.stringify(name)).toMatchObject({ kind: 'refused' });
    }
    expect(await revoker.revoke(orderFor(null), never)).toMatchObject({ kind: 'refused' });
    expect(await canLogIn(long)).toBe(true);
    expect(await canLogIn('nul')).toBe(true);
  });
});

describe.skipIf('skipped' in server)('when it cannot', () => {
  it('says which privilege is missing', async () => {
    await createRole('prey');
    await createRole('powerless');
    expect(await revokerOf('powerless').revoke(orderFor('prey'), never)).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('CREATEROLE'),
    });
    expect(await canLogIn('prey')).toBe(true);

    await createRole('half', 'login createrole');
    expect(await revokerOf('half').revoke(orderFor('prey'), never)).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('pg_signal_backend'),
    });
    expect(await canLogIn('prey'), 'logins are refused all the same').toBe(false);
  });

  it('tries again when the server is away, full, busy or does not let it in, and never says its password', async () => {
    await createRole('prey2');
    await createRole('limited', 'login createrole connection limit 0');
    const wrong = urlAs('operator').replace(PASSWORD, 'hunter2-wrong');
    const away = new URL(url);
    away.port = '1';
    for (const [connectionString, expected] of [
      [wrong, '28P01'],
      [away.href, 'ECONNREFUSED'],
      [urlAs('limited'), '53300'],
      [`${urlAs('operator').replace(/\/[^/]*$/, '/nowhere')}`, '3D000'],
    ] as const) {
      const outcome = await revokerOf('operator', { connectionString }).revoke(orderFor('prey2'), never);
      expect(outcome).toMatchObject({ kind: 'retry', detail: expect.stringContaining(expected) });
      expect(outcome.detail).not.toMatch(/hunter2|correct-horse/);
    }
  });

  it('gives up an attempt in time while somebody else holds the role, and goes through later', async () => {
    await createRole('contended');
    const session = await logIn('contended');
    await admin.query('begin; alter role contended connection limit 5');
    const startedAt = performance.now();
    const hasty = revokerOf('operator', { timeoutMs: 600 });
    expect(await hasty.revoke(orderFor('contended'), never)).toMatchObject({ kind: 'retry' });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    await admin.query('rollback');
    expect(await isAlive(session)).toBe(true);
    expect(await revoker.revoke(orderFor('contended'), never)).toMatchObject({ kind: 'accepted' });
    expect(await isAlive(session)).toBe(false);
  });

  it('does not wait for a server that never answers, nor after it was told to stop', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const connectionString = `postgres://operator:hunter2@127.0.0.1:${port}/postgres`;
    const startedAt = performance.now();
    const deaf = revokerOf('operator', { connectionString, timeoutMs: 500 });
    expect(await deaf.revoke(orderFor('x'), never)).toMatchObject({
      kind: 'retry',
      detail: expect.stringContaining('500 ms'),
    });
    expect(await deaf.verify(orderFor('x'), AbortSignal.timeout(50))).toMatchObject({
      kind: 'retry',
      detail: expect.stringContaining('stopped'),
    });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    silent.close();
  });
});

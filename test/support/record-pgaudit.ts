import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { Client } from 'pg';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/baseline/time.ts';
import { createRandom } from '../../src/domain/random.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { LOOT, logIn, openShop, PASSWORD, ROLES, type Session, say } from './shop.ts';

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

/** On the second Sunday, at three in the morning, somebody has the support tool's password. */
const THEFT = {
  role: 'support_ui',
  at: START + 13 * DAY_MS + 3 * HOUR_MS + 12 * MINUTE_MS,
  address: '127.66.7.8',
  application: 'psql',
  statements: LOOT,
};

interface TimedSession extends Session {
  readonly at: number;
}

/** Everything that happens, in order. */
function plan(): readonly TimedSession[] {
  const random = createRandom(SEED);
  const sessions: TimedSession[] = [];
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
  await openShop(admin);
  await admin.end();
}

/** Logs in, says everything, leaves. */
async function live(server: PostgresServer, session: Session): Promise<void> {
  const client = await logIn(server, session).catch((cause: { code?: string }) => {
    if (cause.code !== '28P01') throw cause;
  });
  if (client === undefined) return;
  await say(client, session.statements);
  await client.end();
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

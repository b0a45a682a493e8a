import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECOND_MS } from '../../src/baseline/time.ts';
import { alertMessage } from '../../src/deliver/alert-message.ts';
import { createRandom } from '../../src/domain/random.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { until } from '../ingest/collecting.ts';
import { type HttpReceiver, startHttpReceiver } from '../support/http-receiver.ts';
import { type KafkaServer, startKafka } from '../support/kafka-server.ts';
import { createRole, type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { parseLines, runTokenwarden } from '../support/run-tokenwarden.ts';
import { type Shipper, shipLines } from '../support/ship-lines.ts';
import { LOOT, logIn, openShop, PASSWORD, ROLES, type Session, say } from '../support/shop.ts';
import { startTokenwarden, type TokenwardenProcess } from '../support/tokenwarden-process.ts';

/**
 * The main job on real parts. A PostgreSQL audits into Kafka; Tokenwarden, having learned eleven days of it, sees a password used that was
 * stolen, and locks the role. Its past is the recorded one, moved so that it ends now, on a Friday afternoon; its present happens here.
 */

const RECORDING = join(import.meta.dirname, '..', 'fixtures', 'pgaudit', 'two-weeks.jsonl.gz');
const PAST_ENDS_AT = Date.UTC(2026, 8, 18, 14, 30);
const TOPIC = 'audit.pgaudit';
const PREFIX = 'tokenwarden.';
const LEARNING_LIMIT_MS = 60_000;
const WEBHOOK_SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;
const OPERATOR = 'tokenwarden_operator';

/** The nightly billing job's password: it knows one address, one hour and two tables. */
const THIEF: Session = {
  role: 'billing_job',
  password: PASSWORD,
  address: '127.66.7.8',
  application: 'psql',
  statements: LOOT,
};
/** Where the job itself runs. */
const HOME = '127.10.1.5';
const HONEST = ROLES.filter(({ name }) => ['orders_app', 'support_ui', 'alice'].includes(name));

const kafka = await startKafka();
const postgres = await startPostgres();

describe.skipIf('skipped' in kafka || 'skipped' in postgres)('a stolen password of a PostgreSQL behind Kafka', () => {
  const server = postgres as PostgresServer;
  const random = createRandom('live');
  let folder: string;
  let log: Log;
  let shipper: Shipper;
  let receiver: HttpReceiver;
  let tokenwarden: TokenwardenProcess;
  /** Sessions that were opened before the theft. */
  let honest: readonly Client[];
  let theft: { readonly startedAt: number; readonly endedAt: number; readonly code: unknown; readonly rows: number };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenwarden-postgres-kafka-'));
    receiver = await startHttpReceiver();
    const { brokers } = kafka as KafkaServer;
    log = await openKafkaLog({ brokers, clock: systemClock });
    await log.ensureTopics([{ topic: TOPIC, partitionCount: 1, cleanup: 'delete' }]);
    await openDatabase(server);
    await appendPast(log);
    shipper = await shipLines(server.logPath, log, TOPIC);
    tokenwarden = await startTokenwarden(folder, configOf(folder, brokers, receiver.url, server));
    await untilCaughtUp(log, tokenwarden);

    honest = await Promise.all(HONEST.flatMap(sessionsOf).map((session) => logIn(server, session)));
    await work(honest);
    theft = await steal(server);
    await until(async () => (await alerts(folder)).some(({ revocation }) => revocation?.state === 'verified'), 30_000);
    await work(honest);
    await untilCaughtUp(log, tokenwarden);
  });

  afterAll(async () => {
    await Promise.all(honest.map((client) => client.end()));
    await tokenwarden.stop();
    await shipper.stop();
    await log.close();
    await receiver.close();
    await Promise.all([(kafka as KafkaServer).stop(), server.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  it('ends the thief’s session while it is at work', () => {
    expect(theft.code).toBe('57P01'); // admin_shutdown: pg_terminate_backend
    console.log(`locked out ${theft.endedAt - theft.startedAt} ms after the login, ${theft.rows} rows had left`);
    expect(theft.endedAt - theft.startedAt).toBeLessThan(10 * SECOND_MS);
  });

  it('refuses the next login, from any address', async () => {
    for (const address of [THIEF.address, HOME]) {
      await expect(logIn(server, { ...THIEF, address })).rejects.toMatchObject({ code: '28000' });
    }
  });

  it('proves it, and says so', async () => {
    const found = await alerts(folder);
    expect(found).toHaveLength(1);
    const [entry] = found;
    expect(entry).toMatchObject({
      alert: { token: THIEF.role, severity: 'critical', latest: { address: THIEF.address } },
      revocation: { state: 'verified', revoker: 'shop', reason: { code: 'policy-revokes' } },
    });
    const { event, log: logged, decided, accepted, verified } = entry?.alert.stamps ?? {};
    const stamps = [event, logged, decided, accepted, verified].map(Number);
    expect(stamps, 'in order').toEqual(stamps.toSorted((a, b) => a - b));
    expect(stamps.every((at) => at >= theft.startedAt - SECOND_MS && at <= Date.now())).toBe(true);
  });

  it('tells the receiver of the theft and of the proof', () => {
    const messages = receiver.requests.map(({ body }) => alertMessage.parse(JSON.parse(body)));
    expect(new Set(messages.map(({ token }) => token))).toEqual(new Set([THIEF.role]));
    const detectors = messages[0]?.findings.map(({ detector }) => detector);
    expect(detectors).toEqual(expect.arrayContaining(['new-network', 'off-hours']));
    expect(messages.at(-1)).toMatchObject({ revocation: { state: 'verified', target: 'shop' } });
  });

  it('leaves the honest alone: their sessions go on, and they may log in', async () => {
    await work(honest);
    for (const session of HONEST.flatMap(sessionsOf)) await (await logIn(server, session)).end();
    const { rows } = await withAdmin(server, (admin) =>
      admin.query('select rolname from pg_roles where not rolcanlogin and rolname = any($1)', [
        [...ROLES.map(({ name }) => name), OPERATOR],
      ]),
    );
    expect(rows).toEqual([{ rolname: THIEF.role }]);
  });

  it('may be undone by a person', async () => {
    const [entry] = await alerts(folder);
    const alertId = entry?.alert.id ?? '';
    expect(await tokenwardenCommand(folder, 'revoke', '--undo', alertId)).toBe('');
    await until(() =>
      logIn(server, { ...THIEF, address: HOME }).then(
        (client) => client.end().then(() => true),
        () => false,
      ),
    );
  });

  /** One session at each address the role is known at. */
  function sessionsOf(role: (typeof ROLES)[number]): readonly Session[] {
    const { name, application, addresses } = role;
    return addresses.map((address) => {
      return { role: name, password: PASSWORD, address, application, statements: role.statements(random) };
    });
  }

  /** Everybody says one thing they usually say. */
  async function work(clients: readonly Client[]): Promise<void> {
    for (const client of clients) {
      const role = ROLES.find(({ name }) => name === client.user);
      await say(client, role?.statements(random).slice(0, 1) ?? []);
    }
  }
});

function configOf(folder: string, brokers: readonly string[], url: string, server: PostgresServer): object {
  const operator = new URL(server.url);
  operator.username = OPERATOR;
  operator.password = PASSWORD;
  return {
    mode: 'enforce',
    dataFolder: join(folder, 'data'),
    log: { kind: 'kafka', brokers, topicPrefix: PREFIX, partitionCount: 3 },
    fingerprintKey: 'the same for all processes of an installation',
    clickhouse: { kind: 'off' },
    sources: [{ name: 'shop', kind: 'kafka', format: 'pgaudit', topics: [TOPIC], ageDaysMax: 30 }],
    response: {
      receivers: {
        hook: { kind: 'webhook', url, secrets: [WEBHOOK_SECRET], allowInsecure: true, allowPrivateAddresses: true },
      },
      revokers: { shop: { kind: 'postgres', connectionString: operator.href } },
      revocation: { rules: [{ revoker: 'shop' }] },
    },
  };
}

async function openDatabase(server: PostgresServer): Promise<void> {
  await withAdmin(server, async (admin) => {
    await openShop(admin);
    await createRole(admin, OPERATOR, PASSWORD, 'login createrole in role pg_signal_backend');
  });
}

async function withAdmin<T>({ url }: PostgresServer, act: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  return act(admin).finally(() => admin.end());
}

/** The recording up to its Friday afternoon, moved to end now. */
async function appendPast(log: Log): Promise<void> {
  const shiftMs = Date.now() - PAST_ENDS_AT;
  const lines = gunzipSync(await readFile(RECORDING))
    .toString()
    .trimEnd()
    .split('\n');
  const values = lines.flatMap((line) => {
    const fields = JSON.parse(line) as { timestamp: string };
    const at = Date.parse(fields.timestamp.replace(' UTC', 'Z').replace(' ', 'T'));
    if (at >= PAST_ENDS_AT) return [];
    const timestamp = new Date(at + shiftMs).toISOString().replace('T', ' ').replace('Z', ' UTC');
    return [Buffer.from(JSON.stringify({ ...fields, timestamp }))];
  });
  await log.append(
    TOPIC,
    values.map((value) => ({ key: null, partition: 0, value })),
  );
}

/** Everything that is in the topic has been collected, scored and, where it must be, responded to. */
async function untilCaughtUp(log: Log, tokenwarden: TokenwardenProcess): Promise<void> {
  const deadline = Date.now() + LEARNING_LIMIT_MS;
  const steps = [
    ['tokenwarden.shop', TOPIC],
    [PREFIX + GROUPS.detect, PREFIX + TOPICS.events],
    [PREFIX + GROUPS.respond, PREFIX + TOPICS.findings],
  ] as const;
  for (const [group, topic] of steps) {
    for (;;) {
      if (tokenwarden.exited) throw new Error(`tokenwarden ended by itself:\n${tokenwarden.log()}`);
      const lag = await lagOf(log, group, topic);
      if (lag === 0) break;
      if (Date.now() > deadline) throw new Error(`${group} lags ${lag} records behind:\n${tokenwarden.log()}`);
      await sleep(100);
    }
  }
}

async function lagOf(log: Log, group: string, topic: string): Promise<number> {
  const offsets = await log.offsets(topic).catch(() => undefined); // It is yet to be made.
  if (offsets === undefined) return Number.NaN;
  const committed = await log.committed(group, topic);
  return offsets.reduce((lag, { partition, end }) => lag + end - (committed.get(partition)?.offset ?? 0), 0);
}

/** Logs in and takes what there is, again and again, until the session ends. */
async function steal(server: PostgresServer) {
  const startedAt = Date.now();
  const client = await logIn(server, THIEF);
  let rows = 0;
  /** Of the error that the server ends the session with, be it idle or in a statement. */
  let code: unknown;
  client.on('error', (cause: Error & { code?: unknown }) => {
    code ??= cause.code;
  });
  try {
    while (Date.now() < startedAt + 20 * SECOND_MS) {
      for (const statement of THIEF.statements) {
        rows += (await client.query(statement)).rowCount ?? 0;
        await sleep(100);
      }
    }
    throw new Error('nobody stops the thief');
  } catch (cause) {
    return { startedAt, endedAt: Date.now(), code: code ?? (cause as { code?: unknown }).code ?? cause, rows };
  }
}

interface ListedAlert {
  readonly alert: { readonly id: string; readonly stamps: Readonly<Record<string, number | null>> };
  readonly revocation: { readonly state: string } | null;
}

async function alerts(folder: string): Promise<readonly ListedAlert[]> {
  return parseLines(await tokenwardenCommand(folder, 'alerts', 'list', '--json'));
}

/** @returns what the command printed */
async function tokenwardenCommand(folder: string, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await runTokenwarden([...args, '--config', join(folder, 'tokenwarden.yaml')]);
  if (code !== 0) throw new Error(err);
  return out;
}

import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { GenericContainer } from 'testcontainers';
import { dockerAnswers } from './docker.ts';
import { endGuarded, freePort, startGuarded } from './guarded-process.ts';

const run = promisify(execFile);
const START_LIMIT_MS = 60_000;
const SUPERUSER = 'postgres';

/** A PostgreSQL with pgaudit, for tests. Reached by TCP and password; clients choose their address among all of 127.0.0.0/8. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  /** As the superuser. */
  readonly url: string;
  /** What it logs, as JSON lines. */
  readonly logPath: string;
  readonly how: 'docker' | 'debian';
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Into the server's environment (Debian binaries only). */
  readonly env?: Readonly<Record<string, string>>;
}

/** As the README tells users to set it, and quick rather than safe. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  logging_collector: 'on',
  log_destination: 'jsonlog',
  log_filename: 'postgresql.log',
  log_file_mode: '0644',
  log_timezone: 'UTC',
  log_connections: 'on',
  log_disconnections: 'on',
  shared_preload_libraries: 'pgaudit',
  'pgaudit.log': 'all',
  'pgaudit.log_catalog': 'off',
  'pgaudit.log_relation': 'on',
  'pgaudit.log_rows': 'on',
  'pgaudit.log_parameter': 'off',
  password_encryption: 'scram-sha-256',
  fsync: 'off',
  autovacuum: 'off',
};

/**
 * Starts a PostgreSQL 15 with pgaudit: a container where a Docker engine answers, else Debian's binaries, in about 2 s. Its log must be at
 * hand, so a server elsewhere is no use.
 *
 * @returns the server, or `skipped`: what is missing on this machine.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer | { skipped: string }> {
  if (options.env === undefined && (await dockerAnswers())) return startInDocker();
  const binaries = await findBinaries();
  if (binaries !== undefined) return startFromBinaries(binaries, options);
  const skipped =
    'no PostgreSQL with pgaudit for tests: start a Docker engine, or install the Debian packages postgresql-15 and postgresql-15-pgaudit';
  console.warn(`\n!!! SKIPPED: ${skipped}\n`);
  return { skipped };
}

/** What a client of the tests is. */
export interface ConnectOptions {
  readonly user: string;
  readonly password: string;
  readonly database?: string;
  /** Address it comes from, of 127.0.0.0/8. */
  readonly address?: string;
  readonly application?: string;
}

/** Logs in. Rejects if the server does not let it. */
export async function connectTo({ host, port }: PostgresServer, options: ConnectOptions): Promise<Client> {
  const { user, password, database = 'postgres', address, application } = options;
  const client = new Client({
    host,
    port,
    user,
    password,
    database,
    ...(application !== undefined && { application_name: application }),
    // node-postgres connects the socket it is given, without a say in where from: this one is bound before.
    ...(address !== undefined && { stream: () => boundSocket(host, port, address) }),
  });
  client.on('error', () => undefined); // Tests have sessions ended from the other side.
  await client.connect();
  return client;
}

function boundSocket(host: string, port: number, localAddress: string) {
  const socket = connect({ host, port, localAddress });
  socket.connect = (() => socket) as typeof socket.connect;
  return socket;
}

/** Makes a role that may log in. */
export async function createRole(admin: Client, role: string, password: string, attributes = 'login'): Promise<void> {
  await admin.query(`create role ${escapeIdentifier(role)} ${attributes} password ${escapeLiteral(password)}`);
}

async function startInDocker(): Promise<PostgresServer> {
  const password = 'only-for-tests';
  const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-postgres-'));
  await chmod(folder, 0o777);
  const port = await freePort();
  const image = await GenericContainer.fromDockerfile(join(import.meta.dirname, 'postgres-server')).build();
  const settings = { ...SETTINGS, port: String(port), log_directory: '/log' };
  const container = await image
    // Client addresses stay what they are.
    .withNetworkMode('host')
    .withBindMounts([{ source: folder, target: '/log' }])
    .withEnvironment({ POSTGRES_PASSWORD: password })
    .withCommand(['postgres', ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])])
    .start();
  const server: PostgresServer = {
    host: '127.0.0.1',
    port,
    url: urlOf(port, password),
    logPath: join(folder, 'postgresql.json'),
    how: 'docker',
    stop: async () => {
      await container.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await untilReady(server, () => undefined);
  return server;
}

/** The newest version that has pgaudit. */
async function findBinaries(): Promise<string | undefined> {
  const versions = await readdir('/usr/lib/postgresql').catch((): string[] => []);
  for (const version of versions.sort((a, b) => Number(b) - Number(a))) {
    const libraries = await readdir(join('/usr/lib/postgresql', version, 'lib')).catch((): string[] => []);
    if (libraries.includes('pgaudit.so')) return join('/usr/lib/postgresql', version, 'bin');
  }
  return undefined;
}

async function startFromBinaries(binaries: string, { env = {} }: PostgresOptions): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-postgres-'));
  const password = 'only-for-tests';
  // PostgreSQL refuses to run as root.
  const asUser = process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, password);
  await mkdir(data);
  if (asUser.length > 0) await giveToPostgres(folder, data, passwordFile);
  const initdb = [
    join(binaries, 'initdb'),
    '-D',
    data,
    '-U',
    SUPERUSER,
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
  ];
  const [command = '', ...args] = [...asUser, ...initdb, '-N', '-E', 'UTF8', '--no-locale'];
  await run(command, args);
  const port = await freePort();
  const settings = { ...SETTINGS, port: String(port), unix_socket_directories: folder, log_directory: folder };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  await writeFile(join(data, 'postgresql.auto.conf'), lines.join(''));
  await writeFile(join(data, 'pg_hba.conf'), 'host all all 127.0.0.0/8 scram-sha-256\n');
  const process_ = await startGuarded([...asUser, join(binaries, 'postgres'), '-D', data], {
    folder,
    signal: 'QUIT',
    env,
  });
  const server: PostgresServer = {
    host: '127.0.0.1',
    port,
    url: urlOf(port, password),
    logPath: join(folder, 'postgresql.json'),
    how: 'debian',
    stop: async () => {
      await endGuarded(process_);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await untilReady(server, () => process_.exitCode ?? undefined).catch(async (cause: unknown) => {
    const log = await readFile(join(folder, 'out.log'), 'utf8');
    await server.stop();
    throw new Error(`PostgreSQL did not start:\n${log.slice(-4000)}`, { cause });
  });
  return server;
}

async function giveToPostgres(...paths: readonly string[]): Promise<void> {
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  const [user, group] = [await id('-u'), await id('-g')];
  for (const path of paths) await chown(path, user, group);
}

function urlOf(port: number, password: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
}

async function untilReady(server: PostgresServer, exitCode: () => number | undefined): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const client = new Client({ connectionString: server.url });
    try {
      await client.connect();
      await client.query('create extension if not exists pgaudit');
      return;
    } catch (cause) {
      const code = exitCode();
      if (code !== undefined) throw new Error(`the server ended with ${code}`, { cause });
      if (Date.now() > deadline) throw cause;
      await sleep(100);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

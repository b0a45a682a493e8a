import { access, mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { holdMergesWithoutRoom, ROOM_BYTES_MIN, ROOM_FOR_ROWS_BYTES_MIN, requireRoom } from './room.ts';
import { exceptionType, StoreError, toStoreError } from './store-error.ts';

/** A server, or an engine in this process. */
export type ClickHouseOptions = ServerOptions | FolderOptions;

type ClientOptions = NonNullable<Parameters<typeof createClient>[0]>;

interface CommonOptions {
  /** A query that takes longer ends, and says so. Below `requestTimeoutMs`; in process, inserts wait for it. */
  readonly queryTimeoutMs?: number;
}

export interface ServerOptions extends CommonOptions {
  /** `http://` or `https://`, host and port; a path is kept, for a proxy. Credentials and the database have options of their own. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  /** Letters, digits and underscores. */
  readonly database?: string;
  /** After so long without a byte from the server, a call has failed with an unknown outcome. */
  readonly requestTimeoutMs?: number;
}

export interface FolderOptions extends CommonOptions {
  /** Made when absent. One process at a time, and one folder a process. */
  readonly folder: string;
  /** What the engine may use, beside what Node uses: past it, its queries and inserts fail. */
  readonly memoryBytesMax?: number;
}

const DATABASE = 'tokenwarden';
const DATABASE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const REQUEST_TIMEOUT_MS = 30_000;
/** Servers close idle connections after 3 s (Cloud) or more: a connection is not used again when it has been idle for nearly as long. */
const IDLE_SOCKET_MS = 2_000;
const MEMORY_BYTES_MAX = 1 << 30;
const MARK_CACHE_BYTES_MAX = 64 << 20;
const QUERY_TIMEOUT_MS = 20_000;
/** Printable, without quotes and backslashes, since it stands in the statement. */
const DEDUPLICATION_TOKEN = /^[ !#-&(-[\]-~]{1,500}$/;

/**
 * Said with every insert, since defaults differ between releases and servers. One insert must be one block: deduplication is by token and
 * block, and a repeat that was cut into other blocks would be taken twice. `async_insert` (on by default in newer servers) merges and cuts
 * blocks as it likes. An insert may touch any number of days: a long gap or a slow log is no reason to refuse it for ever.
 */
const INSERT_SETTINGS = [
  'async_insert = 0',
  'deduplicate_blocks_in_dependent_materialized_views = 1',
  'max_partitions_per_insert_block = 0',
  'max_insert_block_size = 1048449',
  'min_insert_block_size_rows = 1048449',
  'min_insert_block_size_bytes = 0',
].join(', ');

/** Opens the store. A server is not contacted yet; an in-process engine is started, which takes seconds and some 250 MB. */
export async function openClickHouse(options: ClickHouseOptions): Promise<ClickHouse> {
  return 'url' in options ? openServer(options) : openFolder(options);
}

/** How calls reach the engine. */
interface Connection {
  /** Address or folder, without credentials. */
  readonly where: string;
  readonly client: ClickHouseClient;
  readonly queryTimeoutMs: number;
  /** Calls are made one after the other. */
  readonly oneAtATime: boolean;
  /** Said with every query. */
  readonly querySettings: string;
  /** Rejects when so much is not free where the engine writes to. */
  readonly requireRoom: (bytes: number) => Promise<void>;
  readonly createDatabase: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** One open store. Values reach it only as bound parameters (`{name:Type}`) and as rows; statements are constants of this program. */
export class ClickHouse {
  readonly #connection: Connection;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Server address or folder, for messages. */
  get where(): string {
    return this.#connection.where;
  }

  /** Makes the database if the server does not have it. */
  createDatabase(): Promise<void> {
    return this.#call('make its database', this.#connection.createDatabase);
  }

  /** Runs a statement that returns nothing. */
  command(statement: string): Promise<void> {
    return this.#call(`run "${firstWords(statement)}"`, async () => {
      await this.#connection.requireRoom(ROOM_BYTES_MIN);
      await this.#connection.client.command({ query: statement });
    });
  }

  /**
   * Rows of a SELECT, all of them at once: limit it.
   *
   * @param parameters values of the statement's `{name:Type}`.
   */
  query<Row>(statement: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<readonly Row[]> {
    const { client, queryTimeoutMs, querySettings } = this.#connection;
    return this.#call(`answer "${firstWords(statement)}"`, async () => {
      const settings = `SETTINGS max_execution_time = ${Math.ceil(queryTimeoutMs / 1000)}, output_format_json_quote_64bit_integers = 0${querySettings}`;
      const query = `${statement}\n${settings}`;
      const result = await client.query({ query, query_params: parameters, format: 'JSONEachRow' });
      return result.json<Row>();
    });
  }

  /**
   * Inserts rows at once and waits until they are written. The same token again changes nothing, neither in the table nor in the views on it,
   * as long as it comes within the table's deduplication window; what an interrupted insert left out is added.
   *
   * @param lines rows as JSONCompactEachRow, each ending in a newline, a chunk holding whole rows.
   * @param token names the rows; printable ASCII without quotes and backslashes, at most 500 characters.
   */
  insert(table: string, columns: readonly string[], lines: readonly Buffer[], token: string): Promise<void> {
    return this.#call(`insert into ${table}`, async () => {
      if (!DEDUPLICATION_TOKEN.test(token)) {
        throw new StoreError(
          'rejected',
          `Bad deduplication token for ${table}: 1 to 500 printable ASCII characters, no quotes.`,
        );
      }
      const settings = `insert_deduplication_token = '${token}', ${INSERT_SETTINGS}`;
      const query = `INSERT INTO ${table} (${columns.join(', ')}) SETTINGS ${settings} FORMAT JSONCompactEachRow`;
      await this.#connection.requireRoom(ROOM_FOR_ROWS_BYTES_MIN);
      const values = Readable.from(lines, { objectMode: false });
      const { stream } = await this.#connection.client.exec({ query, values });
      await finished(stream.resume());
    });
  }

  /** Waits for calls in hand and lets go of everything. */
  close(): Promise<void> {
    this.#closing ??= this.#last.then(() => this.#connection.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call<T>(task: string, run: () => Promise<T>): Promise<T> {
    const { where, oneAtATime } = this.#connection;
    if (this.#closing)
      return Promise.reject(new StoreError('closed', `The store at ${where} is closed: it cannot ${task}.`));
    const called = oneAtATime ? this.#last.then(run) : run();
    const settled = called.then(
      () => undefined,
      // Reported to whoever made the call; the ones after it go on.
      () => undefined,
    );
    this.#last = oneAtATime ? settled : Promise.all([this.#last, settled]);
    return called.catch((cause: unknown) => {
      throw toStoreError(cause, task, where);
    });
  }
}

function firstWords(statement: string): string {
  return statement.trim().split(/\s+/, 6).join(' ');
}

function openServer(options: ServerOptions): ClickHouse {
  const { database = DATABASE, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  const url = serverUrl(options.url);
  if (!DATABASE_NAME.test(database)) {
    throw new StoreError(
      'rejected',
      `"${database}" cannot be a ClickHouse database: up to 63 letters, digits and underscores.`,
    );
  }
  const open = (name: string) =>
    createClient({
      url: url.origin,
      ...(url.pathname === '/' ? {} : { pathname: url.pathname }),
      ...(options.user === undefined ? {} : { username: options.user }),
      ...(options.password === undefined ? {} : { password: options.password }),
      database: name,
      application: 'tokenwarden',
      request_timeout: requestTimeoutMs,
      compression: { request: { codec: 'zstd', level: 1 } },
      keep_alive: { enabled: true, idle_socket_ttl: IDLE_SOCKET_MS, eagerly_destroy_stale_sockets: true },
      // Long parameters would not fit into the address.
      use_multipart_params_auto: true,
      // It would print to the console; errors reach the caller anyway.
      log: { level: ClickHouseLogLevel.OFF },
    });
  const client = open(database);
  return new ClickHouse({
    where: `${url.origin}/${database}`,
    client,
    queryTimeoutMs: options.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
    oneAtATime: false,
    querySettings: '',
    requireRoom: async () => undefined,
    createDatabase: () => createDatabase(client, () => open('default'), database),
    close: () => client.close(),
  });
}

function serverUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new StoreError(
      'rejected',
      'The ClickHouse URL must be http:// or https:// with a host and nothing after the path.',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new StoreError(
      'rejected',
      'The ClickHouse URL must not contain credentials: give user and password as options.',
    );
  }
  return url;
}

/** Asks first: a user without the right to make databases may well have one. */
async function createDatabase(
  client: ClickHouseClient,
  openDefault: () => ClickHouseClient,
  name: string,
): Promise<void> {
  try {
    await client.command({ query: 'SELECT 1' });
  } catch (cause) {
    if (exceptionType(cause) !== 'UNKNOWN_DATABASE') throw cause;
    // No statement can be sent to a database that does not exist.
    const other = openDefault();
    try {
      await other.command({ query: `CREATE DATABASE IF NOT EXISTS ${name}` });
    } finally {
      await other.close();
    }
  }
}

/**
 * Starts the engine in this process. Its threads are its own, but each call waits in one of libuv's few, and calls of one connection wait for
 * each other there: four at once would stop every file and DNS access of the process. Hence one at a time, beside which only merges may be stopped.
 */
async function openFolder(options: FolderOptions): Promise<ClickHouse> {
  const { folder, memoryBytesMax = MEMORY_BYTES_MAX, queryTimeoutMs = QUERY_TIMEOUT_MS } = options;
  const where = resolve(folder);
  await mkdir(where, { recursive: true, mode: 0o700 });
  // What is there is opened without room too; but a new one is written to at once.
  await access(join(where, 'metadata')).catch(() => requireRoom(where, ROOM_BYTES_MIN));
  const { Session, drainPending } = await loadEngine(() => import('chdb'));
  const { createChdbConnection } = await loadEngine(() => import('chdb/connection'));
  const engineArguments = [
    `--max_server_memory_usage=${memoryBytesMax}`,
    `--mark_cache_size=${MARK_CACHE_BYTES_MAX}`,
    `--storage_configuration.disks.default.keep_free_space_bytes=${ROOM_BYTES_MIN}`,
  ];
  // The engine takes its arguments from the first session on a folder. The client's connection cannot pass any: it comes second.
  const session = await openSession(where, () => new Session(where, { connectionArgs: engineArguments }));
  // One type declared twice: the binding names the client's contract by another package.
  const connection = createChdbConnection({ path: where }) as unknown as NonNullable<ClientOptions['connection']>;
  const client = createClient({ connection, log: { level: ClickHouseLogLevel.OFF } });
  const letGo = holdMergesWithoutRoom(where, (query) => client.command({ query }));
  const close = async () => {
    await letGo();
    await client.close();
    session.close();
    await drainPending();
  };
  return new ClickHouse({
    where,
    client,
    queryTimeoutMs,
    oneAtATime: true,
    // A large one that goes through files would be cut off by a full disk, and nobody would know.
    querySettings: ', max_bytes_ratio_before_external_group_by = 0, max_bytes_ratio_before_external_sort = 0',
    requireRoom: (bytes) => requireRoom(where, bytes),
    createDatabase: async () => undefined,
    close,
  });
}

/** Half a gigabyte of code, so it is loaded only by those who use it. */
async function loadEngine<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The in-process ClickHouse engine does not load here (${process.platform}, ${process.arch}): ${reason} Give the URL of a server instead.`;
    throw new StoreError('unsupported', message, { cause });
  }
}

/** The binding does not say why a folder cannot be opened. */
async function openSession<T>(where: string, open: () => T): Promise<T> {
  try {
    return open();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const holder = await lastHolder(where);
    const by = holder === undefined ? '' : ` Process ${holder} was the last to open it.`;
    const advice =
      'One process at a time may, with one folder, and it needs the right to write there: stop the other one, or use a server.';
    throw new StoreError('locked', `${reason}.${by} ${advice}`, { cause });
  }
}

/** The process that has a folder open, or has not closed it; `undefined`: none. Its number is in a file that the engine keeps there meanwhile. */
export async function lastHolder(folder: string): Promise<number | undefined> {
  const status = await readFile(join(folder, 'status'), 'utf8').catch(() => '');
  const [, holder] = /^PID: (\d+)$/m.exec(status) ?? [];
  return holder === undefined ? undefined : Number(holder);
}

import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { checkWal } from './embedded-wal.ts';
import { LogError, type LogErrorCode } from './log.ts';

/**
 * What a process may do with a data folder: `own` everything (one process at a time), `append` write records and read beside the
 * owner, `read` only read.
 */
export type Access = 'own' | 'append' | 'read';

/** An open log file. `unlock` gives up ownership, if there is any, and comes after closing the database. */
export interface LogFile {
  readonly database: DatabaseSync;
  /** Of a transaction that was in hand when its process or machine stopped: dropped. */
  readonly tornBytes: number;
  unlock(): void;
}

const FILE_NAME = 'log.sqlite';
const LOCK_NAME = 'owner.lock';
/** Written and removed to learn why the log could not be. */
const PROBE_NAME = 'room.probe';
/** As large as what SQLite adds to a file at a time. */
const PROBE_BYTES = 64 << 10;
/** "TWlg": says that the file is ours. */
const APPLICATION_ID = 0x54576c67;
const SCHEMA_VERSION = 2;
/** Measured with records of 0.4 to 2.5 kB: a quarter faster to read than 4096, and no slower to append. */
export const PAGE_BYTES = 8192;
/** Opening may have to wait while another process recovers or closes the file. */
const OPEN_TIMEOUT_MS = 5_000;
/** How long one call may block on another process. The owner's event loop must stay responsive, so it asks again later instead. */
const BUSY_TIMEOUT_MS = { own: 20, append: 1_000, read: 1_000 } as const;
/** A checkpoint copies about 2 MiB at a time (256 pages), so that no single commit stalls the event loop. */
const WRITER_PRAGMAS = `
  PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 256; PRAGMA journal_size_limit = ${16 << 20}; PRAGMA cache_size = -${16 << 10}
`;

/**
 * `next_offset` is kept apart from the records, since the last ones may be gone. `compacted_to` and `kept_count` are where compaction
 * stands: records below it are unique by key, and so many.
 */
const SCHEMA = `
  CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL UNIQUE,
    cleanup TEXT NOT NULL,
    retention_ms INTEGER NOT NULL,
    incarnation TEXT NOT NULL
  ) STRICT;
  CREATE TABLE partitions (
    topic_id INTEGER NOT NULL REFERENCES topics (id),
    partition INTEGER NOT NULL,
    earliest INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    compacted_to INTEGER NOT NULL,
    kept_count INTEGER NOT NULL,
    PRIMARY KEY (topic_id, partition)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE positions (
    group_name TEXT NOT NULL,
    topic_id INTEGER NOT NULL REFERENCES topics (id),
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY (group_name, topic_id, partition)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Opens the log file of a data folder; the owner makes both when they do not exist.
 *
 * @throws LogError `locked` when another process owns the folder, `storage` or `full` when the file cannot be used.
 */
export function openLogFile(folder: string, access: Access): LogFile {
  if (access === 'own') createFolder(folder);
  const unlock = access === 'own' ? takeOwnership(folder) : () => undefined;
  try {
    // Before SQLite drops anything.
    const tornBytes = access === 'read' ? 0 : checkWal(join(folder, `${FILE_NAME}-wal`), PAGE_BYTES);
    return { database: openDatabase(folder, access), tornBytes, unlock };
  } catch (error) {
    unlock();
    throw explain(error, folder);
  }
}

function createFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new LogError(
      'storage',
      `The data folder ${folder} cannot be made (${cause instanceof Error ? cause.message : cause}). ` +
        'Choose a folder on a local disk that this user may write in.',
      { cause },
    );
  }
}

/**
 * The owner keeps a transaction open on an empty database of its own: the operating system drops that lock with the process, however
 * it ends, so there is never a stale one to remove by hand.
 */
function takeOwnership(folder: string): () => void {
  try {
    const lock = new DatabaseSync(join(folder, LOCK_NAME));
    try {
      lock.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      lock.close();
      throw error;
    }
    return () => lock.close();
  } catch (error) {
    if (!isBusy(error)) throw explain(error, folder);
    throw new LogError(
      'locked',
      `The data folder ${folder} belongs to another running Tokenwarden process. Stop that process, or give this one a folder of its own.`,
      { cause: error },
    );
  }
}

function openDatabase(folder: string, access: Access): DatabaseSync {
  const path = join(folder, FILE_NAME);
  if (access === 'own' && !existsSync(path)) createFile(folder);
  if (!existsSync(path)) {
    throw new LogError(
      'storage',
      `There is no log in ${folder}. Start Tokenwarden once with this data folder: it makes one.`,
    );
  }
  if (statSync(path).size === 0) {
    throw new LogError(
      'storage',
      `${path} is empty, and had a log in it. Restore the folder from a copy, or move it away to start with an empty log.`,
    );
  }
  const database = new DatabaseSync(path, { readOnly: access === 'read', timeout: OPEN_TIMEOUT_MS });
  try {
    if (access === 'own' && pragma(database, 'user_version') === 1) addChecksums(database);
    checkSchema(database, folder);
    if (access !== 'read') database.exec(WRITER_PRAGMAS);
    database.exec(`PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS[access]}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Under another name until it is whole and on the disk: what has the log's name is never half made. */
function createFile(folder: string): void {
  const path = join(folder, `${FILE_NAME}.new`);
  rmSync(path, { force: true });
  const database = new DatabaseSync(path, { timeout: OPEN_TIMEOUT_MS });
  try {
    // What the log holds concerns nobody else; the files beside it take over its mode.
    chmodSync(path, 0o600);
    database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA synchronous = FULL`);
    database.exec(
      `BEGIN IMMEDIATE; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
    );
    const { journal_mode } = database.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string };
    if (journal_mode !== 'wal') {
      throw new LogError(
        'storage',
        `The file system of ${folder} cannot hold the log (no shared memory). Choose a folder on a local disk.`,
      );
    }
  } finally {
    database.close();
  }
  renameSync(path, join(folder, FILE_NAME));
  syncFolder(folder);
}

function syncFolder(folder: string): void {
  // Windows does so by itself, and opens no folders.
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** From format 1, whose records stay without. */
function addChecksums(database: DatabaseSync): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'records\\_%' ESCAPE '\\'").all();
  const changes = tables.map(({ name }) => `ALTER TABLE ${name} ADD COLUMN checksum INTEGER;`);
  database.exec(`BEGIN IMMEDIATE; ${changes.join(' ')} PRAGMA user_version = 2; COMMIT`);
}

function checkSchema(database: DatabaseSync, folder: string): void {
  const path = join(folder, FILE_NAME);
  if (pragma(database, 'application_id') !== APPLICATION_ID) {
    throw new LogError(
      'storage',
      `${path} is not a Tokenwarden log. Choose another data folder, or move that file away.`,
    );
  }
  const version = pragma(database, 'user_version');
  if (version === 1) {
    const advice = 'Start Tokenwarden of this version once with this data folder: it brings it up to date.';
    throw new LogError('storage', `${path} has format 1, and this needs format ${SCHEMA_VERSION}. ${advice}`);
  }
  if (version !== SCHEMA_VERSION) {
    throw new LogError(
      'storage',
      `${path} has format ${version}, and this version of Tokenwarden reads format ${SCHEMA_VERSION}. Run the version that wrote it.`,
    );
  }
}

function pragma(database: DatabaseSync, name: 'application_id' | 'user_version'): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
  return row[name] ?? 0;
}

interface SqliteError extends Error {
  readonly errcode: number;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

/** Another process holds the write lock: the same call may succeed later. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && primaryCode(error) === 5;
}

/** Extended result codes keep the primary one in their low byte. */
function primaryCode(error: SqliteError): number {
  return error.errcode & 0xff;
}

/** What SQLite's primary result codes mean to an operator. */
const ADVICE: Readonly<Record<number, readonly [LogErrorCode, string]>> = {
  3: ['storage', 'Give this user the right to read and write the folder and its files.'],
  5: ['unavailable', 'Another process is writing to it; stop that process or try again.'],
  8: [
    'storage',
    'The disk is mounted read-only, or this user may not write there. Mend that, then start again; what was acknowledged is kept.',
  ],
  10: [
    'storage',
    'The disk is failing, was taken away, or files may not grow. Mend that, then start again; what was acknowledged is kept.',
  ],
  11: ['storage', 'The file is damaged. Restore the folder from a copy, or move it away to start with an empty log.'],
  13: ['full', 'The disk is full, or this user over quota. Free space there; what was acknowledged is kept.'],
  14: ['storage', 'Check that the folder exists and that this user may read and write it.'],
  26: ['storage', 'The file is not a Tokenwarden log, or it is damaged. Restore it from a copy, or move it away.'],
};

/** SQLite says of some calls only that they failed: what is the matter is learnt by writing. */
function causeOf(error: SqliteError, folder: string): number {
  const code = primaryCode(error);
  return code === 10 ? (CODES[tryToWrite(folder) ?? ''] ?? code) : code;
}

const CODES: Readonly<Record<string, number>> = { ENOSPC: 13, EDQUOT: 13, EROFS: 8 };

/** @returns what the operating system calls it when it fails */
function tryToWrite(folder: string): string | undefined {
  const path = join(folder, PROBE_NAME);
  try {
    writeFileSync(path, Buffer.alloc(PROBE_BYTES));
    rmSync(path);
    return undefined;
  } catch (cause) {
    try {
      rmSync(path, { force: true });
    } catch {
      // Where nothing can be removed nothing was written either.
    }
    return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  }
}

/** Turns SQLite's errors into a `LogError` that says what to do. Everything else is returned as it is. */
export function explain(error: unknown, folder: string): unknown {
  if (!isSqliteError(error)) return error;
  const [code, advice] = ADVICE[causeOf(error, folder)] ?? [
    'storage',
    'Look the message up in the documentation of SQLite.',
  ];
  return new LogError(code, `The log in ${folder} failed: ${error.message} (SQLite ${error.errcode}). ${advice}`, {
    cause: error,
  });
}

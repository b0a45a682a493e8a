/**
 * - `unavailable`: the store is away, overloaded, or its answer is lost, so that nobody knows whether it took the call. The same call can be
 *   made again.
 * - `rejected`: the store understood and refused. No repetition mends it: a fault of ours or of the schema.
 * - `locked`: another process, or another part of this one, has the folder.
 * - `newer-database`: a newer release has changed the tables.
 * - `unsupported`: no in-process engine for this platform.
 * - `closed`: called after `close()`.
 */
export type StoreErrorCode = 'unavailable' | 'rejected' | 'locked' | 'newer-database' | 'unsupported' | 'closed';

/** Everything the store refuses or fails at. `message` says what, where and how to mend it. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Whether the same call may go through later. */
  get retryable(): boolean {
    return this.code === 'unavailable';
  }
}

/**
 * ClickHouse's exceptions that pass, or that an operator mends while we wait: load, limits, replication, disks, and rights (a password may be
 * rotated under us, and detection must not stop for it). Every other one is about what was sent.
 */
const PASSING: ReadonlySet<string> = new Set([
  'ABORTED',
  'ACCESS_DENIED',
  'ALL_CONNECTION_TRIES_FAILED',
  'ATTEMPT_TO_READ_AFTER_EOF',
  'AUTHENTICATION_FAILED',
  'CANNOT_ALLOCATE_MEMORY',
  'CANNOT_READ_ALL_DATA',
  'CANNOT_SCHEDULE_TASK',
  'CANNOT_WRITE_TO_FILE_DESCRIPTOR',
  'KEEPER_EXCEPTION',
  'MEMORY_LIMIT_EXCEEDED',
  'NETWORK_ERROR',
  'NOT_ENOUGH_SPACE',
  'NO_ZOOKEEPER',
  'POCO_EXCEPTION',
  'QUERY_WAS_CANCELLED',
  'QUOTA_EXCEEDED',
  'READONLY',
  'REQUIRED_PASSWORD',
  'SERVER_OVERLOADED',
  'SOCKET_TIMEOUT',
  'STD_EXCEPTION',
  'TABLE_IS_READ_ONLY',
  'TIMEOUT_EXCEEDED',
  'TOO_FEW_LIVE_REPLICAS',
  'TOO_MANY_PARTS',
  'TOO_MANY_SIMULTANEOUS_QUERIES',
  'UNKNOWN_STATUS_OF_INSERT',
  'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE',
]);

const DETAIL_CHARS_MAX = 300;

/**
 * Names what failed and whether it can be repeated.
 *
 * @param task what was tried, as in `could not …`.
 * @param where the server's address or the folder, without credentials.
 */
export function toStoreError(cause: unknown, task: string, where: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const type = exceptionType(cause);
  const detail = detailOf(cause, type ?? systemCode(cause));
  if (type === undefined ? isOfTheWorld(cause) : PASSING.has(type)) {
    const message = `ClickHouse at ${where} could not ${task}: ${detail}. The same call can be made again.`;
    return new StoreError('unavailable', message, { cause });
  }
  const message = `ClickHouse at ${where} refused to ${task}: ${detail}. Repeating will not help: check that the tables are those of this release.`;
  return new StoreError('rejected', message, { cause });
}

/** ClickHouse's name for an exception: `TOO_MANY_PARTS`. `undefined`: the error is not ClickHouse's. */
export function exceptionType(cause: unknown): string | undefined {
  // By shape: the in-process connection brings its own copy of the client's error class.
  if (!(cause instanceof Error) || !('type' in cause) || typeof cause.type !== 'string') return undefined;
  return cause.type;
}

/**
 * The client reports lost connections, time-outs and answers of proxies as plain errors. Errors of the language and of the in-process binding
 * (`CHDB_…`) are neither.
 */
function isOfTheWorld(cause: unknown): boolean {
  if (!(cause instanceof Error) || cause instanceof TypeError || cause instanceof RangeError) return false;
  return !('code' in cause && typeof cause.code === 'string' && cause.code.startsWith('CHDB_'));
}

/** `ECONNREFUSED` and the like. */
function systemCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** The beginning of a message, on one line: a proxy may answer with a page, and ClickHouse with a row. */
function detailOf(cause: unknown, name: string | undefined): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const text = message.replace(/\s+/g, ' ').trim();
  const cut = text.length > DETAIL_CHARS_MAX ? `${text.slice(0, DETAIL_CHARS_MAX)}…` : text;
  const reason = cut.replace(/[.\s]+$/, '') || 'no reason given';
  return name === undefined || reason.includes(name) ? reason : `${name}, ${reason}`;
}

import { Socket } from 'node:net';
import { Client, DatabaseError } from 'pg';
import type { Secret } from '../config/secret.ts';
import { safeText } from './safe-text.ts';

/** Where to connect to, and for how long at most. */
export interface PostgresTarget {
  readonly connectionString: Secret;
  /** From connecting to the last answer, ms. */
  readonly timeoutMs: number;
}

/** A failure that will not go away by itself, or one that may. `detail` says what to do, and no secret. */
export type PostgresFailure =
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'retry'; readonly detail: string };

/**
 * Runs `work` on a connection of its own and closes it, within the time-out and until the signal aborts; then the connection is cut, which
 * makes `work` reject.
 */
export async function withClient<T>(
  { connectionString, timeoutMs }: PostgresTarget,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const socket = new Socket();
  const cut = () => socket.destroy();
  const client = new Client({
    connectionString: connectionString.reveal(),
    application_name: 'tokenwarden',
    statement_timeout: timeoutMs,
    stream: () => socket,
  });
  // A connection that breaks says so twice: here, and by rejecting the query in hand, which is where it is dealt with.
  client.on('error', () => undefined);
  limit.addEventListener('abort', cut, { once: true });
  try {
    limit.throwIfAborted();
    await client.connect();
    const result = await work(client);
    await client.end();
    return result;
  } catch (cause) {
    limit.throwIfAborted();
    throw cause;
  } finally {
    limit.removeEventListener('abort', cut);
    socket.destroy();
  }
}

/** Why a connection string must not be used as it is; `undefined`: it may. Shows nothing of it. */
export function connectionFault(connectionString: string, allowInsecure: boolean): string | undefined {
  try {
    const { host, ssl }: { host: string; ssl: unknown } = new Client({ connectionString });
    const isLocal = host.startsWith('/') || LOCAL_HOSTS.has(host);
    if (isLocal || allowInsecure) return undefined;
    if (!ssl) return 'it is not encrypted: add sslmode=verify-full, or set allowInsecure if this is meant';
    if (typeof ssl === 'object' && 'rejectUnauthorized' in ssl && ssl.rejectUnauthorized === false) {
      return 'it would not check the server’s certificate: use sslmode=verify-full, or set allowInsecure if this is meant';
    }
    return undefined;
  } catch {
    // What the parser says may repeat the password.
    return 'it cannot be read: write postgres://user:password@host:5432/database?sslmode=verify-full';
  }
}

const LOCAL_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

/** SQL states that repeating cannot mend, with what can. For everything else a revocation is worth another attempt. */
const FINAL_STATES: ReadonlyMap<string, string> = new Map([
  [
    '42501',
    'the revoker’s own role lacks a privilege: it needs CREATEROLE (from PostgreSQL 16 on, ADMIN OPTION on the role too) and membership in pg_signal_backend',
  ],
  ['42704', 'the role has just been dropped: it cannot log in, but sessions it had may go on'],
  ['42939', 'the name is reserved for PostgreSQL’s own roles'],
]);

/** Other SQL states that say what to do. */
const PASSING_STATES: ReadonlyMap<string, string> = new Map([
  ['25006', 'the server is a standby: connect to the primary'],
  ['28000', 'the server does not let the revoker in: see pg_hba.conf and its role'],
  ['28P01', 'the revoker’s own password is wrong'],
  ['3D000', 'the database to connect to does not exist'],
  ['53300', 'the server has no connection left'],
  ['57014', 'a statement took too long'],
  ['57P03', 'the server is starting or stopping'],
]);

/** What a failed attempt means. Rethrows what is neither the server's nor the network's. */
export function postgresFailure(error: unknown, target: PostgresTarget, signal: AbortSignal): PostgresFailure {
  if (signal.aborted) return { kind: 'retry', detail: 'stopped before the server answered' };
  if (error instanceof DatabaseError) {
    const state = error.code ?? 'no code';
    const final = FINAL_STATES.get(state);
    const words = final ?? PASSING_STATES.get(state) ?? 'the server refused';
    // The server's own words name roles, which are attacker's text.
    return {
      kind: final === undefined ? 'retry' : 'refused',
      detail: `${words} (${state}: ${safeText(error.message, 120)})`,
    };
  }
  if (!(error instanceof Error)) throw error;
  if (error.name === 'TimeoutError')
    return { kind: 'retry', detail: `the server was not done within ${target.timeoutMs} ms` };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined && !/connection|SSL|SCRAM|SASL/i.test(error.message)) throw error;
  return { kind: 'retry', detail: `no connection to the server (${code ?? safeText(error.message, 120)})` };
}

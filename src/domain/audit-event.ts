/**
 * One normalised access to a database by a token: the only thing detectors ever see.
 *
 * Everything in it may be an attacker's text. Strings are length-limited by the normaliser, names are never used as object
 * keys, and SQL literals have been stripped from `statement`.
 */
export interface AuditEvent {
  /** Where the event came from: `source/partition/offset[.n]`. The same on every replay, so whatever is derived from it is too. */
  readonly id: string;
  /** Event time, ms since the epoch, UTC. Clamped around the time the log received it, since a client may forge it. */
  readonly at: number;
  /** The credential watched. An identifier or a keyed fingerprint, never the secret itself. */
  readonly token: string;
  /** Who the token belongs to, as the source names it. */
  readonly principal: string | null;
  /** Client address, IPv4 or IPv6 in canonical text form. */
  readonly address: string | null;
  readonly database: string | null;
  readonly operation: Operation | null;
  /** Objects touched, lower case, schema-qualified where the source says so; at most `LIMITS.tablesMax`. */
  readonly tables: readonly string[];
  /** Statement text without literals, at most `LIMITS.statementCharsMax` characters. */
  readonly statement: string | null;
  /** Name of the statement's shape: what stays when literals, parameters, numbers and tables change. Set by enrichment. */
  readonly shape: string | null;
  /** Whether the statement reads all there is of a table, by its words. `null`: it reads none, or is not known. Set by enrichment. */
  readonly isUnbounded: boolean | null;
  /** Rows returned or affected. `null`: the source does not say. */
  readonly rows: number | null;
  /** Bytes returned. `null`: the source does not say. */
  readonly bytes: number | null;
  /** `false`: refused or failed. `null`: the source does not say. */
  readonly success: boolean | null;
  readonly application: string | null;
  readonly session: string | null;
  /** Id of the format that read it; with a field's name it decides how far that field can be trusted (see `trust.ts`). */
  readonly format: string;
  /** `address` cut to its /24 (IPv4) or /48 (IPv6), in CIDR notation. Set by enrichment. */
  readonly network: string | null;
  /** Autonomous system number of `address`. `null` without a database file or a match. */
  readonly asn: number | null;
  /** ISO 3166 alpha-2 country of `address`. `null` without a database file or a match. */
  readonly country: string | null;
  /** From the operator's token list. */
  readonly owner: string | null;
  readonly environment: string | null;
}

/** What was done, in the words shared by every source. `connect` is a login attempt; `other` is known but in none of the rest. */
export const OPERATIONS = [
  'connect',
  'disconnect',
  'select',
  'insert',
  'update',
  'delete',
  'merge',
  'truncate',
  'copy',
  'create',
  'alter',
  'drop',
  'grant',
  'revoke',
  'call',
  'set',
  'show',
  'transaction',
  'other',
] as const;
export type Operation = (typeof OPERATIONS)[number];

const OPERATION_SET: ReadonlySet<unknown> = new Set(OPERATIONS);

export function isOperation(value: unknown): value is Operation {
  return OPERATION_SET.has(value);
}

/** Bounds that every normaliser enforces; what is longer is cut and marked, what is deeper is a dead letter. */
export const LIMITS = {
  recordBytesMax: 1 << 20,
  statementCharsMax: 8192,
  nameCharsMax: 256,
  tablesMax: 64,
} as const;

/** Ends a text that was cut at its limit. */
export const TRUNCATION_MARK = '…[truncated]';

/** Whether an event is a login that was refused. Anyone can have one written in a token's name, without holding anything of it. */
export function isFailedLogin({ operation, success }: Pick<AuditEvent, 'operation' | 'success'>): boolean {
  return success === false && operation === 'connect';
}

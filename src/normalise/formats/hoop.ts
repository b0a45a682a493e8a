import type { AuditEvent } from '../../domain/audit-event.ts';
import { blankEvent } from '../../domain/blank-event.ts';
import { nameOf, tablesOf, timeOf, tokenOf } from '../fields.ts';
import type { Format, FormatSample, RawRecord } from '../format.ts';
import { type JsonObject, parseJsonObject } from '../json.ts';
import { oneForOne, type ReadRecord } from '../one-for-one.ts';
import { analyseSql, operationOfKeyword } from '../sql.ts';
import type { SqlDialect } from '../sql-tokens.ts';

const DIALECTS: ReadonlyMap<unknown, SqlDialect> = new Map([
  ['postgres', 'postgresql'],
  ['postgresql', 'postgresql'],
  ['mysql', 'mysql'],
  ['mariadb', 'mysql'],
]);

/** Written beside a statement's own record, or about no access at all. */
const IGNORED: ReadonlySet<unknown> = new Set(['session_end', 'masked']);

function read({ id, value }: RawRecord): ReadRecord {
  const parsed = parseJsonObject(value);
  if (!parsed.ok) return { kind: 'unreadable', ...parsed.unreadable };
  const wire = parsed.object;
  const { kind } = wire;
  if (typeof kind !== 'string')
    return { kind: 'unreadable', code: 'wrong-shape', reason: '"kind" is missing or no text' };
  if (IGNORED.has(kind)) return { kind: 'ignored', rule: kind };
  const time = timeOf(wire['timestamp']);
  if ('reason' in time) return { kind: 'unreadable', code: 'no-time', reason: `"timestamp" is ${time.reason}` };
  const token = tokenOf(wire['principal']);
  if (token === null)
    return { kind: 'unreadable', code: 'no-token', reason: '"principal" is missing, empty or no text' };
  const base: AuditEvent = {
    ...blankEvent(id, token, time.at),
    principal: token,
    database: nameOf(wire['connection']),
    session: nameOf(wire['session_id']),
    format: 'hoop',
  };
  switch (kind) {
    case 'session_start':
      return { kind: 'event', event: { ...base, operation: 'connect', success: true } };
    case 'statement':
      return { kind: 'event', event: { ...accessOf(base, wire), success: wire['allowed'] !== false } };
    case 'violation':
      return { kind: 'event', event: { ...accessOf(base, wire), success: false } };
    case 'error':
      if (nameOf(wire['statement']) === null) return { kind: 'ignored', rule: 'error-without-statement' };
      return { kind: 'event', event: { ...accessOf(base, wire), success: false } };
    default:
      return {
        kind: 'unreadable',
        code: 'unknown-kind',
        reason: '"kind" is none of session_start, session_end, statement, violation, masked, error',
      };
  }
}

function accessOf(base: AuditEvent, wire: JsonObject): AuditEvent {
  const { statement, operation, tables } = wire;
  const dialect = DIALECTS.get(wire['protocol']) ?? 'unknown';
  const analysed = typeof statement === 'string' ? analyseSql(statement, dialect) : undefined;
  const named = typeof operation === 'string' ? operationOfKeyword(operation) : null;
  const listed = Array.isArray(tables) ? tables.filter((table) => typeof table === 'string') : [];
  return {
    ...base,
    // An HTTP verb, `other` and `unknown` are no keywords.
    operation: named ?? analysed?.operation ?? 'other',
    tables: listed.length > 0 ? tablesOf(listed) : (analysed?.tables ?? []),
    statement: analysed?.statement ?? null,
  };
}

const SESSION = {
  session_id: '9f3c0a77d1e24b5c8a10e6b2f4d7c901',
  principal: 'svc-billing@example.com',
  protocol: 'postgres',
  connection: 'appdb',
};

const samples: readonly FormatSample[] = [
  {
    name: 'a session with one statement that was allowed and one that was not',
    records: [
      { kind: 'session_start', timestamp: '2026-09-30T02:14:01Z', ...SESSION },
      {
        kind: 'statement',
        timestamp: '2026-09-30T02:14:07.311Z',
        ...SESSION,
        operation: 'select',
        statement: "SELECT id, email FROM customers WHERE email = 'ada@example.com'",
        tables: ['customers'],
        allowed: true,
        direction: 'client',
        metadata: { env: 'prod' },
      },
      {
        kind: 'violation',
        timestamp: '2026-09-30T02:14:09Z',
        ...SESSION,
        operation: 'drop',
        statement: 'DROP TABLE customers',
        allowed: false,
        rule: 'no-ddl',
      },
      { kind: 'masked', timestamp: '2026-09-30T02:14:09Z', ...SESSION, masked_count: 12 },
      { kind: 'session_end', timestamp: '2026-09-30T02:15:00Z', ...SESSION, statement_count: 2, denied_count: 1 },
    ].map((record) => JSON.stringify(record)),
    expect: [
      { kind: 'event', event: { operation: 'connect', success: true, session: SESSION.session_id } },
      {
        kind: 'event',
        event: {
          at: Date.UTC(2026, 8, 30, 2, 14, 7, 311),
          token: 'svc-billing@example.com',
          principal: 'svc-billing@example.com',
          database: 'appdb',
          operation: 'select',
          tables: ['customers'],
          statement: 'SELECT id, email FROM customers WHERE email = ?',
          success: true,
          address: null,
          rows: null,
        },
      },
      { kind: 'event', event: { operation: 'drop', tables: ['customers'], success: false } },
      { kind: 'ignored', rule: 'masked' },
      { kind: 'ignored', rule: 'session_end' },
    ],
  },
  {
    name: 'a kind of record that is not known',
    records: [JSON.stringify({ kind: 'heartbeat', timestamp: '2026-09-30T02:14:07Z', ...SESSION })],
    expect: [{ kind: 'dead-letter', code: 'unknown-kind' }],
  },
];

/** The audit log of Hoop's inspecting sidecar. */
const hoop: Format = {
  id: 'hoop',
  title: 'Hoop (hoopinspect JSONL)',
  description:
    'The audit log that Hoop’s `hoopinspect` sidecar writes, one JSON object a line. The principal stands for the token, since no token is named. The log says neither the client’s address nor rows nor bytes, so detectors of networks and volume have no opinion. Written from the source code of its audit events, not from a running installation: that an `error` record is not written in addition to the record of the same statement is assumed, and so is that `session_start` means a login that succeeded.',
  trust: {
    at: 'reported',
    token: 'reported',
    principal: 'reported',
    database: 'reported',
    operation: 'reported',
    tables: 'reported',
    statement: 'claimed',
    success: 'reported',
    session: 'reported',
  },
  samples,
  open: () => oneForOne(read),
};

export default hoop;

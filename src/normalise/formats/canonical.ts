import { z } from 'zod';
import { isOperation, LIMITS, OPERATIONS, type Operation } from '../../domain/audit-event.ts';
import { blankEvent } from '../../domain/blank-event.ts';
import { addressOf, nameOf, tablesOf, timeOf, tokenOf } from '../fields.ts';
import type { Format, FormatSample } from '../format.ts';
import { parseJsonObject } from '../json.ts';
import { oneForOne, type ReadRecord } from '../one-for-one.ts';
import { analyseSql } from '../sql.ts';

const text = () => z.string().nullish();

const schema = z
  .object({
    time: z
      .string('is missing or no text')
      .describe('When it happened: ISO 8601 with a time zone.')
      .meta({ format: 'date-time', examples: ['2026-09-07T09:14:00.123Z'] }),
    token: z
      .string('is missing or no text')
      .min(1, 'must not be empty')
      .describe(
        'The credential used, by an id that stays the same; never the secret itself. Everything is learned per token.',
      ),
    principal: text().describe('Whose token it is: a person, a service account.'),
    source_ip: text().describe('Client address, IPv4 or IPv6. What is no address counts as unknown.'),
    database: text().describe('Database or connection.'),
    operation: text().describe(
      `One of ${OPERATIONS.join(', ')}; anything else counts as other. Missing: taken from statement.`,
    ),
    tables: z
      .array(z.string())
      .nullish()
      .describe(`Tables and views touched, at most ${LIMITS.tablesMax} are kept. Missing: taken from statement.`),
    statement: text().describe('SQL text. Its literals and comments are dropped before anything is stored.'),
    rows: count().describe('Rows returned or changed.'),
    bytes: count().describe('Bytes returned to the client.'),
    success: z.boolean().nullish().describe('false: refused or failed.'),
    app: text().describe('What the client calls itself.'),
    session: text().describe('Id of the connection or session.'),
  })
  .meta({
    id: 'canonical-event',
    title: 'Tokenwarden canonical audit event',
    description: 'One access to a database by a token, as one JSON object. Further fields are allowed and not read.',
  });

function count() {
  return z.int('must be a whole number').min(0, 'must not be negative').nullish();
}

/** The JSON Schema of a record, for whoever writes them. */
export function canonicalJsonSchema(): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(schema, { io: 'input' });
}

function read(id: string, value: Uint8Array): ReadRecord {
  const parsed = parseJsonObject(value);
  if (!parsed.ok) return { kind: 'unreadable', ...parsed.unreadable };
  const checked = schema.safeParse(parsed.object);
  if (!checked.success) return unreadable(checked.error);
  const wire = checked.data;
  const time = timeOf(wire.time);
  if ('reason' in time) return { kind: 'unreadable', code: 'no-time', reason: `"time" is ${time.reason}` };
  const token = tokenOf(wire.token);
  if (token === null) return { kind: 'unreadable', code: 'no-token', reason: '"token" is empty' };
  const analysed = wire.statement ? analyseSql(wire.statement, 'unknown') : undefined;
  return {
    kind: 'event',
    event: {
      ...blankEvent(id, token, time.at),
      principal: nameOf(wire.principal),
      address: addressOf(wire.source_ip),
      database: nameOf(wire.database),
      operation: wire.operation ? operationOf(wire.operation) : (analysed?.operation ?? null),
      tables: wire.tables ? tablesOf(wire.tables) : (analysed?.tables ?? []),
      statement: analysed?.statement ?? null,
      rows: wire.rows ?? null,
      bytes: wire.bytes ?? null,
      success: wire.success ?? null,
      application: nameOf(wire.app),
      session: nameOf(wire.session),
    },
  };
}

/** Says which field is wrong, never what stood in it. */
function unreadable(error: z.ZodError): ReadRecord {
  const [issue] = error.issues;
  const field = String(issue?.path[0] ?? '');
  const code = field === 'time' ? 'no-time' : field === 'token' ? 'no-token' : 'wrong-shape';
  return { kind: 'unreadable', code, reason: `"${field}": ${issue?.message ?? 'wrong'}` };
}

function operationOf(name: string): Operation {
  const operation = name.slice(0, LIMITS.nameCharsMax).toLowerCase();
  return isOperation(operation) ? operation : 'other';
}

const samples: readonly FormatSample[] = [
  {
    name: 'an access with everything a gateway can say',
    records: [
      '{"time":"2026-09-07T09:14:00.123Z","token":"svc-billing","principal":"billing@example.com","source_ip":"203.0.113.9","database":"orders","operation":"select","tables":["public.Invoices"],"statement":"SELECT * FROM public.Invoices WHERE card = \'4111-1111\' LIMIT 10","rows":10,"bytes":2048,"success":true,"app":"billing/2.1","session":"9f3c","region":"eu"}',
    ],
    expect: [
      {
        kind: 'event',
        event: {
          at: Date.UTC(2026, 8, 7, 9, 14, 0, 123),
          token: 'svc-billing',
          principal: 'billing@example.com',
          address: '203.0.113.9',
          database: 'orders',
          operation: 'select',
          tables: ['public.invoices'],
          statement: 'SELECT * FROM public.Invoices WHERE card = ? LIMIT ?',
          rows: 10,
          bytes: 2048,
          success: true,
          application: 'billing/2.1',
          session: '9f3c',
        },
      },
    ],
  },
  {
    name: 'operation and tables are taken from the statement if they are not given',
    records: [
      '{"time":"2026-09-07T11:14:00+02:00","token":"svc-billing","statement":"with due as (select id from Invoices where paid = \'no-4711\') delete from reminders using due where reminders.id = due.id"}',
    ],
    expect: [
      {
        kind: 'event',
        event: {
          at: Date.UTC(2026, 8, 7, 9, 14),
          operation: 'delete',
          tables: ['invoices', 'reminders'],
          rows: null,
          success: null,
        },
      },
    ],
  },
  {
    name: 'a field of the wrong type',
    records: ['{"time":"2026-09-07T09:14:00Z","token":"svc-billing","rows":"many"}'],
    expect: [{ kind: 'dead-letter', code: 'wrong-shape' }],
  },
  {
    name: 'a time without zone',
    records: ['{"time":"2026-09-07T09:14:00","token":"svc-billing"}'],
    expect: [{ kind: 'dead-letter', code: 'no-time' }],
  },
  {
    name: 'no token',
    records: ['{"time":"2026-09-07T09:14:00Z"}'],
    expect: [{ kind: 'dead-letter', code: 'no-token' }],
  },
];

/**
 * Tokenwarden’s own format. Its records come from something that stands between client and database and has checked the token itself, so what
 * identifies the client is verified, and what the database answered is reported. Statement and application are the client’s words.
 */
const canonical: Format = {
  id: 'canonical',
  title: 'Canonical JSON',
  description:
    'One JSON object a record, for gateways and proxies that know which token was used, and for everything that can be brought into this shape by a log shipper. Only `time` and `token` are needed; each further field lets more detectors have an opinion. SQL is read as any database might read it: what could be a literal in one of them is dropped.',
  trust: {
    at: 'reported',
    token: 'verified',
    principal: 'verified',
    address: 'verified',
    database: 'verified',
    operation: 'reported',
    tables: 'reported',
    statement: 'claimed',
    rows: 'reported',
    bytes: 'reported',
    success: 'reported',
    application: 'claimed',
    session: 'reported',
  },
  samples,
  open: () => oneForOne(({ id, value }) => read(id, value)),
};

export default canonical;

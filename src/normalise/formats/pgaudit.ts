import type { Format, FormatSample } from '../format.ts';
import { StatementCollector } from '../pgaudit-statements.ts';

/** Lines of PostgreSQL 15.20 with pgaudit 1.7; addresses and names changed. */
function line(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    timestamp: '2026-09-30 02:14:07.311 UTC',
    user: 'reporting',
    dbname: 'shop',
    pid: 14142,
    remote_host: '203.0.113.9',
    remote_port: 42922,
    session_id: '6b0518c8.373e',
    line_num: 4,
    ps: 'SELECT',
    session_start: '2026-09-30 02:14:01 UTC',
    vxid: '3/8',
    txid: 0,
    error_severity: 'LOG',
    application_name: 'psql',
    backend_type: 'client backend',
    query_id: 0,
    ...fields,
  });
}

const JOINED = `"select u.name, p.amount from users u join payments p using(id) where u.name <> 'Ada'",<not logged>,20`;

const samples: readonly FormatSample[] = [
  {
    name: 'one statement over two tables, audited by session and by object, and the end of the session',
    records: [
      line({ message: `AUDIT: OBJECT,1,1,READ,SELECT,TABLE,public.users,${JOINED}` }),
      line({ line_num: 5, message: `AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.users,${JOINED}` }),
      line({ line_num: 6, message: `AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.payments,${JOINED}` }),
      line({
        line_num: 7,
        ps: 'idle',
        message: 'disconnection: session time: 0:00:00.281 user=reporting database=shop',
      }),
    ],
    expect: [
      {
        kind: 'event',
        event: {
          at: Date.UTC(2026, 8, 30, 2, 14, 7, 311),
          token: 'reporting',
          principal: 'reporting',
          address: '203.0.113.9',
          database: 'shop',
          operation: 'select',
          tables: ['public.users', 'public.payments'],
          statement: 'select u.name, p.amount from users u join payments p using(id) where u.name <> ?',
          rows: 20,
          bytes: null,
          success: true,
          application: 'psql',
          session: '6b0518c8.373e',
        },
      },
      { kind: 'ignored', rule: 'disconnection' },
    ],
  },
  {
    name: 'a function that reads and writes by itself is one statement of the client',
    records: [
      line({ message: 'AUDIT: SESSION,4,1,FUNCTION,EXECUTE,FUNCTION,public.g,select g();,<not logged>' }),
      line({ message: 'AUDIT: SESSION,4,2,READ,SELECT,TABLE,public.users,SELECT count(*) from users,<not logged>,1' }),
      line({ message: 'AUDIT: SESSION,4,3,WRITE,INSERT,TABLE,public.log,insert into log values (7),<not logged>,1' }),
      line({ message: 'AUDIT: SESSION,4,4,READ,SELECT,,,select g();,<not logged>,1' }),
    ],
    expect: [
      {
        kind: 'event',
        event: { operation: 'select', tables: ['public.users', 'public.log'], statement: 'select g();', rows: 1 },
      },
    ],
  },
  {
    name: 'COPY, of which pgaudit knows neither table nor rows',
    records: [line({ ps: 'COPY', message: 'AUDIT: SESSION,17,1,READ,COPY,,,copy users to stdout;,<not logged>,0' })],
    expect: [{ kind: 'event', event: { operation: 'copy', tables: ['public.users'], rows: null, success: true } }],
  },
  {
    name: 'a statement refused, and one that fails after its entry was written (without pgaudit.log_rows)',
    records: [
      line({
        ps: 'DELETE',
        error_severity: 'ERROR',
        state_code: '42501',
        message: 'permission denied for table users',
        statement: "delete from users where name = 'Ada';",
      }),
      line({
        ps: 'INSERT',
        message:
          'AUDIT: SESSION,2,1,WRITE,INSERT,TABLE,public.payments,"insert into payments values (1,1)",<not logged>',
      }),
      line({
        ps: 'INSERT',
        error_severity: 'ERROR',
        state_code: '23505',
        message: 'duplicate key value violates unique constraint "payments_pkey"',
        detail: 'Key (id)=(1) already exists.',
        statement: 'insert into payments values (1,1)',
      }),
    ],
    expect: [
      {
        kind: 'event',
        event: {
          operation: 'delete',
          tables: ['public.users'],
          success: false,
          statement: 'delete from users where name = ?;',
        },
      },
      { kind: 'event', event: { operation: 'insert', tables: ['public.payments'], success: false } },
    ],
  },
  {
    name: 'logins, let in and refused; a password set',
    records: [
      line({
        ps: 'authentication',
        application_name: undefined,
        message: 'connection authorized: user=reporting database=shop application_name=psql',
      }),
      line({
        ps: 'authentication',
        application_name: undefined,
        session_id: '6b0518c9.3740',
        error_severity: 'FATAL',
        state_code: '28P01',
        message: 'password authentication failed for user "reporting"',
      }),
      line({
        session_id: '6b0518c9.3742',
        ps: 'ALTER ROLE',
        message: "AUDIT: SESSION,24,1,ROLE,ALTER ROLE,,,alter role reporting password 'correct horse',<not logged>,0",
      }),
    ],
    expect: [
      { kind: 'event', event: { operation: 'connect', success: true, application: null } },
      { kind: 'event', event: { operation: 'connect', success: false } },
      { kind: 'event', event: { operation: 'alter', statement: 'alter role reporting password ?' } },
    ],
  },
  {
    name: 'a message of the server itself, and an entry that is none',
    records: [
      JSON.stringify({
        timestamp: '2026-09-30 02:14:07.311 UTC',
        pid: 14137,
        session_id: '6b0518c8.3733',
        error_severity: 'LOG',
        message: 'checkpoint starting: time',
        backend_type: 'checkpointer',
      }),
      line({ message: 'AUDIT: SESSION,1' }),
    ],
    expect: [
      { kind: 'ignored', rule: 'server-message' },
      { kind: 'dead-letter', code: 'wrong-shape' },
    ],
  },
  {
    name: 'a time in a zone whose name is not the same everywhere',
    records: [line({ timestamp: '2026-09-30 02:14:07.311 IST', message: 'duration: 3.1 ms' })],
    expect: [{ kind: 'dead-letter', code: 'no-time' }],
  },
];

/**
 * PostgreSQL's log with pgaudit's entries. The database's role stands for the token. All but statement and application comes from the server
 * itself. A client may write an entry of its own making (`raise log`), but only in its own name.
 */
const pgaudit: Format = {
  id: 'pgaudit',
  title: 'PostgreSQL with pgaudit (jsonlog)',
  description:
    'The JSON log of PostgreSQL 15 or later with the extension pgaudit. Settings: `log_destination = jsonlog`, `log_timezone = UTC`, `log_connections = on`, `pgaudit.log = all`, `pgaudit.log_relation = on`, `pgaudit.log_rows = on`, and `lc_messages = C` for logins. The entries of one statement become one event. The role is the token. Without `log_relation`, tables are read from the text of the statement; without `log_rows`, rows are unknown and `success` means that it was allowed to begin. Of COPY and of cursors pgaudit counts no rows, so theirs are unknown too. Where only the text of a statement names a table (COPY, TRUNCATE, statements that failed) and gives no schema, `public` is assumed. Behind a connection pooler the address is the pooler’s.',
  trust: {
    at: 'reported',
    token: 'reported',
    principal: 'reported',
    address: 'reported',
    database: 'reported',
    operation: 'reported',
    tables: 'reported',
    statement: 'claimed',
    rows: 'reported',
    success: 'reported',
    application: 'claimed',
    session: 'reported',
  },
  samples,
  open: () => new StatementCollector(),
};

export default pgaudit;

import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { type Asked, type FaultServer, type Reply, startFaultServer } from '../store/fault-server.ts';

/** The engine in this process, behind an HTTP server that speaks as ClickHouse's does, with faults in between. */
export interface ClickHouseFront extends AsyncDisposable {
  readonly url: string;
  /** Answers as the engine does. */
  readonly honest: Reply;
  /** How requests are answered from now on. */
  reply(reply: Reply): void;
  /** Stops to listen: connections are refused. */
  down(): Promise<void>;
  /** Listens again, on the same port, and answers honestly. */
  up(): Promise<void>;
  /** Runs a statement of the test's own. */
  query<Row>(statement: string): Promise<readonly Row[]>;
  /** Inserts that the engine has carried out. */
  insertCount(): number;
}

export async function startClickHouseFront(folder: string): Promise<ClickHouseFront> {
  // One type declared twice: the binding names the client's contract by another package.
  const connection = createChdbConnection({ path: folder }) as never;
  const client = createClient({ connection });
  let last: Promise<unknown> = Promise.resolve();
  let insertCount = 0;
  /** One at a time, as the engine in the process wants it. */
  const run = (asked: Asked): Promise<string> => {
    const { statement, rows, settings } = asked;
    const isInsert = rows !== '';
    const parameters = [...settings].filter(([name]) => name.startsWith('param_'));
    const query_params = Object.fromEntries(parameters.map(([name, value]) => [name.slice('param_'.length), value]));
    const call = last.then(async () => {
      const values = isInsert ? { values: Readable.from([Buffer.from(rows)], { objectMode: false }) } : {};
      const { stream } = await client.exec({ query: statement, query_params, ...values });
      const answer = await text(stream);
      if (isInsert) insertCount += 1;
      return answer;
    });
    last = call.catch(() => undefined);
    return call;
  };
  const honest: Reply = async (asked, response) => {
    try {
      const answer = await run(asked);
      if (!response.destroyed) response.end(answer);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '1002';
      const type = cause instanceof Error && 'type' in cause ? ` (${String(cause.type)})` : '';
      response.writeHead(500, { 'X-ClickHouse-Exception-Code': code });
      response.end(`Code: ${code}. DB::Exception: ${message}${type}`);
    }
  };
  let server: FaultServer | undefined = await startFaultServer(honest);
  const { url } = server;
  const down = async () => {
    await server?.[Symbol.asyncDispose]();
    server = undefined;
  };
  return {
    url,
    honest,
    reply: (reply) => {
      if (server === undefined) throw new Error('the front is down');
      server.reply = reply;
    },
    down,
    up: async () => {
      server ??= await startFaultServer(honest, Number(new URL(url).port));
      server.reply = honest;
    },
    query: async (statement) => {
      const call = last.then(async () => (await client.query({ query: statement, format: 'JSONEachRow' })).json());
      last = call.catch(() => undefined);
      return (await call) as never;
    },
    insertCount: () => insertCount,
    [Symbol.asyncDispose]: async () => {
      await down();
      await last;
      await client.close();
    },
  };
}

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { zstdDecompressSync } from 'node:zlib';

/** One request as ClickHouse's HTTP interface would understand it. */
export interface Asked {
  readonly path: string;
  /** The statement: in the address when there are rows in the body, else the body. */
  readonly statement: string;
  /** Rows, decompressed; empty for other statements. */
  readonly rows: string;
  readonly settings: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** Requests that are remembered. */
const ASKED_MAX = 10_000;

export type Reply = (asked: Asked, response: ServerResponse) => void | Promise<void>;

/** A real HTTP server that takes requests as ClickHouse does and then does to them what the test says. */
export interface FaultServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
  reply: Reply;
}

/** @param port of 127.0.0.1; default: one that is free */
export async function startFaultServer(reply: Reply, port = 0): Promise<FaultServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const one = await read(request).catch(() => undefined);
      if (one === undefined) return; // Whoever asked has gone away.
      asked.push(one);
      if (asked.length > ASKED_MAX) asked.shift();
      await faults.reply(one, response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const faults: FaultServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    reply,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return faults;
}

/** An exception as ClickHouse answers it. */
export function exception(code: number, type: string, status = 500): Reply {
  return (_, response) => {
    response.writeHead(status, { 'X-ClickHouse-Exception-Code': code });
    response.end(`Code: ${code}. DB::Exception: Something about ${type.toLowerCase()}. (${type}) (version 26.3.1.1)`);
  };
}

export const takes: Reply = (_, response) => void response.end();
export const resets: Reply = (_, response) => void response.socket?.resetAndDestroy();
export const hangs: Reply = () => undefined;

async function read(request: IncomingMessage): Promise<Asked> {
  const { pathname, searchParams: settings } = new URL(request.url ?? '/', 'http://localhost');
  const raw = await buffer(request);
  const body = (request.headers['content-encoding'] === 'zstd' ? zstdDecompressSync(raw) : raw).toString();
  const statement = settings.get('query');
  return {
    path: pathname,
    statement: statement ?? body,
    rows: statement === null ? '' : body,
    settings,
    headers: request.headers,
  };
}

import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What the server does with one request. Without anything: 200. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Waits so long before it answers. */
  readonly delayMs?: number;
  /** Never answers. */
  readonly hang?: boolean;
  /** Resets the connection instead of answering. */
  readonly reset?: boolean;
  /** Sends a body that never ends, as fast as it is taken. */
  readonly endless?: boolean;
  /** Sends a byte of body every 10 ms, for ever. */
  readonly drip?: boolean;
}

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

/** A real HTTP(S) server on 127.0.0.1 that answers as told and remembers what it was asked. */
export interface HttpReceiver extends AsyncDisposable {
  readonly port: number;
  /** `http(s)://127.0.0.1:port/hook`. */
  readonly url: string;
  readonly requests: ReceivedRequest[];
  /** Bytes of endless bodies that were handed to the network. */
  sentByteCount(): number;
  /** Queues answers; when they are used up, the last one given to `always` (200 at first) is repeated. */
  next(...answers: readonly Answer[]): void;
  always(answer: Answer | ((request: ReceivedRequest) => Answer)): void;
  close(): Promise<void>;
}

export async function startHttpReceiver(tls?: { readonly key: string; readonly cert: string }): Promise<HttpReceiver> {
  const requests: ReceivedRequest[] = [];
  const queue: Answer[] = [];
  let usual: Answer | ((request: ReceivedRequest) => Answer) = {};
  let sentByteCount = 0;

  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const received: ReceivedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
      at: performance.now(),
    };
    requests.push(received);
    const answer = queue.shift() ?? (typeof usual === 'function' ? usual(received) : usual);
    if (answer.delayMs) await new Promise((resolve) => setTimeout(resolve, answer.delayMs));
    if (answer.hang) return;
    if (answer.reset) {
      request.socket.resetAndDestroy();
      return;
    }
    response.writeHead(answer.status ?? 200, answer.headers);
    if (answer.endless) pour(response, (byteCount) => (sentByteCount += byteCount));
    else if (answer.drip) dripInto(response);
    else response.end(answer.body ?? '');
  };

  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/hook`,
    requests,
    sentByteCount: () => sentByteCount,
    next: (...answers) => void queue.push(...answers),
    always: (answer) => {
      usual = answer;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function pour(response: ServerResponse, sent: (byteCount: number) => void): void {
  const chunk = Buffer.alloc(16 * 1024, 'x');
  const write = (): void => {
    while (!response.destroyed) {
      sent(chunk.byteLength);
      if (!response.write(chunk)) {
        response.once('drain', write);
        return;
      }
    }
  };
  write();
}

function dripInto(response: ServerResponse): void {
  const timer = setInterval(() => response.write('x'), 10);
  response.once('close', () => clearInterval(timer));
}

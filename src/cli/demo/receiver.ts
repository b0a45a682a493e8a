import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { AlertMessage, RevocationMessage } from '../../deliver/alert-message.ts';

/** One webhook as it arrived. */
export interface Received {
  readonly at: number;
  readonly genuine: boolean;
  readonly body: AlertMessage | RevocationMessage;
}

export interface DemoReceiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Resolves with the first webhook that fits; rejects after `waitMs`. */
  waitFor(fits: (webhook: Received) => boolean, waitMs: number): Promise<Received>;
  close(): Promise<void>;
}

/** Stands for the systems that a company would have told about a theft: takes signed webhooks and checks the signature. */
export async function startDemoReceiver(secret: string): Promise<DemoReceiver> {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const webhook = new Webhook(secret);
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const at = Date.now();
    response.writeHead(200).end();
    const genuine = isGenuine(webhook, body, request);
    received.push({ at, genuine, body: JSON.parse(body) as Received['body'] });
    for (const wake of waiting) wake();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    waitFor: (fits, waitMs) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = received.find(fits);
          if (found) settle(() => resolve(found));
        };
        const timer = setTimeout(
          () => settle(() => reject(new Error(`nothing arrived within ${waitMs / 1000} s`))),
          waitMs,
        );
        const settle = (end: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          end();
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function isGenuine(webhook: Webhook, body: string, { headers }: IncomingMessage): boolean {
  try {
    webhook.verify(body, headers as Record<string, string>);
    return true;
  } catch {
    // The library throws for every reason not to believe the sender.
    return false;
  }
}

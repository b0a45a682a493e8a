import { createServer } from 'node:http';
import { Command } from 'commander';
import { Webhook } from 'standardwebhooks';
import { type CliIo, UsageError, wholeNumber } from '../io.ts';

const BODY_BYTES_MAX = 256 * 1024;

/** A webhook receiver for trying things out: checks the signature, prints what it gets, answers 200. */
export function receiveCommand(io: CliIo): Command {
  return new Command('receive')
    .description('print the webhooks that arrive, for trying things out')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on', wholeNumber(0, 65_535), 9000)
    .option(
      '--secret-env <name>',
      'environment variable with the signing secret (whsec_…): refuse what is not signed with it',
    )
    .action(async (options: { host: string; port: number; secretEnv?: string }) => {
      const secret = options.secretEnv === undefined ? undefined : io.env[options.secretEnv];
      if (options.secretEnv !== undefined && !secret)
        throw new UsageError(`the environment variable ${options.secretEnv} is empty`);
      await receive(io, options, secret === undefined ? undefined : new Webhook(secret));
    });
}

async function receive(
  io: CliIo,
  { host, port }: { host: string; port: number },
  webhook: Webhook | undefined,
): Promise<void> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > BODY_BYTES_MAX) request.destroy();
      else chunks.push(chunk);
    });
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const accepted = isGenuine(webhook, body, request.headers);
      io.out(
        `${new Date().toISOString()} ${request.method} ${request.url} ${accepted ? '' : 'BAD SIGNATURE '}${JSON.stringify(body)}\n`,
      );
      response.writeHead(accepted ? 200 : 401).end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  io.err(`listening on http://${host}:${typeof address === 'object' ? address?.port : port}\n`);
  await new Promise<void>((resolve) => {
    if (io.interrupted.aborted) resolve();
    io.interrupted.addEventListener('abort', () => resolve());
  });
  server.closeAllConnections();
  server.close();
}

function isGenuine(webhook: Webhook | undefined, body: string, headers: NodeJS.Dict<string | string[]>): boolean {
  if (webhook === undefined) return true;
  try {
    webhook.verify(body, headers as Record<string, string>);
    return true;
  } catch {
    // The library throws for every reason not to believe the sender.
    return false;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/**
 * A shell between us and the server, that ends the server when our end of its pipe closes: also when this process is killed. Then it
 * removes the folder too, unless told to keep it.
 */
const GUARD = `exec 3<&0; signal=$1; folder=$2; shift 2; "$@" </dev/null & server=$!
(word=$(cat <&3); kill -$signal $server; [ "$word" = keep ] || rm -rf "$folder") & wait $server`;

export interface GuardedOptions {
  /** Its output goes to `out.log` in here. */
  readonly folder: string;
  /** By which it is ended. */
  readonly signal: 'KILL' | 'QUIT';
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server that does not outlive this process. */
export async function startGuarded(
  command: readonly string[],
  { folder, signal, env }: GuardedOptions,
): Promise<ChildProcess> {
  const out = await open(join(folder, 'out.log'), 'a');
  try {
    return spawn('sh', ['-c', GUARD, 'sh', signal, folder, ...command], {
      stdio: ['pipe', out.fd, out.fd],
      env: { ...process.env, ...env },
    });
  } finally {
    await out.close();
  }
}

/** Ends it and leaves its folder. */
export async function endGuarded(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const exit = once(server, 'exit');
  server.stdin?.end('keep');
  await exit;
}

/** A port of 127.0.0.1 that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

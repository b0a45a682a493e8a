import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** A `tokenwarden` of its own process. */
export interface TokenwardenProcess {
  /** Memory it holds now, as the kernel counts it, MiB. */
  residentMiB(): number;
  /** Everything it wrote to standard error so far. */
  readonly log: () => string;
  /** Resolves once the text stands in standard error; rejects when the process ends before. */
  logged(text: string, limitMs?: number): Promise<void>;
  /** Resolves with the exit code when it ends by itself; rejects when it runs on. */
  ended(limitMs?: number): Promise<number | null>;
  /** Stops (`SIGSTOP`) or continues it, or what else a signal does. */
  signal(name: NodeJS.Signals): void;
  /** As `kill -9` does. */
  kill(): Promise<void>;
  /** As an orchestrator does: SIGTERM, then waits. @returns the exit code */
  stop(): Promise<number | null>;
  readonly exited: boolean;
}

export interface StartOptions {
  /** Run instead of the command line's own. */
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments to `run`. */
  readonly args?: readonly string[];
  /** Of the configuration's file. Processes that start at one time need one each. */
  readonly name?: string;
}

/** Starts `tokenwarden run` with a configuration that is written to `folder`. */
export async function startTokenwarden(
  folder: string,
  config: object,
  { main = MAIN, env = {}, args = [], name = 'tokenwarden' }: StartOptions = {},
): Promise<TokenwardenProcess> {
  const path = join(folder, `${name}.yaml`);
  await writeFile(path, stringify(config));
  return watch(
    spawn(process.execPath, [main, 'run', '--config', path, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    }),
  );
}

function watch(child: ChildProcess): TokenwardenProcess {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  child.stdout?.resume();
  const ended = once(child, 'close');
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    residentMiB: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
    },
    log: () => log,
    get exited() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    async logged(text, limitMs = 30_000) {
      const deadline = Date.now() + limitMs;
      while (!log.includes(text)) {
        if (child.exitCode !== null) throw new Error(`tokenwarden ended with ${child.exitCode}:\n${log}`);
        if (Date.now() > deadline) throw new Error(`"${text}" was not logged within ${limitMs} ms:\n${log}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async ended(limitMs = 30_000) {
      const late = sleep(limitMs, undefined, { ref: false }).then(() => {
        throw new Error(`tokenwarden still runs after ${limitMs} ms:\n${log}`);
      });
      await Promise.race([ended, late]);
      return child.exitCode;
    },
    signal: (name) => void child.kill(name),
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  };
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a file of `bench/children/` in a process of its own, whose memory and time are its alone. @returns the JSON that it prints */
export async function inChild<T>(name: string, ...args: readonly string[]): Promise<T> {
  const file = join(import.meta.dirname, 'children', `${name}.ts`);
  const { stdout } = await run(process.execPath, ['--expose-gc', '--max-old-space-size=6144', file, ...args]);
  return JSON.parse(stdout) as T;
}

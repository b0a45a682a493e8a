import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Edit, PLANTED_BUGS, plant } from './planted.ts';

const ROOT = join(import.meta.dirname, '../..');
const SEEDS_MAX = 1000;

/** A simulator that finds nothing proves nothing: each of these must be found within so many seeds. */
describe('the simulator catches', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenwarden-planted-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.concurrent.each(PLANTED_BUGS)('$title', { timeout: 600_000 }, async ({ title, edits, caughtBy }) => {
    const tree = join(folder, title.replaceAll(/\W+/g, '-'));
    await copyWith(tree, edits);
    const output = await simulate(tree);
    expect(output, title).toMatch(/, 1 failed$/);
    expect(caughtBy, output).toContain(/the first: (\w+):/.exec(output)?.[1]);
    console.log(`${title}: ${output.split('\n')[0]}`);
  });

  async function copyWith(tree: string, edits: readonly Edit[]): Promise<void> {
    for (const part of ['src', 'detectors', 'test/sim', 'package.json'])
      await cp(join(ROOT, part), join(tree, part), { recursive: true });
    for (const edit of edits) {
      const path = join(tree, edit.file);
      await writeFile(path, plant(await readFile(path, 'utf8'), edit));
    }
  }
});

function simulate(tree: string): Promise<string> {
  const args = ['test/sim/main.ts', '--seeds', String(SEEDS_MAX), '--until-failed', '--processes', '1'];
  const child = spawn(process.execPath, args, { cwd: tree, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve) => child.once('close', () => resolve(output.trim())));
}

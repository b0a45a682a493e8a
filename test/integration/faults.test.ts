import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '..', 'faults', 'main.ts');

it('the short part of `npm run faults` passes', { timeout: 400_000 }, async () => {
  const seed = process.env['TOKENWARDEN_TEST_SEED'] ?? String(Date.now());
  const child = spawn(process.execPath, [MAIN, '--short', '--seed', seed], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const [code] = await once(child, 'close');
  console.log(printed);
  expect(code).toBe(0);
  expect(printed).toMatch(/[1-9]\d* passed, 0 failed, \d+ skipped/);
});

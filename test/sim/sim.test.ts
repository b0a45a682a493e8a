import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, 'main.ts');
const run = promisify(execFile);

async function simulate(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [MAIN, ...args]);
  return stdout.trim();
}

describe('simulated installations', () => {
  it('keep every promise, whatever befalls them: 1,000 seeds', { timeout: 1_800_000 }, async () => {
    expect(await simulate('--seeds', '1000')).toBe('1000 passed, 0 failed');
  });

  it('come out the same from the same seed', { timeout: 60_000 }, async () => {
    const [once, again] = await Promise.all([simulate('--seed', '7'), simulate('--seed', '7')]);
    expect(again).toBe(once);
    expect(once).toContain('faults: ');
  });
});

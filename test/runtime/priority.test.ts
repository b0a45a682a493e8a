import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { StageName } from '../../src/pipeline/stage.ts';

const MODULE = join(import.meta.dirname, '../../src/runtime/priority.ts');
const run = promisify(execFile);

/** In a process of its own: nobody gets a priority back. */
async function priorityWith(stages: readonly StageName[]): Promise<number> {
  const code = `
    const { giveWay } = await import(${JSON.stringify(MODULE)});
    const { getPriority } = await import('node:os');
    const before = getPriority();
    giveWay(${JSON.stringify(stages)});
    console.log(getPriority() - before);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code]);
  return Number(stdout);
}

it('lets a process that only archives give way, and no other', async () => {
  expect(await priorityWith(['archive'])).toBeGreaterThan(0);
  expect(await priorityWith(['detect', 'archive'])).toBe(0);
});

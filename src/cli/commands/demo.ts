import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { runDemo } from '../demo/story.ts';
import { type CliIo, UsageError } from '../io.ts';

/** Shows the whole thing at work, with nothing but this checkout. */
export function demoCommand(io: CliIo): Command {
  return new Command('demo')
    .description(
      'learn two weeks of made-up traffic, steal a token, watch it being found and revoked: the real pipeline, in under a minute',
    )
    .option('--seed <text>', 'another seed is another fleet', 'demo')
    .option('--keep', 'keep the data folder, to look around in it')
    .action(async ({ seed, keep }: { seed: string; keep?: boolean }) => {
      const folder = mkdtempSync(join(tmpdir(), 'tokenwarden-demo-'));
      try {
        const failures = await runDemo(io, { folder, seed });
        if (failures.length > 0) throw new UsageError(`the demo FAILED: ${failures.join('; ')}`, 1);
      } finally {
        if (keep) io.out(`\nThe data is in ${folder}\n`);
        else rmSync(folder, { recursive: true, force: true });
      }
    });
}

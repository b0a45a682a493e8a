import { existsSync, readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import type { StageName } from '../pipeline/stage.ts';

/** On Linux a priority is a thread's: that of the process is its first thread's. */
const THREADS = '/proc/self/task';

/**
 * Has a process that only archives give way, when the processor is short, to those that decide: the archive may be late, a revocation may not.
 * Call it early: threads take the priority of the one that starts them.
 */
export function giveWay(stages: readonly StageName[]): void {
  if (!stages.every((stage) => stage === 'archive')) return;
  const threads = existsSync(THREADS) ? readdirSync(THREADS).map(Number) : [process.pid];
  for (const thread of threads) setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
}

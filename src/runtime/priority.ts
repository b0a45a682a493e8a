import { constants, setPriority } from 'node:os';
import type { StageName } from '../pipeline/stage.ts';

/**
 * Has a process that only archives give way, when the processor is short, to those that decide: the archive may be late, a revocation may not.
 * Call it first: threads take the priority of the one that starts them.
 */
export function giveWay(stages: readonly StageName[]): void {
  if (stages.every((stage) => stage === 'archive')) setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
}

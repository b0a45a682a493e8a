import type { Stage, StageName } from '../pipeline/stage.ts';
import { type Pipeline, watchStages } from '../pipeline/watch-stages.ts';

/** A stage that tells what it has counted since its start. */
export type CountingStage = Stage & { readonly counts: unknown };

/** Effects first, so that nothing waits for a reader. */
const STARTING_ORDER = ['archive', 'respond', 'detect', 'collect'] as const satisfies readonly StageName[];

/** Starts the given stages. When one cannot start, those before it are stopped, and its reason is thrown. */
export async function startStages(
  start: Readonly<Partial<Record<StageName, () => Promise<CountingStage>>>>,
): Promise<Pipeline<CountingStage>> {
  const started: CountingStage[] = [];
  try {
    for (const name of STARTING_ORDER) {
      const stage = await start[name]?.();
      if (stage === undefined) continue;
      started.unshift(stage);
      // It may fail while another starts, before anybody watches it: whoever does then is told nevertheless.
      stage.done.catch(() => undefined);
    }
  } catch (cause) {
    // What made the start fail is what must be told, not what comes of it.
    await Promise.allSettled(started.map((stage) => stage.stop()));
    throw cause;
  }
  return watchStages(started);
}

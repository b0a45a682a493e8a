import type { Stage } from './stage.ts';

/** The stages of a process, as one: it ends when they have ended, and the first failure ends them all. */
export interface Pipeline<S extends Stage = Stage> {
  readonly stages: readonly S[];
  /** Resolves after `stop()`, or when nothing is left to do; rejects with the first failure, after stopping the rest. */
  readonly done: Promise<void>;
  /** Stops the stages from the source towards the effects, so that what is in hand still flows through. What fails meanwhile is told by `done`. */
  stop(): Promise<void>;
}

/** @param stages in the order in which events pass them */
export function watchStages<S extends Stage>(stages: readonly S[]): Pipeline<S> {
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      // One that has failed cannot stop properly; the others must.
      for (const stage of stages) await stage.stop().catch(() => undefined);
    })();
    return stopped;
  };
  const done = Promise.all(stages.map(({ done }) => done)).then(
    () => undefined,
    async (cause: unknown) => {
      await stop();
      throw cause;
    },
  );
  done.catch(() => undefined);
  return { stages, done, stop };
}

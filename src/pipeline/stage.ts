/** One of the four stages, running. */
export interface Stage {
  readonly name: StageName;
  /** Resolves after `stop()`; rejects when the stage cannot go on: then the process says so and stops. */
  readonly done: Promise<void>;
  /** Stops taking, finishes what is in hand, makes it durable, leaves. */
  stop(): Promise<void>;
}

export const STAGE_NAMES = ['collect', 'detect', 'respond', 'archive'] as const;
export type StageName = (typeof STAGE_NAMES)[number];

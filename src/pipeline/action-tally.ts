import type { Action, ActionState } from '../domain/action.ts';

/** How many actions came to stand somewhere. Kinds and states are ours, targets are named in the configuration: there are few. */
export interface ActionCount extends Pick<Action, 'kind' | 'target'> {
  readonly state: ActionState;
  readonly count: number;
}

/** Counts actions by kind, target and state. */
export class ActionTally {
  readonly #counts = new Map<string, ActionCount>();

  /** @param count 0 makes it known beforehand: what appears with its first occurrence cannot be seen to rise */
  note({ kind, target }: Pick<Action, 'kind' | 'target'>, state: ActionState, count = 1): void {
    const key = `${kind}/${target}/${state}`;
    this.#counts.set(key, { kind, target, state, count: (this.#counts.get(key)?.count ?? 0) + count });
  }

  all(): readonly ActionCount[] {
    return [...this.#counts.values()];
  }
}

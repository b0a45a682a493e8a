/** Resolves when it is the caller's turn to do something synchronous and short. */
export type Turns = () => Promise<void>;

/**
 * Hands out turns of the event loop one at a time, first come first served. Many readers that each block it for some milliseconds would
 * otherwise all do so in the same turn.
 */
export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  function next(): void {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(next);
  }
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) setImmediate(next);
    });
}

/**
 * Runs tasks one after the other, in the order they were given. When one fails it is the last: those after it would build on what it has left
 * undone, so they reject with its cause and are not begun.
 */
export type Serial = <T>(task: () => Promise<T>) => Promise<T>;

export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task);
    last = next;
    last.catch(() => undefined);
    return next;
  };
}

/** The same for tasks that build on nothing, such as readings: when one fails, those after it are begun all the same. */
export function createTurns(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next;
    return next;
  };
}

/**
 * Closes what was opened, the last first. What one fails with must not leave the others open: a lock on a folder, rows that are not on the disk.
 *
 * @throws what failed first, when all were tried
 */
export async function closeAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const causes: unknown[] = [];
  for (const step of steps.toReversed()) {
    try {
      await step();
    } catch (cause) {
      causes.push(cause);
    }
  }
  if (causes.length > 0) throw causes[0];
}

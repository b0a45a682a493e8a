import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from './io.ts';

/** A file that a command writes once, at its end. */
export interface TextFile {
  /** @throws UsageError if it cannot be written */
  write(text: string): Promise<void>;
}

/**
 * Makes the file, so that it is known to be possible before long work begins.
 *
 * @param inputs what is read, and must not be written over
 * @throws UsageError when it cannot be made, or is one of the inputs
 */
export async function createTextFile(path: string, inputs: readonly string[]): Promise<TextFile> {
  if (inputs.some((input) => resolve(input) === resolve(path)))
    throw new UsageError(`${path} is named twice: it would be written over`);
  const cannotWrite = (cause: unknown) =>
    new UsageError(`cannot write ${path} (${(cause as NodeJS.ErrnoException).code ?? cause})`);
  const file = await open(path, 'w').catch((cause: unknown) => {
    throw cannotWrite(cause);
  });
  return {
    write: async (text) => {
      try {
        await file.writeFile(text);
        await file.close();
      } catch (cause) {
        throw cannotWrite(cause);
      }
    },
  };
}

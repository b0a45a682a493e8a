import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** What a gzip stream holds. An error of the stream ends it too; leaving it early is none. */
export function unpack(input: Readable): Readable {
  const output = createGunzip();
  input.on('error', (error) => output.destroy(error));
  return input.pipe(output);
}

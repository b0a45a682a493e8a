import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { contentName, endFileLane, type FileContext, type FileLane, HEAD_BYTES, resumeFileLane } from './file-lane.ts';
import { notRegular } from './open-file.ts';
import { unpack } from './unpack.ts';

/** Reads a gzip file to its end. Offsets are those of what comes out of it; on a restart everything before is decompressed again. */
export async function readCompressed(path: string, context: FileContext): Promise<void> {
  const seen = await stat(path, { bigint: true });
  if (!seen.isFile()) throw notRegular();
  const input = createReadStream(path);
  const reader = new DecompressedFile(context, seen.ino);
  try {
    // Leaving the loop early destroys the decoder; waiting for it to end, as a pipeline does, would make a failure of that.
    for await (const chunk of unpack(input) as AsyncIterable<Buffer>) {
      if (context.signal.aborted) break;
      await reader.take(chunk, false);
    }
    await reader.end();
  } finally {
    input.destroy();
  }
}

class DecompressedFile {
  readonly #context: FileContext;
  readonly #inode: bigint;
  #lane: FileLane | undefined;
  /** What has come before the lane was known. */
  #head = Buffer.alloc(0);
  /** So many bytes lie before the remembered position. */
  #skip = 0;

  constructor(context: FileContext, inode: bigint) {
    this.#context = context;
    this.#inode = inode;
  }

  async take(chunk: Buffer, complete: boolean): Promise<void> {
    const known = this.#lane;
    const input = known ? chunk : Buffer.concat([this.#head, chunk]);
    this.#lane ??= await this.#identify(input, complete);
    if (this.#lane === undefined) {
      this.#head = Buffer.from(input);
      return;
    }
    const passed = Math.min(this.#skip, input.length);
    this.#skip -= passed;
    if (passed === input.length) return;
    await this.#lane.progress.take(this.#lane.splitter.push(input.subarray(passed)), this.#context.signal);
  }

  /** The file has ended, or reading it was stopped. */
  async end(): Promise<void> {
    const { signal } = this.#context;
    if (this.#lane === undefined && !signal.aborted) await this.take(Buffer.alloc(0), true);
    if (this.#lane) await endFileLane(this.#lane, signal);
  }

  async #identify(input: Buffer, complete: boolean): Promise<FileLane | undefined> {
    const content = contentName(input.subarray(0, HEAD_BYTES), this.#inode, complete);
    if (content === undefined) return undefined;
    const lane = await resumeFileLane(this.#context, content, Number.MAX_SAFE_INTEGER);
    this.#skip = lane.offset;
    return lane;
  }
}

import { type FileHandle, open } from 'node:fs/promises';
import { contentName, endFileLane, type FileContext, type FileLane, HEAD_BYTES, resumeFileLane } from './file-lane.ts';

const CHUNK_BYTES = 256 * 1024;

/** A file held open, wherever it is renamed to. */
export class OpenFile {
  readonly device: bigint;
  readonly inode: bigint;
  readonly #handle: FileHandle;
  readonly #context: FileContext;
  #lane: FileLane | undefined;
  #offset = 0;
  /** The bytes that named the content: others there now mean that the file was written anew. */
  #head = Buffer.alloc(0);
  #changedAt: bigint | undefined;
  #writtenAnew = false;

  /** Resolves with `undefined` when there is no such file. Rejects when it is something else or cannot be opened. */
  static async open(path: string, context: FileContext): Promise<OpenFile | undefined> {
    const handle = await open(path).catch(unlessMissing);
    if (handle === undefined) return undefined;
    const { dev, ino } = await handle.stat({ bigint: true });
    return new OpenFile(handle, context, dev, ino);
  }

  private constructor(handle: FileHandle, context: FileContext, device: bigint, inode: bigint) {
    this.#handle = handle;
    this.#context = context;
    this.device = device;
    this.inode = inode;
  }

  get held(): boolean {
    return this.#lane?.progress.held ?? false;
  }

  async modifiedAt(): Promise<bigint> {
    return (await this.#handle.stat({ bigint: true })).mtimeNs;
  }

  /**
   * Reads on and hands over the lines that are complete.
   *
   * @param complete nothing more will be written: a first line without newline is one.
   * @returns whether there was anything.
   */
  async step(complete: boolean): Promise<boolean> {
    const { size: bigSize, mtimeNs } = await this.#handle.stat({ bigint: true });
    const size = Number(bigSize);
    if (this.#lane && (await this.#wasWrittenAnew(size, mtimeNs))) {
      await endFileLane(this.#lane, this.#context.signal);
      this.#lane = undefined;
      this.#offset = 0;
      this.#writtenAnew = true;
    }
    this.#lane ??= await this.#identify(size, complete);
    if (this.#lane === undefined) return false;
    const chunk = await this.#read(Math.min(size - this.#offset, CHUNK_BYTES), this.#offset);
    if (chunk.length === 0) return false;
    this.#offset += chunk.length;
    await this.#lane.progress.take(this.#lane.splitter.push(chunk), this.#context.signal);
    return true;
  }

  /** No input is at hand: settles what is held back, or remembers the position when it is due. */
  async idle(): Promise<void> {
    await this.#lane?.progress.settle();
    await this.#lane?.progress.remember('due');
  }

  /** Reads what is left, a last line without newline included. */
  async finish(): Promise<void> {
    const { signal } = this.#context;
    while (!signal.aborted && (await this.step(true)));
    if (this.#lane && !signal.aborted) await endFileLane(this.#lane, signal);
  }

  /** Remembers the position and lets go of the file. What is held back will be read again. */
  async close(): Promise<void> {
    try {
      await this.#lane?.progress.remember('now');
    } finally {
      await this.#handle.close();
    }
  }

  async #identify(size: number, complete: boolean): Promise<FileLane | undefined> {
    const head = await this.#read(HEAD_BYTES, 0);
    const content = contentName(head, this.inode, complete);
    if (content === undefined) return undefined;
    const end = head.indexOf('\n');
    this.#head = end === -1 ? head : head.subarray(0, end + 1);
    const lane = await resumeFileLane(this.#context, content, size, this.#writtenAnew);
    this.#offset = lane.offset;
    return lane;
  }

  /** Truncated, or (when it has grown again since) beginning with something else. */
  async #wasWrittenAnew(size: number, changedAt: bigint): Promise<boolean> {
    if (size < this.#offset) return true;
    if (changedAt === this.#changedAt) return false;
    this.#changedAt = changedAt;
    return !(await this.#read(this.#head.length, 0)).equals(this.#head);
  }

  async #read(length: number, position: number): Promise<Buffer<ArrayBuffer>> {
    if (length <= 0) return Buffer.alloc(0);
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  }
}

/** Lets a missing file pass as `undefined`. */
export function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}

/** What is read must end, and must let itself be read at a position. */
export function notRegular(): Error {
  return Object.assign(new Error('it is no regular file (a pipe can be read as stdin)'), { code: 'EINVAL' });
}

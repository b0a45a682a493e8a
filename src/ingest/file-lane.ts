import { createHash } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import { createLineSplitter, type LineSplitter } from './lines.ts';
import type { Positions } from './positions.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Intake } from './source.ts';

/** What reading a file needs from its source. */
export interface FileContext {
  readonly intake: Intake;
  readonly positions: Positions;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A file's lane, taken up where it was left. */
export interface FileLane {
  /** Where reading goes on. */
  readonly offset: number;
  readonly splitter: LineSplitter;
  readonly progress: Progress;
}

/** The first line says who a file is; so much of it. */
export const HEAD_BYTES = 256;

/**
 * Names a file's content: a hash of its first line with its inode number, so that a restart finds the lane again, and a rotated file or one
 * written anew is another.
 *
 * @param head the file's first `HEAD_BYTES`, or all of a shorter one.
 * @returns `undefined` while the first line is not complete.
 */
export function contentName(head: Buffer, inode: bigint, complete: boolean): string | undefined {
  const end = head.indexOf('\n');
  if (end === -1 && head.length < HEAD_BYTES && !(complete && head.length > 0)) return undefined;
  const line = end === -1 ? head : head.subarray(0, end);
  return `${createHash('sha256').update(line).digest('hex').slice(0, 16)}-${inode}`;
}

/** The latest lane of a file's content; a later generation of the same name was truncated before and begins alike. */
export function latestLane(
  positions: Positions,
  content: string,
): { lane: string; generation: number; offset: number } {
  let latest = { lane: `${content}-0`, generation: 0, offset: 0 };
  for (const [lane, { offset }] of positions.lanes) {
    if (!lane.startsWith(`${content}-`)) continue;
    const generation = Number(lane.slice(content.length + 1));
    if (generation >= latest.generation) latest = { lane, generation, offset };
  }
  return latest;
}

/**
 * Takes up the lane of a file.
 *
 * @param sizeMin the file is known to be at least so long; a remembered position beyond it belongs to what was truncated.
 * @param anew what was remembered for this content is known to be over.
 */
export async function resumeFileLane(
  context: FileContext,
  content: string,
  sizeMin: number,
  anew = false,
): Promise<FileLane> {
  const { intake, positions, clock } = context;
  const latest = latestLane(positions, content);
  const over = positions.lanes.has(latest.lane) && (anew || latest.offset > sizeMin);
  const name = over ? `${content}-${latest.generation + 1}` : latest.lane;
  const remembered = positions.lanes.get(name);
  const lane = await intake.resume(name, remembered);
  if (remembered === undefined) {
    // Before the first record: a crash from here on must find out what reached the log.
    const start = await lane.settle();
    await positions.remember(name, { ...start, offset: 0 });
  }
  const offset = remembered?.offset ?? 0;
  const progress = createProgress(lane, clock, (position) => positions.remember(name, position));
  return { offset, splitter: createLineSplitter(offset), progress };
}

/** Hands over a last line without newline, settles and remembers: the content is over. */
export async function endFileLane({ splitter, progress }: FileLane, signal: AbortSignal): Promise<void> {
  const last = splitter.end();
  if (last) await progress.take([last], signal);
  if (!signal.aborted) await progress.settle();
  await progress.remember('now');
}

import type { Log } from '../log/log.ts';
import { TOPICS } from '../pipeline/topics.ts';
import { decodePosition, encodePosition, type Position } from './source.ts';

/** How far a source's lanes have been read, kept in the positions log. */
export interface Positions {
  /** By lane, the one remembered last at the end. */
  readonly lanes: ReadonlyMap<string, Position>;
  /** Resolves once durable. The lanes used least lately are forgotten beyond `LANES_MAX`. */
  remember(lane: string, position: Position): Promise<void>;
}

/** A rotated file is looked for among so many. */
const LANES_MAX = 256;

/** Reads back what a source remembered. Its name is the first part of the keys. */
export async function openPositions(log: Log, source: string): Promise<Positions> {
  const prefix = `${source}/`;
  const lanes = new Map<string, Position>();
  for await (const batch of log.read(TOPICS.positions, 0)) {
    for (const { key, value } of batch) {
      if (!key?.startsWith(prefix)) continue;
      const lane = key.slice(prefix.length);
      lanes.delete(lane);
      const position = value === null ? undefined : decodePosition(value.toString());
      if (position) lanes.set(lane, position);
    }
  }
  return {
    lanes,
    async remember(lane, position) {
      lanes.delete(lane);
      lanes.set(lane, position);
      const records = [{ key: prefix + lane, value: Buffer.from(encodePosition(position)) as Buffer | null }];
      for (const old of lanes.keys()) {
        if (lanes.size <= LANES_MAX) break;
        lanes.delete(old);
        records.push({ key: prefix + old, value: null });
      }
      await log.append(TOPICS.positions, records);
    },
  };
}

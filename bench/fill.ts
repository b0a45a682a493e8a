import type { Log } from '../src/log/log.ts';
import { TOPICS } from '../src/pipeline/topics.ts';
import { storedFleet } from './stored-fleet.ts';

const APPEND_RECORDS = 2000;

/** Appends the stored events of a made-up fleet, day after day. */
export async function fill(log: Log, eventCount: number): Promise<void> {
  for (const records of storedFleet(eventCount, APPEND_RECORDS)) await log.append(TOPICS.events, records);
}

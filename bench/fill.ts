import { DAY_MS } from '../src/baseline/time.ts';
import type { Log } from '../src/log/log.ts';
import { TOPICS } from '../src/pipeline/topics.ts';
import { createFleet, dayOfFleet } from '../src/simulate/fleet.ts';
import { storedRecord } from './stored-record.ts';

const TOKEN_COUNT = 500;
const APPEND_RECORDS = 2000;

/** Appends the stored events of a made-up fleet, day after day. */
export async function fill(log: Log, eventCount: number): Promise<void> {
  const fleet = createFleet('bench', TOKEN_COUNT);
  const start = Date.UTC(2026, 0, 5);
  let count = 0;
  for (let day = 0; count < eventCount; day++) {
    const records = dayOfFleet(fleet, 'bench', start + day * DAY_MS).slice(0, eventCount - count);
    for (let i = 0; i < records.length; i += APPEND_RECORDS) {
      const chunk = records.slice(i, i + APPEND_RECORDS);
      const first = count + i;
      await log.append(
        TOPICS.events,
        // As collect does: a lane is settled up to the batch at hand.
        chunk.map((record, j) => storedRecord(record, `bench/0/${first + j}`, first)),
      );
    }
    count += records.length;
  }
}

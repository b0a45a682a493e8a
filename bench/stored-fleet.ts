import { DAY_MS } from '../src/baseline/time.ts';
import { createFleet, dayOfFleet } from '../src/simulate/fleet.ts';
import { type StoredRecord, storedRecord } from './stored-record.ts';

const TOKEN_COUNT = 500;
const START = Date.UTC(2026, 0, 5);

/**
 * The stored events of a made-up fleet, day after day, in batches.
 *
 * @param batchEvents at most; fewer where a day ends
 */
export function* storedFleet(eventCount: number, batchEvents: number): Generator<readonly StoredRecord[]> {
  const fleet = createFleet('bench', TOKEN_COUNT);
  for (let day = 0, count = 0; count < eventCount; day++) {
    const records = dayOfFleet(fleet, 'bench', START + day * DAY_MS).slice(0, eventCount - count);
    for (let i = 0; i < records.length; i += batchEvents) {
      const first = count + i;
      // As collect does: a lane is settled up to the batch at hand.
      yield records.slice(i, i + batchEvents).map((record, j) => storedRecord(record, `bench/0/${first + j}`, first));
    }
    count += records.length;
  }
}

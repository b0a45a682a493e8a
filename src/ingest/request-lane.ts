import { batches } from './progress.ts';
import type { PostedRecord } from './request-body.ts';
import type { Intake, Lane, SourceRecord } from './source.ts';

/** Takes the records of requests, one after the other, into one lane; those that wait together become durable together. */
export interface RequestLane {
  /** Resolves once what became of the records is durable. A rejection may have happened to a part of them only. */
  take(records: readonly PostedRecord[], receivedAt: number): Promise<void>;
}

interface Waiting {
  readonly records: readonly PostedRecord[];
  readonly receivedAt: number;
  readonly settled: PromiseWithResolvers<void>;
}

/** So many records are taken together. A request of more is taken by itself. */
const TOGETHER_MAX = 2000;

/** @param startId another one each start: names the lane. */
export function createRequestLane(intake: Intake, startId: string): RequestLane {
  const waiting: Waiting[] = [];
  let lane: Lane | undefined;
  let laneCount = 0;
  let offset = 0;
  let running = false;

  const takeTogether = async (group: readonly Waiting[]): Promise<void> => {
    lane ??= await intake.resume(laneCount++ === 0 ? startId : `${startId}-${laneCount}`, undefined);
    const records = group.flatMap(({ records, receivedAt }) =>
      records.map((record): SourceRecord => ({ ...record, receivedAt, offset: offset++, nextOffset: offset })),
    );
    for (const batch of batches(records)) await lane.take(batch);
    await lane.settle();
  };
  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const group = nextGroup(waiting);
      try {
        await takeTogether(group);
        for (const { settled } of group) settled.resolve();
      } catch (error) {
        // What the lane held back belongs to requests that are refused here: the next ones get another.
        lane = undefined;
        for (const { settled } of group) settled.reject(error);
      }
    }
    running = false;
  };
  return {
    take(records, receivedAt) {
      const settled = Promise.withResolvers<void>();
      waiting.push({ records, receivedAt, settled });
      if (!running) void run();
      return settled.promise;
    },
  };
}

function nextGroup(waiting: Waiting[]): readonly Waiting[] {
  let recordCount = 0;
  let count = 0;
  for (const { records } of waiting) {
    recordCount += records.length;
    if (count > 0 && recordCount > TOGETHER_MAX) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

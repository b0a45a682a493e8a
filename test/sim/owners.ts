import { partitionOf } from '../../src/domain/partition.ts';
import type { NewRecord } from '../../src/log/log.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import type { Coordinator } from './coordinator.ts';
import { PARTITION_COUNT } from './history.ts';
import type { SimProcess } from './process.ts';

/** Sees to it that nobody writes for a partition that is somebody else's: no partition is stepped by two owners. */
export function watchOwners(coordinator: Coordinator, faults: string[]) {
  return (process: SimProcess, topic: string, records: readonly NewRecord[]): void => {
    for (const place of placesOf(topic, records)) {
      const [group, read, partition] = place;
      if (!coordinator.mayAct(process.name, group, read, partition))
        faults.push(`owners: ${process.name} wrote to ${topic} for ${read}/${partition}, which was not its own`);
    }
  };
}

function placesOf(topic: string, records: readonly NewRecord[]): readonly (readonly [string, string, number])[] {
  if (topic === TOPICS.baselines) {
    return [...new Set(records.map(({ partition = 0 }) => partition))].map((partition) => [
      GROUPS.detect,
      TOPICS.events,
      partition,
    ]);
  }
  if (topic === TOPICS.findings) {
    const partitions = new Set(records.map(({ key }) => partitionOf(key ?? '', PARTITION_COUNT)));
    return [...partitions].map((partition) => [GROUPS.detect, TOPICS.events, partition]);
  }
  return topic === TOPICS.ledger ? [[GROUPS.respond, TOPICS.findings, 0]] : [];
}

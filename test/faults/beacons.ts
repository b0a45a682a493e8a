import { partitionOf } from '../../src/domain/partition.ts';
import type { Log } from '../../src/log/log.ts';
import { decodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { TOPICS } from '../../src/pipeline/topics.ts';
import { CANARY_TABLE } from '../../src/simulate/certain.ts';
import { createFleet } from '../../src/simulate/fleet.ts';
import { theftOf } from '../../src/simulate/theft.ts';

/** More than the time after which an episode that grows is told of again, */
const STEP_MS = 11_000;
/** and each use takes so much more than the one before that it has grown: each makes a finding. */
const GROWTH = 1.12;
/** Then it is the turn of another token: numbers have an end. */
const USES_MAX = 200;
/** What must not be read at all: told of whatever the score, which sinks while a theft goes on. The canary has to be declared. */
const TOUCHED = { tables: [CANARY_TABLE], statement: `SELECT * FROM ${CANARY_TABLE}` };

/**
 * Tokens that a thief reads a canary with all the time, one in each partition. Since every use makes a finding, and the brokers stamp what they
 * take, it can be read in the logs afterwards how long each event has waited to be decided.
 */
export interface Beacons {
  /** The next use of each. */
  take(): string[];
}

export function createBeacons(seed: string, tokenCount: number, partitionCount: number, startAt: number): Beacons {
  const services = createFleet(seed, tokenCount).tokens.filter(({ habit }) => habit === 'service');
  const thefts = Array.from({ length: partitionCount }, (_, partition) =>
    services
      .filter(({ token }) => partitionOf(token, partitionCount) === partition)
      .map((service) => theftOf(service, seed, startAt).slice(3)),
  );
  let count = 0;
  return {
    take() {
      const time = new Date(startAt + count * STEP_MS).toISOString();
      const turn = Math.floor(count / USES_MAX);
      const lines = thefts.map((ofPartition, partition) => {
        const records = ofPartition[turn];
        if (records === undefined) throw new Error(`no token of partition ${partition} is left to be a beacon`);
        const rows = Math.ceil(1000 * GROWTH ** (count % USES_MAX));
        return JSON.stringify({ ...records[count % records.length], ...TOUCHED, time, rows });
      });
      count += 1;
      return lines;
    },
  };
}

/** One event that was decided, by the clock of the brokers. */
export interface DecidedEvent {
  readonly eventId: string;
  readonly partition: number;
  /** When the source's topic, our log, and the findings log took it or what came of it. */
  readonly rawAt: number;
  readonly loggedAt: number;
  readonly decidedAt: number;
}

/** All events that made a finding, in the order of their finding. @param topic that the source reads */
export async function decidedEvents(log: Log, topic: string): Promise<readonly DecidedEvent[]> {
  const rawAt = new Map<string, number>();
  for (const { partition } of await log.offsets(topic)) {
    for await (const batch of log.read(topic, partition))
      for (const { offset, appendedAt } of batch) rawAt.set(`${partition}/${offset}`, appendedAt);
  }
  const decided: DecidedEvent[] = [];
  for await (const batch of log.read(TOPICS.findings, 0)) {
    for (const { value, appendedAt } of batch) {
      const found = decodeFindingsRecord(value as Buffer);
      if (found.kind !== 'assessment') continue;
      // `source/prefix.topic-partition@life/offset`
      const { eventId, loggedAt } = found.assessment;
      const [, partition, offset] = /-(\d+)@[^/]+\/(\d+)$/.exec(eventId) ?? [];
      const at = rawAt.get(`${partition}/${offset}`);
      if (at === undefined) throw new Error(`${eventId} is of no record of ${topic}`);
      decided.push({ eventId, partition: Number(partition), rawAt: at, loggedAt, decidedAt: appendedAt });
    }
  }
  return decided;
}

import { Engine } from '../../src/detect/engine.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import { partitionOf } from '../../src/domain/partition.ts';
import canonical from '../../src/normalise/formats/canonical.ts';
import { TOPICS } from '../../src/pipeline/topics.ts';
import { type Broker, incarnationOf } from './broker.ts';
import { type History, PARTITION_COUNT } from './history.ts';
import { RAW_TOPIC, SOURCE, SOURCE_GROUP } from './input.ts';

/** What one process makes of the same raw records that nothing ever happens to. */
export interface Expected {
  readonly eventIds: ReadonlySet<string>;
  readonly deadLetterIds: ReadonlySet<string>;
  /** Ids of raw records that retention took before they were read, and that were told to be lost; or before there was a position at all. */
  readonly lostIds: ReadonlySet<string>;
  /** Tokens of which something was lost: what is known of them is anybody's guess. */
  readonly lostTokens: ReadonlySet<string>;
  readonly assessments: ReadonlyMap<string, Assessment>;
  /** Each token's state in the end, with its stamp taken out. */
  readonly baselines: ReadonlyMap<string, Uint8Array>;
}

export function expect(broker: Broker, history: History): Expected {
  const engines = enginesOf(history);
  const eventIds = new Set<string>();
  const deadLetterIds = new Set<string>();
  const assessments = new Map<string, Assessment>();
  const lost = lostOf(broker);
  const normaliser = canonical.open();
  let offset = Math.max(...history.partitions.map(({ end }) => end));
  for (const record of broker.appended(RAW_TOPIC)) {
    const id = idOfRaw(record.partition, record.offset);
    for (const outcome of normaliser.push({ id, value: record.value as Buffer })) {
      if (outcome.kind !== 'event') {
        deadLetterIds.add(id);
        continue;
      }
      eventIds.add(outcome.event.id);
      const event = history.enrich(outcome.event, record.appendedAt);
      const engine = engines[partitionOf(event.token, PARTITION_COUNT)] as Engine;
      const assessment = engine.observe(event, offset++, 0);
      if (assessment) assessments.set(assessment.id, assessment);
    }
  }
  const baselines = new Map(engines.flatMap((engine) => [...stateOf(engine)]));
  return { eventIds, deadLetterIds, ...lost, assessments, baselines };
}

/** The id that a raw record's event or dead letter has. */
export function idOfRaw(partition: number, offset: number): string {
  return `${SOURCE}/${RAW_TOPIC}-${partition}@${incarnationOf(RAW_TOPIC).slice(0, 8)}/${offset}`;
}

function lostOf(broker: Broker): Pick<Expected, 'lostIds' | 'lostTokens'> {
  const ids = new Set<string>();
  const tokens = new Set<string>();
  const gone = [...broker.gaps, ...broker.neverSeen];
  const isIn = (group: string, topic: string, partition: number, offset: number) =>
    gone.some(
      (gap) =>
        gap.group === group &&
        gap.topic === topic &&
        gap.partition === partition &&
        gap.fromOffset <= offset &&
        offset < gap.toOffset,
    );
  for (const { key, partition, offset } of broker.appended(RAW_TOPIC)) {
    if (!isIn(SOURCE_GROUP, RAW_TOPIC, partition, offset)) continue;
    ids.add(idOfRaw(partition, offset));
    if (key !== null) tokens.add(key);
  }
  for (const { key, partition, offset } of broker.appended(TOPICS.events))
    if (isIn('detect', TOPICS.events, partition, offset)) tokens.add(key as string);
  return { lostIds: ids, lostTokens: tokens };
}

/** Engines as they were when the simulation began. */
export function enginesOf({ engine: options, partitions }: History): readonly Engine[] {
  return partitions.map(({ snapshots }) => {
    const engine = new Engine(options);
    for (const [token, snapshot] of snapshots) restore(engine, token, snapshot);
    return engine;
  });
}

export function restore(engine: Engine, token: string, snapshot: Uint8Array): void {
  engine.restore(token, snapshot, (fingerprint) =>
    fingerprint === engine.layout.fingerprint ? engine.layout : undefined,
  );
}

/** All tokens' state with the stamps taken out: those depend on who came between whom. */
export function* stateOf(engine: Engine): Generator<readonly [string, Uint8Array]> {
  engine.resetStamps();
  for (const { token, snapshot } of engine.takeDirty()) yield [token, snapshot];
}

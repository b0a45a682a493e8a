import { Engine } from '../../src/detect/engine.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import { partitionOf } from '../../src/domain/partition.ts';
import canonical from '../../src/normalise/formats/canonical.ts';
import type { Broker } from './broker.ts';
import { type History, PARTITION_COUNT } from './history.ts';
import { RAW_TOPIC, SOURCE } from './input.ts';

/** What one process makes of the same raw records that nothing ever happens to. */
export interface Expected {
  readonly eventIds: ReadonlySet<string>;
  readonly deadLetterIds: ReadonlySet<string>;
  readonly assessments: ReadonlyMap<string, Assessment>;
  /** Each token's state in the end, with its stamp taken out. */
  readonly baselines: ReadonlyMap<string, Uint8Array>;
}

export function expect(broker: Broker, history: History): Expected {
  const engines = enginesOf(history);
  const eventIds = new Set<string>();
  const deadLetterIds = new Set<string>();
  const assessments = new Map<string, Assessment>();
  let offset = Math.max(...history.partitions.map(({ end }) => end));
  for (const [partition, { records }] of broker.partitions(RAW_TOPIC).entries()) {
    const normaliser = canonical.open();
    for (const record of records) {
      const id = `${SOURCE}/${RAW_TOPIC}-${partition}/${record.offset}`;
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
  }
  const baselines = new Map(engines.flatMap((engine) => [...stateOf(engine)]));
  return { eventIds, deadLetterIds, assessments, baselines };
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

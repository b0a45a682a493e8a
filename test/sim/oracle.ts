import { Engine } from '../../src/detect/engine.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import canonical from '../../src/normalise/formats/canonical.ts';
import { decodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn } from '../../src/pipeline/aside-record.ts';
import { LaneMarks } from '../../src/pipeline/lane-marks.ts';
import { madeTableIn } from '../../src/pipeline/made-table-record.ts';
import { rollbackIn } from '../../src/pipeline/rollback-record.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { type Broker, incarnationOf } from './broker.ts';
import type { History } from './history.ts';
import { RAW_TOPIC, SOURCE, SOURCE_GROUP } from './input.ts';

/** What one process makes of the same raw records that nothing ever happens to. */
export interface Expected {
  readonly eventIds: ReadonlySet<string>;
  readonly deadLetterIds: ReadonlySet<string>;
  /** Ids of raw records that retention took before they were read, and that were told to be lost; or before there was a position at all. */
  readonly lostIds: ReadonlySet<string>;
  /** Tokens in partitions of which something was lost: what is known of them, and what they have in common, is anybody's guess. */
  readonly lostTokens: ReadonlySet<string>;
  readonly assessments: ReadonlyMap<string, Assessment>;
  /** Each token's state in the end, with its stamp taken out. */
  readonly baselines: ReadonlyMap<string, Uint8Array>;
  /** What each partition's tokens have in common in the end, likewise. */
  readonly fleets: readonly string[];
  /** Partitions of which something was lost. */
  readonly lostPartitions: ReadonlySet<number>;
}

export function expect(broker: Broker, history: History): Expected {
  const eventIds = new Set<string>();
  const deadLetterIds = new Set<string>();
  const normaliser = canonical.open();
  for (const record of broker.appended(RAW_TOPIC)) {
    const id = idOfRaw(record.partition, record.offset);
    for (const outcome of normaliser.push({ id, value: record.value as Buffer })) {
      if (outcome.kind === 'event') eventIds.add(outcome.event.id);
      else deadLetterIds.add(id);
    }
  }
  return { eventIds, deadLetterIds, ...lostOf(broker), ...detect(broker, history) };
}

/** Who judges what tokens have in common goes by the order in which events stand in their log. */
function detect(broker: Broker, history: History): Pick<Expected, 'assessments' | 'baselines' | 'fleets'> {
  const engines = enginesOf(history);
  const marks = engines.map(() => new LaneMarks());
  const assessments = new Map<string, Assessment>();
  const saidAt = new Map<string, number>();
  const putBackAt = new Map<string, number>();
  for (const { partition, offset, value, appendedAt } of broker.appended(TOPICS.events)) {
    const engine = engines[partition] as Engine;
    const aside = asideIn(value as Buffer);
    if (aside) {
      const { kind, token, at } = 'notice' in aside ? aside.notice : aside.verdict;
      const said = `${'notice' in aside ? kind : 'verdict'} ${token}`;
      // Of what is passed on twice the first copy counts, and nothing that a later one has overtaken.
      if (at > (saidAt.get(said) ?? 0)) engine.takeAside(aside, offset);
      saidAt.set(said, Math.max(at, saidAt.get(said) ?? 0));
      continue;
    }
    const rollback = rollbackIn(value as Buffer);
    if (rollback) {
      // The same: none is done again.
      if (rollback.at > (putBackAt.get(rollback.token) ?? 0)) engine.rollBack(rollback, offset, () => undefined);
      putBackAt.set(rollback.token, Math.max(rollback.at, putBackAt.get(rollback.token) ?? 0));
      continue;
    }
    const made = madeTableIn(value as Buffer);
    if (made) {
      engine.fleet.takeMade(made, offset);
      continue;
    }
    const event = decodeStoredEvent(value as Buffer, '');
    if ('code' in event) throw new Error(event.reason);
    if (engine.fleet.isDayOver(event, offset, appendedAt)) engine.endFleetDay(event);
    if (marks[partition]?.repeats(event)) continue;
    const assessment = engine.observe(event, offset, appendedAt);
    if (assessment) assessments.set(assessment.id, assessment);
  }
  const fleets = engines.map((engine) => fleetOf(engine));
  return { assessments, fleets, baselines: new Map(engines.flatMap((engine) => [...stateOf(engine)])) };
}

/** The id that a raw record's event or dead letter has. */
export function idOfRaw(partition: number, offset: number): string {
  return `${SOURCE}/${RAW_TOPIC}-${partition}@${incarnationOf(RAW_TOPIC).slice(0, 8)}/${offset}`;
}

function lostOf(broker: Broker): Pick<Expected, 'lostIds' | 'lostTokens' | 'lostPartitions'> {
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
  for (const { partition, offset } of broker.appended(RAW_TOPIC)) {
    if (!isIn(SOURCE_GROUP, RAW_TOPIC, partition, offset)) continue;
    ids.add(idOfRaw(partition, offset));
  }
  const partitions = new Set(
    gone
      .filter(({ group, topic }) => group === GROUPS.detect && topic === TOPICS.events)
      .map(({ partition }) => partition),
  );
  for (const { key, partition } of broker.appended(TOPICS.events))
    if (partitions.has(partition) && key !== null) tokens.add(key);
  return { lostIds: ids, lostTokens: tokens, lostPartitions: partitions };
}

/** Engines as they were when the simulation began. */
export function enginesOf({ engine: options, partitions }: History): readonly Engine[] {
  return partitions.map(({ snapshots, fleet }) => {
    const engine = new Engine(options);
    engine.fleet.restore(fleet);
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

/** A fleet's state with its stamp taken out. */
export function fleetOf({ fleet }: Engine): string {
  fleet.reset();
  return fleet.snapshot().toString();
}

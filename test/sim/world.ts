import { DAY_MS } from '../../src/baseline/time.ts';
import type { Policy } from '../../src/decide/policy.ts';
import { Engine } from '../../src/detect/engine.ts';
import { createRandom } from '../../src/domain/random.ts';
import type { NewRecord } from '../../src/log/log.ts';
import { GROUPS, TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import type { Counts } from '../../src/runtime/assemble.ts';
import { Broker, incarnationOf } from './broker.ts';
import { Cluster } from './cluster.ts';
import { Coordinator } from './coordinator.ts';
import { drawRates, type FaultRates, NO_FAULTS } from './faults.ts';
import { type History, PARTITION_COUNT, TODAY_AT } from './history.ts';
import { drawInput, INPUT_DAYS, RAW_TOPIC, SOURCE_PARTITIONS } from './input.ts';
import { letTokensLeak } from './leaks.ts';
import { watchOwners } from './owners.ts';
import { letPeopleAnswer, letPeopleRollBack } from './people.ts';
import type { Surroundings } from './process.ts';
import { watchRest } from './rest.ts';
import { Schedule } from './schedule.ts';
import { SimStore } from './store.ts';
import { SimTargets } from './targets.ts';

const INPUT_MS = 30_000;
/** Faults happen until then. */
const CALM_AT_MS = 45_000;
/** By then everything must have come to rest. */
const REST_AT_MS = CALM_AT_MS + 30 * 60_000;
const LOOK_MS = 250;
/** Longer than anything that was sent may still be on its way, and than nobody is in office: for real it is hours. */
const COMPACTION_LAG_MS = 30_000;
/** What retention leaves, where a seed has it: longer than a short absence, shorter than a long one. */
const KEPT_MS = 8000;
const STARTS_AT = TODAY_AT + INPUT_DAYS * DAY_MS;

/** What a seed made happen, at rest again. */
export interface World {
  readonly seed: string;
  readonly history: History;
  readonly broker: Broker;
  readonly store: SimStore;
  readonly targets: SimTargets;
  readonly policy: Policy;
  readonly rates: FaultRates;
  /** What was noticed while it ran. */
  readonly faults: readonly string[];
  readonly rested: boolean;
  readonly endedAtMs: number;
  /** What processes that run at rest have counted. */
  readonly counts: readonly Counts[];
  /** Processes started. */
  readonly startCount: number;
  /** What warnings said, and how processes ended. */
  readonly notes: readonly string[];
}

/** Runs the installation of one seed until it has come to rest. */
export async function runWorld(seed: string, history: History): Promise<World> {
  const random = createRandom(`${seed}/world`);
  const rates = drawRates(createRandom(`${seed}/rates`));
  const schedule = new Schedule();
  const around: Surroundings = {
    schedule,
    random,
    rates: () => (schedule.now < CALM_AT_MS ? rates : NO_FAULTS),
  };
  const broker = new Broker(STARTS_AT, () => schedule.now);
  const coordinator = new Coordinator(broker, around);
  const store = new SimStore(around);
  const targets = new SimTargets(around, random.next() < 0.1);
  const policy = policyOf(random.next() < 0.3);
  const hasStandby = random.next() < 0.5;
  const faults: string[] = [];
  const notes: string[] = [];
  installHistory(broker, history);
  scheduleInput(seed, around, broker, targets, history);
  const people = createRandom(`${seed}/people`);
  letPeopleAnswer({ schedule, random: people }, broker, STARTS_AT, people.next() < 0.5 ? 0.3 : 0, CALM_AT_MS);
  const others = createRandom(`${seed}/rollbacks`);
  const perSecond = others.next() < 0.5 ? 0.3 : 0;
  letPeopleRollBack({ schedule, random: others }, broker, history.engine, STARTS_AT, perSecond, CALM_AT_MS);
  const leaking = createRandom(`${seed}/leaks`);
  if (leaking.next() < 0.5) letTokensLeak({ schedule, random: leaking }, broker, history, INPUT_MS);
  const parts = { around, broker, coordinator, store, targets, history };
  const installation = { ...parts, seed, startsAt: STARTS_AT, policy, hasStandby, notes };
  const cluster = new Cluster({ ...installation, onAppend: watchOwners(coordinator, faults) }, 1 + random.below(3));
  cluster.start();
  keepHouse(around, broker, rates);
  const isAtRest = watchRest(broker, () => schedule.now);
  let rested = false;
  const look = () => {
    rested = schedule.now > CALM_AT_MS && isAtRest();
    schedule.after(LOOK_MS, null, look);
  };
  look();
  await schedule.run(() => rested, REST_AT_MS);
  // At rest, nothing may hang on what compaction can take.
  broker.compact(0);
  const { startCount } = cluster;
  const counts = cluster.counts();
  schedule.end();
  return {
    seed,
    history,
    broker,
    store,
    targets,
    policy,
    rates,
    faults,
    rested,
    endedAtMs: schedule.now,
    startCount,
    counts,
    notes,
  };
}

/** A revoked token's thief gets no further: what comes after it never happens. */
function scheduleInput(
  seed: string,
  { schedule }: Surroundings,
  broker: Broker,
  { revoked }: SimTargets,
  history: History,
): void {
  for (const { at, partition, token, value } of drawInput(
    createRandom(`${seed}/input`),
    history,
    INPUT_MS,
    createRandom(`${seed}/migration`),
  )) {
    schedule.after(at, null, () => {
      if (token === null || !revoked.has(token)) broker.append(RAW_TOPIC, partition, [{ key: token, value }], null);
    });
  }
}

function policyOf(budgetIsTight: boolean): Policy {
  const many = 1_000_000;
  return {
    mode: 'enforce',
    stopped: false,
    routes: [{ match: {}, receivers: ['first', 'second'] }],
    repeatIntervalMs: DAY_MS,
    silences: [],
    revocationRules: [{ match: {}, revoker: 'issuer' }],
    sharedCause: { tokenCount: 3, windowMs: DAY_MS },
    guardRails: {
      protectedTokens: [],
      budget: { revocationCount: budgetIsTight ? 2 : many, windowMs: budgetIsTight ? 8000 : 600_000 },
      brake: { tokenCount: many, windowMs: 600_000 },
      dimensionsMin: 2,
      baselineDaysMin: 7,
      baselineEventsMin: 20,
    },
  };
}

export const FLEET_KEY = '\u0000fleet';

function installHistory(broker: Broker, history: History): void {
  broker.createTopic({ topic: RAW_TOPIC, partitionCount: SOURCE_PARTITIONS, cleanup: 'delete' });
  for (const spec of topicSpecs({ partitionCount: PARTITION_COUNT, retentionDays: 7 })) {
    broker.createTopic(spec, (partition) => (spec.topic === TOPICS.events ? history.partitions[partition]!.end : 0));
  }
  const { layout } = new Engine(history.engine);
  for (const [partition, { end, snapshots, fleet }] of history.partitions.entries()) {
    const facts: NewRecord[] = [
      { key: '\u0000origin', value: Buffer.from(incarnationOf(TOPICS.events)) },
      { key: `\u0000layout/${layout.fingerprint}`, value: Buffer.from(JSON.stringify(layout)) },
    ];
    const records = [...snapshots].map(([token, value]) => ({ key: token, value }));
    broker.append(
      TOPICS.baselines,
      partition,
      [...facts, ...records, { key: FLEET_KEY, value: Buffer.from(fleet) }],
      null,
    );
    broker.commit(GROUPS.detect, TOPICS.events, partition, { offset: end, metadata: '' });
    broker.commit(GROUPS.archive, TOPICS.events, partition, { offset: end, metadata: '' });
  }
}

/** What a broker does by itself, whatever befalls others: compaction goes on when faults have ended, retention does not. */
function keepHouse(around: Surroundings, broker: Broker, drawn: FaultRates): void {
  const { schedule, random, rates } = around;
  schedule.after(1000, null, () => {
    if (random.next() < drawn.compactionPerSecond) broker.compact(COMPACTION_LAG_MS);
    if (random.next() < rates().retentionPerSecond) {
      for (const topic of [RAW_TOPIC, TOPICS.events]) broker.deleteOlder(topic, KEPT_MS);
    }
    keepHouse(around, broker, drawn);
  });
}

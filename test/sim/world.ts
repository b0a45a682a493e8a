import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import type { Policy } from '../../src/decide/policy.ts';
import { Engine } from '../../src/detect/engine.ts';
import { createRandom, type Random } from '../../src/domain/random.ts';
import { openKafkaSource } from '../../src/ingest/kafka.ts';
import type { NewRecord } from '../../src/log/log.ts';
import canonical from '../../src/normalise/formats/canonical.ts';
import { startArchive } from '../../src/pipeline/archive.ts';
import { startCollect } from '../../src/pipeline/collect.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { LedgerReader } from '../../src/pipeline/ledger.ts';
import { startRespond } from '../../src/pipeline/respond.ts';
import { GROUPS, TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import type { Pipeline } from '../../src/pipeline/watch-stages.ts';
import { createDispatcher } from '../../src/runtime/dispatch.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { startStages } from '../../src/runtime/start-stages.ts';
import { createStreamWatch } from '../../src/runtime/stream-watch.ts';
import { Broker, incarnationOf } from './broker.ts';
import { Coordinator } from './coordinator.ts';
import { drawRates, NO_FAULTS } from './faults.ts';
import { type History, PARTITION_COUNT, TODAY_AT } from './history.ts';
import { drawInput, RAW_TOPIC, SOURCE, SOURCE_GROUP, SOURCE_PARTITIONS } from './input.ts';
import { SimLog } from './log.ts';
import { watchOwners } from './owners.ts';
import { SimProcess, type Surroundings } from './process.ts';
import { Schedule } from './schedule.ts';
import { SimStore } from './store.ts';
import { SimTargets } from './targets.ts';

const INPUT_MS = 30_000;
/** Faults happen until then. */
export const CALM_AT_MS = 45_000;
/** By then everything must have come to rest. */
const REST_AT_MS = CALM_AT_MS + 30 * 60_000;
const LOOK_MS = 250;
/** Longer than anything that was sent may still be on its way. */
const COMPACTION_LAG_MS = 20_000;
/** Below the compaction's lag, as it is for real. */
const FOLLOW_MS = 5000;
const STARTS_AT = TODAY_AT + 20 * HOUR_MS;

/** What a seed made happen, at rest again. */
export interface World {
  readonly seed: string;
  readonly history: History;
  readonly broker: Broker;
  readonly store: SimStore;
  readonly targets: SimTargets;
  readonly policy: Policy;
  readonly budgetIsTight: boolean;
  readonly input: readonly { readonly at: number; readonly partition: number; readonly value: Buffer }[];
  /** What was noticed while it ran. */
  readonly faults: string[];
  readonly rested: boolean;
  readonly endedAtMs: number;
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
  const budgetIsTight = random.next() < 0.3;
  const policy = policyOf(budgetIsTight);
  installHistory(broker, history);
  const input = drawInput(createRandom(`${seed}/input`), history, INPUT_MS);
  for (const { at, partition, token, value } of input) {
    schedule.after(at, null, () => {
      if (token !== null && targets.revoked.has(token)) return;
      broker.append(RAW_TOPIC, partition, [{ key: token, value }], null);
    });
  }
  const faults: string[] = [];
  const notes: string[] = [];
  const owners = watchOwners(coordinator, faults);
  const plan: Plan = { seed, around, broker, coordinator, store, targets, policy, history, notes, onAppend: owners };
  const cluster = new Cluster(plan, 1 + random.below(3));
  cluster.start();
  compactNowAndThen(around, broker);
  let rested = false;
  const look = () => {
    rested = schedule.now > CALM_AT_MS && isAtRest(broker);
    schedule.after(LOOK_MS, null, look);
  };
  look();
  await schedule.run(() => rested, REST_AT_MS);
  const outcome = { broker, store, targets, policy, budgetIsTight, input, faults, rested };
  return { seed, history, ...outcome, endedAtMs: schedule.now, startCount: cluster.startCount, notes };
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

function installHistory(broker: Broker, history: History): void {
  broker.createTopic({ topic: RAW_TOPIC, partitionCount: SOURCE_PARTITIONS, cleanup: 'delete' });
  for (const spec of topicSpecs({ partitionCount: PARTITION_COUNT, retentionDays: 7 })) {
    broker.createTopic(spec, (partition) => (spec.topic === TOPICS.events ? history.partitions[partition]!.end : 0));
  }
  const { layout } = new Engine(history.engine);
  for (const [partition, { end, snapshots }] of history.partitions.entries()) {
    const facts: NewRecord[] = [
      { key: '\u0000origin', value: Buffer.from(incarnationOf(TOPICS.events)) },
      { key: `\u0000layout/${layout.fingerprint}`, value: Buffer.from(JSON.stringify(layout)) },
    ];
    const records = [...snapshots].map(([token, value]) => ({ key: token, value }));
    broker.append(TOPICS.baselines, partition, [...facts, ...records], null);
    broker.commit(GROUPS.detect, TOPICS.events, partition, { offset: end, metadata: '' });
    broker.commit(GROUPS.archive, TOPICS.events, partition, { offset: end, metadata: '' });
  }
}

function compactNowAndThen({ schedule, random, rates }: Surroundings, broker: Broker): void {
  schedule.after(1000, null, () => {
    if (random.next() < rates().compactionPerSecond) broker.compact(COMPACTION_LAG_MS);
    compactNowAndThen({ schedule, random, rates }, broker);
  });
}

/** Everything is read, and every action settled. */
function isAtRest(broker: Broker): boolean {
  const isRead = (group: string, topic: string) =>
    broker
      .partitions(topic)
      .every(({ end, earliest }, i) => (broker.committed(group, topic, i)?.offset ?? earliest) === end);
  if (!isRead(SOURCE_GROUP, RAW_TOPIC) || !isRead(GROUPS.detect, TOPICS.events)) return false;
  if (!isRead(GROUPS.respond, TOPICS.findings)) return false;
  if (![TOPICS.events, TOPICS.findings, TOPICS.ledger].every((topic) => isRead(GROUPS.archive, topic))) return false;
  return [...actionStates(broker).values()].every((state) => state !== 'approved' && state !== 'accepted/revoke');
}

function actionStates(broker: Broker): ReadonlyMap<string, string> {
  const states = new Map<string, string>();
  const reader = new LedgerReader();
  for (const record of broker.partition(TOPICS.ledger, 0).records) {
    const read = reader.take(record);
    if (read === undefined || read.isVoid || read.entry.kind !== 'action') continue;
    const { state, action } = read.entry.entry;
    states.set(action.id, state === 'accepted' && action.kind === 'revoke' ? 'accepted/revoke' : state);
  }
  return states;
}

interface Plan {
  readonly seed: string;
  readonly around: Surroundings;
  readonly broker: Broker;
  readonly coordinator: Coordinator;
  readonly store: SimStore;
  readonly targets: SimTargets;
  readonly policy: Policy;
  readonly history: History;
  readonly notes: string[];
  readonly onAppend: (process: SimProcess, topic: string, records: readonly NewRecord[]) => void;
}

/** The processes, and what befalls them. Whoever ends is started anew, as by a supervisor. */
class Cluster {
  startCount = 0;
  readonly #plan: Plan;
  readonly #size: number;

  constructor(plan: Plan, size: number) {
    this.#plan = plan;
    this.#size = size;
  }

  start(): void {
    const { schedule, random } = this.#plan.around;
    for (let i = 0; i < this.#size; i++) schedule.after(random.below(3000), null, () => this.#launch(`p${i}`));
  }

  #launch(name: string): void {
    const { around, seed, notes } = this.#plan;
    const { schedule, random } = around;
    this.startCount += 1;
    const life = new SimProcess(`${name}.${this.startCount}`, schedule, STARTS_AT, random.below(2000) - 1000);
    let pipeline: Pipeline | undefined;
    let isOver = false;
    const over = (why: string) => {
      if (isOver) return;
      isOver = true;
      notes.push(`${Math.round(schedule.now)} ${life.name} ${why}`);
      life.kill();
      schedule.after(500 + random.below(4000), null, () => this.#launch(name));
    };
    void startProcess(this.#plan, life, createRandom(`${seed}/${life.name}`)).then(
      (started) => {
        pipeline = started;
        started.done.then(
          () => over('stopped'),
          (cause: unknown) => over(`failed: ${String(cause)}`),
        );
      },
      (cause: unknown) => over(`could not start: ${String(cause)}`),
    );
    this.#disturb(
      life,
      () => isOver,
      over,
      () => pipeline,
    );
  }

  #disturb(life: SimProcess, isOver: () => boolean, over: (why: string) => void, of: () => Pipeline | undefined): void {
    const { schedule, random, rates } = this.#plan.around;
    schedule.after(250 + random.below(1500), null, () => {
      if (isOver()) return;
      const { killPerSecond, stopPerSecond, freezePerSecond, cutPerSecond } = rates();
      if (random.next() < killPerSecond) over('was killed');
      else if (random.next() < freezePerSecond) life.freeze(random.below(12_000));
      else if (random.next() < cutPerSecond) life.cut(random.below(12_000));
      else if (random.next() < stopPerSecond) void of()?.stop();
      this.#disturb(life, isOver, over, of);
    });
  }
}

/** What `runtime/assemble.ts` does, over what is simulated. */
function startProcess(plan: Plan, life: SimProcess, random: Random): Promise<Pipeline> {
  const { broker, coordinator, around, store, targets, policy, history, notes, onAppend } = plan;
  const log = new SimLog(life, broker, coordinator, around, onAppend);
  const { clock } = life;
  const onWarning = (message: string, facts: object) =>
    notes.push(`${around.schedule.now} ${life.name} ${message} ${JSON.stringify(facts)}`);
  const pace = { concurrentMax: 2, intervalMs: 0 };
  const receiver = { open: targets.receiverFor(life), pace };
  const revokers = new Map([['issuer', { open: targets.revokerFor(life), pace }]]);
  const receivers = new Map([
    ['first', receiver],
    ['second', receiver],
  ]);
  const watch = createStreamWatch(log, clock, PARTITION_COUNT, 1000);
  return startStages({
    archive: () =>
      startArchive({
        log,
        clock,
        sinks: createSinks(store.writerFor(life)),
        flushIntervalMs: 1000,
        batchRecordsMax: 50,
        batchBytesMax: 1 << 20,
        onWarning,
      }),
    respond: () =>
      startRespond({
        log,
        clock,
        policy,
        identity: life.name,
        followIntervalMs: FOLLOW_MS,
        openDispatcher: (onFault) =>
          createDispatcher({ receivers, revokers, clock, random: random.next, watch, onFault }),
        onWarning,
      }),
    detect: () =>
      startDetect({
        log,
        clock,
        engine: history.engine,
        checkpointIntervalMs: 1000,
        checkpointTokensMax: 12,
        onWarning,
      }),
    collect: async () => {
      const source = openKafkaSource({ name: SOURCE, log, topics: [RAW_TOPIC], group: SOURCE_GROUP, clock });
      return startCollect(log, [{ source, format: canonical, enrich: history.enrich }]);
    },
  });
}

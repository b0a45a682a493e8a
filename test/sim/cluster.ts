import type { Policy } from '../../src/decide/policy.ts';
import { createRandom, type Random } from '../../src/domain/random.ts';
import { openKafkaSource } from '../../src/ingest/kafka.ts';
import type { NewRecord } from '../../src/log/log.ts';
import canonical from '../../src/normalise/formats/canonical.ts';
import { startArchive } from '../../src/pipeline/archive.ts';
import { startCollect } from '../../src/pipeline/collect.ts';
import { startDetect } from '../../src/pipeline/detect.ts';
import { startRespond } from '../../src/pipeline/respond.ts';
import type { Pipeline } from '../../src/pipeline/watch-stages.ts';
import type { Counts } from '../../src/runtime/assemble.ts';
import { createDispatcher } from '../../src/runtime/dispatch.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { type CountingStage, startStages } from '../../src/runtime/start-stages.ts';
import { createStreamWatch } from '../../src/runtime/stream-watch.ts';
import type { Broker } from './broker.ts';
import type { Coordinator } from './coordinator.ts';
import { type History, PARTITION_COUNT } from './history.ts';
import { RAW_TOPIC, SOURCE, SOURCE_GROUP } from './input.ts';
import { SimLog } from './log.ts';
import { SimProcess, type Surroundings } from './process.ts';
import type { SimStore } from './store.ts';
import type { SimTargets } from './targets.ts';

/** Far below the compaction's lag, as it is for real. */
const FOLLOW_MS = 5000;

/** What processes are started with. */
export interface Installation {
  readonly seed: string;
  readonly startsAt: number;
  readonly around: Surroundings;
  readonly broker: Broker;
  readonly coordinator: Coordinator;
  readonly store: SimStore;
  readonly targets: SimTargets;
  readonly policy: Policy;
  /** Whether processes follow the baselines of partitions that are not theirs. */
  readonly hasStandby: boolean;
  readonly history: History;
  /** What warnings said, and how processes ended. */
  readonly notes: string[];
  readonly onAppend: (process: SimProcess, topic: string, records: readonly NewRecord[]) => void;
}

/** The processes, and what befalls them. Whoever ends is started anew, as by a supervisor. */
export class Cluster {
  startCount = 0;
  readonly #installation: Installation;
  readonly #size: number;
  readonly #running = new Map<string, Running>();

  constructor(installation: Installation, size: number) {
    this.#installation = installation;
    this.#size = size;
  }

  /** What the stages of processes that run now have counted. */
  counts(): readonly Counts[] {
    return [...this.#running.values()].flatMap(({ pipeline, isOver }) =>
      pipeline && !isOver ? [Object.fromEntries(pipeline.stages.map(({ name, counts }) => [name, counts]))] : [],
    );
  }

  start(): void {
    const { schedule, random } = this.#installation.around;
    for (let i = 0; i < this.#size; i++) schedule.after(random.below(3000), null, () => this.#launch(`p${i}`));
  }

  #launch(name: string): void {
    const { around, seed, startsAt, notes } = this.#installation;
    const { schedule, random } = around;
    this.startCount += 1;
    const life = new SimProcess(`${name}.${this.startCount}`, schedule, startsAt, random.below(2000) - 1000);
    const running: Running = { life, pipeline: undefined, isOver: false };
    this.#running.set(name, running);
    const over = (why: string) => {
      if (running.isOver) return;
      running.isOver = true;
      notes.push(`${Math.round(schedule.now)} ${life.name} ${why}`);
      life.kill();
      schedule.after(500 + random.below(4000), null, () => this.#launch(name));
    };
    void startProcess(this.#installation, life, createRandom(`${seed}/${life.name}`)).then(
      (started) => {
        running.pipeline = started;
        started.done.then(
          () => over('stopped'),
          (cause: unknown) => over(`failed: ${String(cause)}`),
        );
      },
      (cause: unknown) => over(`could not start: ${String(cause)}`),
    );
    this.#disturb(running, over);
  }

  #disturb(running: Running, over: (why: string) => void): void {
    const { schedule, random, rates } = this.#installation.around;
    schedule.after(250 + random.below(1500), null, () => {
      if (running.isOver) return;
      const { killPerSecond, stopPerSecond, freezePerSecond, cutPerSecond } = rates();
      if (random.next() < killPerSecond) over('was killed');
      else if (random.next() < freezePerSecond) running.life.freeze(random.below(12_000));
      else if (random.next() < cutPerSecond) running.life.cut(random.below(12_000));
      else if (random.next() < stopPerSecond)
        running.pipeline?.stop().catch((cause) => over(`could not stop: ${cause}`));
      this.#disturb(running, over);
    });
  }
}

interface Running {
  readonly life: SimProcess;
  pipeline: Pipeline<CountingStage> | undefined;
  isOver: boolean;
}

/** What `runtime/assemble.ts` does, over what is simulated. */
function startProcess(installation: Installation, life: SimProcess, random: Random): Promise<Pipeline<CountingStage>> {
  const { broker, coordinator, around, store, targets, policy, hasStandby, history, notes, onAppend } = installation;
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
        standbyIntervalMs: hasStandby ? 700 : null,
        onWarning,
      }),
    collect: async () => {
      const gap = ({ topic, partition }: { topic: string; partition: number }, fromOffset: number, toOffset: number) =>
        onWarning('records were deleted before they were read', { topic, partition, fromOffset, toOffset });
      const source = openKafkaSource({ name: SOURCE, log, topics: [RAW_TOPIC], group: SOURCE_GROUP, clock, gap });
      return startCollect(log, [{ source, format: canonical, enrich: history.enrich }]);
    },
  });
}

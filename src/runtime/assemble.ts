import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/load.ts';
import { policyOf } from '../config/mapping.ts';
import { systemResolve } from '../deliver/address.ts';
import { RECEIVER_KINDS } from '../deliver/receivers.ts';
import type { DeliveryPorts } from '../deliver/registry.ts';
import { REVOKER_KINDS } from '../deliver/revokers.ts';
import type { AnyDetector } from '../detect/detector.ts';
import { openOperations } from '../http/operations.ts';
import type { Log } from '../log/log.ts';
import { type ArchiveCounts, type ArchiveSink, startArchive } from '../pipeline/archive.ts';
import { type CollectCounts, type CollectedSource, startCollect } from '../pipeline/collect.ts';
import { startDetect } from '../pipeline/detect.ts';
import type { DetectCounts } from '../pipeline/detect-counts.ts';
import { type RespondCounts, startRespond } from '../pipeline/respond.ts';
import type { StageName } from '../pipeline/stage.ts';
import { topicSpecs } from '../pipeline/topics.ts';
import type { Pipeline } from '../pipeline/watch-stages.ts';
import { type ClickHouse, type ClickHouseOptions, openClickHouse } from '../store/connection.ts';
import { migrate } from '../store/migrate.ts';
import { createStoreQueries, type StoreQueries } from '../store/queries.ts';
import { StoreError } from '../store/store-error.ts';
import { createStoreWriter } from '../store/writer.ts';
import { archiveOptions } from './archive-options.ts';
import { systemClock } from './clock.ts';
import { closeAll } from './close-all.ts';
import { createDispatcher, type Target } from './dispatch.ts';
import { type ObserveOptions, observe } from './observe.ts';
import { openLog } from './open-log.ts';
import { openSource, type SourceSurroundings } from './open-source.ts';
import { engineOptions, keysOf, readingsOf } from './reading.ts';
import { createSinks } from './sinks.ts';
import { createStandstill } from './standstill.ts';
import { type CountingStage, startStages } from './start-stages.ts';
import { createStreamWatch } from './stream-watch.ts';
import { tellOfFailures } from './tell-of-failures.ts';
import { type ConservationWatch, watchConservation } from './watch-conservation.ts';

export interface AssembleOptions extends Pick<SourceSurroundings, 'logger'> {
  /** Standard output, for the console receiver. */
  readonly write: (text: string) => void;
  /** Stands between the stages and what they write to: tests end the process there, at a step they name. */
  readonly between?: {
    readonly log: (log: Log) => Log;
    readonly sinks: (sinks: readonly ArchiveSink[]) => readonly ArchiveSink[];
  };
}

/** What each running stage has counted since the start. */
export interface Counts {
  readonly collect?: CollectCounts;
  readonly detect?: DetectCounts;
  readonly respond?: RespondCounts;
  readonly archive?: ArchiveCounts;
}

/** A process's worth of Tokenwarden, running. */
export interface Application extends Pipeline {
  readonly counts: Counts;
  /** Closes what the stages used. After `done` has settled. */
  close(): Promise<void>;
}

/** Checkpoints come early when so many tokens changed. */
const CHECKPOINT_TOKENS_MAX = 20_000;
/** How often it is looked whether all records are accounted for. */
const CONSERVATION_MS = 30_000;
/** How often standbys read on. */
const STANDBY_MS = 1000;
/** How long a start waits for the store to be free, and to be prepared. Inserts wait as long as it takes. */
const STORE_WAIT_MS = 5000;
const STORE_LOOK_MS = 1000;
const ARCHIVE_FLUSH_MS = 2000;
const ARCHIVE_BATCH_RECORDS_MAX = 20_000;
const ARCHIVE_BATCH_BYTES_MAX = 16 << 20;
/** How often logs are looked at for what a lost owner may have sent: see `src/pipeline/`. */
const FOLLOW_MS = 60_000;
/** How long the stream must stay quiet about a revoked token whose issuer cannot prove it. */
const QUIET_MS = 3000;

/** Chooses the implementations that a configuration asks for and starts its stages. */
export async function assemble(
  config: Config,
  detectors: readonly AnyDetector[],
  options: AssembleOptions,
): Promise<Application> {
  const standstill = createStandstill(options.logger, systemClock);
  const opened = await openLog(config, 'own', options.logger, standstill.onWaiting);
  const log = options.between?.log(opened) ?? opened;
  const closing = [() => log.close()];
  const close = () => closeAll(closing);
  try {
    await log.ensureTopics(topicSpecs(config.log));
    const context: Context = { config, detectors, log, closing, opened: {}, sourceTopics: [], ...options };
    const wanted = config.stages.filter((name) => name !== 'archive' || config.clickhouse.kind !== 'off');
    const pipeline = await startStages(Object.fromEntries(wanted.map((name) => [name, () => START[name](context)])));
    const counts = Object.fromEntries(pipeline.stages.map((stage) => [stage.name, stage.counts])) as Counts;
    const conservation = conserve(context, counts);
    closing.push(() => conservation.stop());
    const { sourceTopics } = context;
    const watched = { log, clock: systemClock, counts, sourceTopics, conservation, standstill, done: pipeline.done };
    if (config.operations) closing.push(await operate(config.operations, watched, pipeline, options.logger));
    return { ...pipeline, counts, close };
  } catch (cause) {
    await close().catch(() => undefined);
    throw cause;
  }
}

function conserve({ opened, logger }: Context, counts: Counts): ConservationWatch {
  return watchConservation({
    counts,
    clock: systemClock,
    // A store without room is opened once there is some.
    get queries() {
      return opened.queries ?? null;
    },
    intervalMs: CONSERVATION_MS,
    onRest: (rest) => logger.error(rest, 'records cannot be accounted for'),
    onWarning: (cause) => logger.warn({ cause: String(cause) }, 'the archive could not be asked what it has'),
  });
}

/** @returns closes the endpoint and ends the watching */
async function operate(
  { host, port, readyLagMsMax }: NonNullable<Config['operations']>,
  watched: Omit<ObserveOptions, 'readyLagMsMax'>,
  pipeline: Pipeline,
  logger: AssembleOptions['logger'],
): Promise<() => Promise<void>> {
  const facts = observe({ ...watched, readyLagMsMax });
  try {
    const operations = await openOperations({ host, port, facts });
    logger.info({ url: operations.url }, 'operations endpoint listens');
    return async () => {
      facts.close();
      await operations.close();
    };
  } catch (cause) {
    facts.close();
    await pipeline.stop();
    throw cause;
  }
}

interface Context extends AssembleOptions, SourceSurroundings {
  readonly detectors: readonly AnyDetector[];
  /** What stages have opened, for others to use. */
  readonly opened: { queries?: StoreQueries };
}

const START: Readonly<Record<StageName, (context: Context) => Promise<CountingStage>>> = {
  collect,
  detect,
  respond,
  archive,
};

async function collect(context: Context): Promise<CountingStage> {
  const readings = await readingsOf(context.config);
  const sources: CollectedSource[] = [];
  for (const source of context.config.sources) {
    const reading = readings.get(source.name);
    if (reading) sources.push({ source: await openSource(source, context), ...reading });
  }
  return startCollect(context.log, sources);
}

function detect({ log, config, detectors, logger }: Context): Promise<CountingStage> {
  return startDetect({
    log,
    clock: systemClock,
    engine: engineOptions(config, detectors, keysOf(config), tellOfFailures(logger, systemClock)),
    checkpointIntervalMs: config.detection.checkpointIntervalMs,
    checkpointTokensMax: CHECKPOINT_TOKENS_MAX,
    standbyIntervalMs: config.detection.standby ? STANDBY_MS : null,
    onWarning: (message, facts) => logger.warn(facts, message),
  });
}

function respond({ log, config, closing, logger, write }: Context): Promise<CountingStage> {
  const ports: DeliveryPorts = { clock: systemClock, resolve: systemResolve, write };
  const receivers = openTargets(RECEIVER_KINDS, config.response.receivers, ports);
  const revokers = openTargets(REVOKER_KINDS, config.response.revokers, ports);
  for (const { open } of [...receivers.values(), ...revokers.values()]) closing.push(async () => open.close?.());
  return startRespond({
    log,
    clock: systemClock,
    policy: policyOf(config),
    identity: randomUUID(),
    followIntervalMs: FOLLOW_MS,
    openDispatcher: (onFault) =>
      createDispatcher({
        receivers,
        revokers,
        clock: systemClock,
        random: Math.random,
        watch: createStreamWatch(log, systemClock, config.log.partitionCount, QUIET_MS),
        onFault,
      }),
    onWarning: (message, facts) => logger.warn(facts, message),
  });
}

async function archive({ log, config, closing, opened, logger, between }: Context): Promise<CountingStage> {
  const { clickhouse } = config;
  const where = archiveOptions(config);
  if (where === undefined || clickhouse.kind === 'off') throw new Error('there is no archive to be written');
  const open = once(async () => {
    const store = await openWhenFree(where);
    closing.push(() => store.close());
    opened.queries = createStoreQueries(store);
    return store;
  });
  const prepare = once(async () => {
    const store = await open();
    await migrate(store, clickhouse.retentionDays);
    return store;
  });
  const prepared = prepare().catch((cause: unknown) => {
    // One that refuses is for the operator to see now.
    if (!(cause instanceof StoreError) || !cause.retryable) throw cause;
    logger.warn({ cause: cause.message }, 'the store is away; archiving waits');
  });
  // A folder that another process has is waited for, and refused, before anything else. What opening fails with is `prepared`'s to tell.
  await open().catch(() => prepared);
  // A store that is away or hangs must not keep the other stages from starting.
  await Promise.race([prepared, sleep(STORE_WAIT_MS, undefined, { ref: false })]);
  const sinks = createSinks(createStoreWriter({ insert: async (...call) => (await prepare()).insert(...call) }));
  return startArchive({
    log,
    clock: systemClock,
    sinks: between?.sinks(sinks) ?? sinks,
    flushIntervalMs: ARCHIVE_FLUSH_MS,
    batchRecordsMax: ARCHIVE_BATCH_RECORDS_MAX,
    batchBytesMax: ARCHIVE_BATCH_BYTES_MAX,
    onWarning: (message, facts) => logger.warn(facts, message),
  });
}

/** Commands that read an archive in a folder have it for seconds: no start is to fail for them. */
async function openWhenFree(where: ClickHouseOptions): Promise<ClickHouse> {
  const giveUpAt = systemClock.elapsed() + STORE_WAIT_MS;
  for (;;) {
    try {
      return await openClickHouse(where);
    } catch (cause) {
      const isTaken = cause instanceof StoreError && cause.code === 'locked';
      if (!isTaken || systemClock.elapsed() > giveUpAt) throw cause;
    }
    await sleep(STORE_LOOK_MS);
  }
}

/** Does it until it has succeeded, whoever asks, and no more. */
function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run().catch((cause: unknown) => {
      running = undefined;
      throw cause;
    });
    return running;
  };
}

interface Kind<T> {
  readonly kind: string;
  readonly pace: Target<T>['pace'];
  open(config: never, ports: DeliveryPorts): T;
}

function openTargets<T>(
  kinds: readonly Kind<T>[],
  configs: Readonly<Record<string, { readonly kind: string }>>,
  ports: DeliveryPorts,
): ReadonlyMap<string, Target<T>> {
  return new Map(
    Object.entries(configs).map(([name, { kind, ...rest }]) => {
      const found = kinds.find((candidate) => candidate.kind === kind);
      if (found === undefined) throw new Error(`no kind is named "${kind}"`);
      return [name, { open: found.open(rest as never, ports), pace: found.pace }];
    }),
  );
}

import { openKafkaLog } from '../src/log/kafka.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { runDetect } from './detect.ts';
import { fill } from './fill.ts';
import { type Instance, install, sumOf, until } from './installation.ts';
import { median } from './quantile.ts';

/** The detect stage alone, and beside an archive in another process, over as many events. Medians over the rounds. */
export interface Archive {
  readonly detectRatio: number;
  /** Events the archive inserts, to those that detect decides meanwhile. Above 1, it keeps up. */
  readonly keepUpRatio: number;
  readonly archivePerSecond: number;
}

const LIMIT_MS = 60_000;
const ROUND_COUNT = 5;

export async function measureArchive(
  brokers: readonly string[],
  eventCount: number,
  say: (text: string) => void,
): Promise<Archive> {
  await measure(brokers, eventCount, false); // Nothing counts before the compiler has seen it.
  const rounds: Archive[] = [];
  for (let round = 0; round < ROUND_COUNT; round++) {
    const alone = await measure(brokers, eventCount, false);
    const beside = await measure(brokers, eventCount, true);
    const shown = [alone, beside].map(({ detectPerSecond }) => `${Math.round(detectPerSecond)}/s`);
    say(`detect ${shown[0]} alone, ${shown[1]} beside the archive`);
    rounds.push({
      detectRatio: beside.detectPerSecond / alone.detectPerSecond,
      keepUpRatio: beside.archivePerSecond / beside.detectPerSecond,
      archivePerSecond: beside.archivePerSecond,
    });
  }
  const medianOf = (key: keyof Archive) => median(rounds.map((round) => round[key]));
  return {
    detectRatio: medianOf('detectRatio'),
    keepUpRatio: medianOf('keepUpRatio'),
    archivePerSecond: medianOf('archivePerSecond'),
  };
}

async function measure(brokers: readonly string[], eventCount: number, withArchive: boolean) {
  const installation = await install(brokers, 'archive');
  const { prefix } = installation;
  const log = await openKafkaLog({ brokers, topicPrefix: prefix, clock: systemClock });
  try {
    await fill(log, eventCount);
    const archive = withArchive ? await startArchive(installation.start) : undefined;
    const before = await archivedBy(archive);
    const startedAt = performance.now();
    const detectPerSecond = await runDetect(log, eventCount);
    const archived = (await archivedBy(archive)) - before;
    return { detectPerSecond, archivePerSecond: (archived / (performance.now() - startedAt)) * 1000 };
  } finally {
    await log.close();
    await installation.close();
  }
}

/** Starts it and waits until it is at work on the events. */
async function startArchive(start: (more: object) => Promise<Instance>): Promise<Instance> {
  const archive = await start({ stages: ['archive'], clickhouse: { kind: 'embedded' } });
  await until('the archive begins', async () => (await archivedBy(archive)) > 0, LIMIT_MS);
  return archive;
}

async function archivedBy(instance: Instance | undefined): Promise<number> {
  return sumOf(await instance?.metric('tokenwarden_archive_consumed_total'));
}

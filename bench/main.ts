import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { startKafka } from '../test/support/kafka-server.ts';
import { measureArchive } from './archive.ts';
import { inChild } from './child.ts';
import { measureFailover } from './failover.ts';
import { install, liveThrough } from './installation.ts';
import { measureLatency } from './latency.ts';
import { drawPictures } from './pictures.ts';
import { measureRecovery } from './recovery.ts';
import { type CostGrowth, type Results, type State, tableOf } from './results.ts';
import { measureThroughput } from './throughput.ts';

// `npm run bench`: the promises of speed, each measured in this run, beside a bare kafkajs consumer and a Kafka Streams program that read the
// same events. Machines differ: compare the ratios. `-- --quick`: throughput, latency and failover only; `-- --json`: for machines;
// `-- --pictures docs`: drawn into that folder too.

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    pictures: { type: 'string' },
  },
});
/** A quick run ends within a minute. */
const SIZE = values.quick
  ? { events: 60_000, rounds: 1, isTunedToo: false, thefts: 10, maximumMs: 1000 }
  : { events: 400_000, rounds: 5, isTunedToo: true, thefts: 200, maximumMs: 5000 };
/** Several in each partition: one that goes unnoticed says nothing of when it is decided again. */
const FAILOVER_VICTIM_COUNT = 40;

const say = (text: string) => console.error(text);
const kafka = await startKafka();
if ('skipped' in kafka) {
  console.error(`the benchmark needs a Kafka: ${kafka.skipped}`);
  process.exit(1);
}
try {
  const results = await measure(kafka.brokers, kafka.how);
  if (values.pictures !== undefined) await drawPictures(results, values.pictures);
  console.log(values.json ? JSON.stringify(results) : tableOf(results));
} finally {
  await kafka.stop();
}

async function measure(brokers: readonly string[], how: string): Promise<Results> {
  const throughput = await measureThroughput(brokers, SIZE, say);
  return {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGib: Math.round(totalmem() / 2 ** 30),
      node: process.version,
      kafka: how,
    },
    throughput,
    ...(await measureResponse(brokers)),
    ...(!values.quick && {
      state: await inChild<State>('held-bytes'),
      recoverySeconds: await measureRecovery(brokers, say),
      costGrowth: await inChild<CostGrowth>('cost-growth'),
      archive: await measureArchive(brokers, SIZE.events, say),
    }),
  };
}

/** One installation for both: getting it to know its tokens takes a while. */
async function measureResponse(brokers: readonly string[]): Promise<Pick<Results, 'latencyMs' | 'failoverSeconds'>> {
  const installation = await install(brokers, 'response');
  try {
    const [instance, victims] = await Promise.all([
      installation.start(),
      liveThrough(installation.log, 'response', SIZE.thefts + FAILOVER_VICTIM_COUNT),
    ]);
    const { latency, next } = await measureLatency(installation, instance, victims.slice(0, SIZE.thefts), SIZE, say);
    const others = victims.slice(SIZE.thefts);
    return { latencyMs: latency, failoverSeconds: await measureFailover(installation, instance, others, next, say) };
  } finally {
    await installation.close();
  }
}

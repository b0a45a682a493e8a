import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { startKafka } from '../test/support/kafka-server.ts';
import { measureArchive } from './archive.ts';
import { inChild } from './child.ts';
import { measureFailover } from './failover.ts';
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
const SIZE = values.quick ? { events: 150_000, rounds: 3, thefts: 40 } : { events: 400_000, rounds: 5, thefts: 200 };

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
  const throughput = await measureThroughput(brokers, SIZE.events, SIZE.rounds, say);
  return {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGib: Math.round(totalmem() / 2 ** 30),
      node: process.version,
      kafka: how,
    },
    throughput,
    latencyMs: await measureLatency(brokers, SIZE.thefts, say),
    failoverSeconds: await measureFailover(brokers, say),
    ...(!values.quick && {
      state: await inChild<State>('held-bytes'),
      recoverySeconds: await measureRecovery(brokers, say),
      costGrowth: await inChild<CostGrowth>('cost-growth'),
      archive: await measureArchive(brokers, SIZE.events, say),
    }),
  };
}

import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { startKafka } from '../test/support/kafka-server.ts';
import { measureLatency } from './latency.ts';
import { measureBytesPerToken } from './memory.ts';
import { measureThroughput } from './throughput.ts';

// `npm run bench`: how fast, beside what a bare kafkajs consumer reaches in the same run. Machines differ: compare the ratios.

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    events: { type: 'string', default: '400000' },
    rounds: { type: 'string', default: '3' },
    load: { type: 'string', default: '10000' },
    thefts: { type: 'string', default: '100' },
  },
});

const kafka = await startKafka();
if ('skipped' in kafka) {
  console.error(`the benchmark needs a Kafka: ${kafka.skipped}`);
  process.exit(1);
}
try {
  const { brokers } = kafka;
  const say = (text: string) => console.error(text);
  const throughput = await measureThroughput(brokers, Number(values.events), Number(values.rounds), say);
  const memory = await measureBytesPerToken();
  const latency = await measureLatency(brokers, Number(values.load), Number(values.thefts), say);
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    kafka: kafka.how,
  };
  if (values.json) console.log(JSON.stringify({ machine, throughput, memory, latency }, null, 2));
  else print(machine, throughput, memory, latency);
} finally {
  await kafka.stop();
}

function print(
  machine: object,
  throughput: Awaited<ReturnType<typeof measureThroughput>>,
  memory: Awaited<ReturnType<typeof measureBytesPerToken>>,
  latency: Awaited<ReturnType<typeof measureLatency>>,
): void {
  const round = (value: number) => Math.round(value).toLocaleString('en');
  const rows = [
    ['bare kafkajs consumer, JSON.parse only', `${round(throughput.barePerSecond)} events/s`],
    ['detect from Kafka, all detectors, checkpoints on', `${round(throughput.detectPerSecond)} events/s`],
    ['… of the bare consumer', `${throughput.ratio.toFixed(2)} ×`],
    ['state of a token, all detectors', `${memory.recordBytes} bytes`],
    [`memory of a token, index included (${round(memory.tokenCount)} tokens)`, `${round(memory.bytesPerToken)} bytes`],
    [
      `event in Kafka → revocation webhook, p50, beside ${round(latency.loadPerSecond)} events/s`,
      `${latency.p50Ms.toFixed(1)} ms`,
    ],
    [
      `the same, p99; ${latency.sampleCount} of ${latency.theftCount} thefts led to a revocation`,
      `${latency.p99Ms.toFixed(1)} ms`,
    ],
  ] as const;
  console.log(
    Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  );
  for (const [what, value] of rows) console.log(`${what.padEnd(64)} ${value.padStart(18)}`);
}

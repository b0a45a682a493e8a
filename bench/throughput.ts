import { availableParallelism } from 'node:os';
import { Kafka, logLevel } from 'kafkajs';
import { openKafkaLog } from '../src/log/kafka.ts';
import { TOPICS, topicSpecs } from '../src/pipeline/topics.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { runDetect } from './detect.ts';
import { fill } from './fill.ts';
import { type Members, startMembers } from './members.ts';
import { type Peer, type PeerKind, startPeer } from './peer.ts';
import { median } from './quantile.ts';

/** Events a second are medians over the rounds, ratios medians of each round's own. */
export interface Throughput {
  readonly eventCount: number;
  readonly roundCount: number;
  /** Of one detect stage, which has one thread. */
  readonly eventsPerSecond: number;
  /** Of a detect stage a core, that share the partitions. */
  readonly coresPerSecond: number;
  readonly parsePerSecond: number;
  readonly kafkaStreamsPerSecond: number;
  /** With baselines packed by hand, and results held back: see `bench/peer/`. It takes longest to get warm, and a quick run leaves it out. */
  readonly kafkaStreamsTunedPerSecond?: number;
  /** One thread beside one thread. */
  readonly ratioToParse: number;
  /** All cores beside all cores. */
  readonly ratioToKafkaStreams: number;
  readonly ratioToKafkaStreamsTuned?: number;
  /** One thread of ours beside all cores. */
  readonly ratioOfOneThreadToKafkaStreams: number;
}

const PARTITION_COUNT = 4;
/** As kafkajs's users are told to: few large fetches. */
const FETCH_BYTES = 4 << 20;
/** What runs for months is measured as it runs then: passes before the first round, more where more gets faster. */
const WARM_UP = { parse: 1, detect: 3, cores: 2, plain: 2, tuned: 4 };

interface Subject {
  readonly name: 'parse' | 'detect' | 'cores' | PeerKind;
  readonly read: (events: Topic) => Promise<number>;
}

/** A topic of events that each subject reads from its beginning. */
interface Topic {
  readonly prefix: string;
  readonly eventCount: number;
}

export interface ThroughputOptions {
  /** In each round. */
  readonly events: number;
  readonly rounds: number;
  /** Whether the peer that was tuned by hand is measured too. */
  readonly isTunedToo: boolean;
}

/** Each round has events of its own, read with nothing but `JSON.parse`, with one detect stage, with one a core, and with Kafka Streams. */
export async function measureThroughput(
  brokers: readonly string[],
  { events: eventCount, rounds: roundCount, isTunedToo }: ThroughputOptions,
  say: (text: string) => void,
): Promise<Throughput> {
  const peer = await startPeer(brokers);
  const members = startMembers(brokers, Math.min(availableParallelism(), PARTITION_COUNT));
  try {
    const subjects = subjectsOf(brokers, members, peer).filter(({ name }) => isTunedToo || name !== 'tuned');
    await warmUp(brokers, subjects, eventCount);
    const rates: Record<Subject['name'], number[]> = { parse: [], detect: [], cores: [], plain: [], tuned: [] };
    for (let round = 0; round < roundCount; round++) {
      const topic = await createTopic(brokers, eventCount);
      // Whoever comes first finds a broker that has not read it yet.
      await subjects[0]!.read(topic);
      for (let i = 0; i < subjects.length; i++) {
        const { name, read } = subjects[(round + i) % subjects.length]!;
        rates[name].push(await read(topic));
      }
      const shown = subjects.map(({ name }) => `${name} ${Math.round(rates[name].at(-1)!)}/s`);
      say(`round ${round + 1}: ${shown.join(', ')}`);
    }
    const ratio = (one: Subject['name'], other: Subject['name']) =>
      median(rates[one].map((rate, i) => rate / rates[other][i]!));
    return {
      eventCount,
      roundCount,
      eventsPerSecond: median(rates.detect),
      coresPerSecond: median(rates.cores),
      parsePerSecond: median(rates.parse),
      kafkaStreamsPerSecond: median(rates.plain),
      ratioToParse: ratio('detect', 'parse'),
      ratioToKafkaStreams: ratio('cores', 'plain'),
      ratioOfOneThreadToKafkaStreams: ratio('detect', 'plain'),
      ...(isTunedToo && {
        kafkaStreamsTunedPerSecond: median(rates.tuned),
        ratioToKafkaStreamsTuned: ratio('cores', 'tuned'),
      }),
    };
  } finally {
    await members.stop();
    await peer.stop();
  }
}

function subjectsOf(brokers: readonly string[], members: Members, peer: Peer): readonly Subject[] {
  return [
    { name: 'parse', read: ({ prefix, eventCount }) => parseOnly(brokers, prefix + TOPICS.events, eventCount) },
    { name: 'detect', read: ({ prefix, eventCount }) => detectFrom(brokers, prefix, eventCount) },
    { name: 'cores', read: ({ eventCount }) => decideOnAllCores(brokers, members, eventCount) },
    ...(['plain', 'tuned'] as const).map(
      (kind): Subject => ({
        name: kind,
        read: ({ prefix, eventCount }) => peer.read(kind, prefix + TOPICS.events, eventCount),
      }),
    ),
  ];
}

/** Theirs while ours: what is read now is not measured. */
async function warmUp(brokers: readonly string[], subjects: readonly Subject[], eventCount: number): Promise<void> {
  const topic = await createTopic(brokers, eventCount);
  const warm = async (some: readonly Subject[] = []) => {
    for (const { name, read } of some) {
      for (let pass = 0; pass < WARM_UP[name]; pass++) {
        // What a stage has decided once is behind it.
        await read(name === 'detect' && pass > 0 ? await createTopic(brokers, eventCount) : topic);
      }
    }
  };
  const { ours, theirs } = Object.groupBy(subjects, ({ name }) =>
    name === 'plain' || name === 'tuned' ? 'theirs' : 'ours',
  );
  await Promise.all([warm(ours), warm(theirs)]);
}

/** @param isThere called before the topic is filled */
async function createTopic(
  brokers: readonly string[],
  eventCount: number,
  isThere: (prefix: string) => Promise<void> = async () => undefined,
): Promise<Topic> {
  const prefix = `bench-${Date.now()}.`;
  const log = await openKafkaLog({ brokers, topicPrefix: prefix, clock: systemClock });
  await log.ensureTopics(topicSpecs({ partitionCount: PARTITION_COUNT, retentionDays: 1 }));
  await isThere(prefix);
  await fill(log, eventCount);
  await log.close();
  return { prefix, eventCount };
}

async function detectFrom(brokers: readonly string[], topicPrefix: string, eventCount: number): Promise<number> {
  const log = await openKafkaLog({ brokers, topicPrefix, clock: systemClock });
  try {
    return await runDetect(log, eventCount);
  } finally {
    await log.close();
  }
}

/** On a topic of its own: the group and the baselines of the round's are those of the one stage. */
async function decideOnAllCores(brokers: readonly string[], members: Members, eventCount: number): Promise<number> {
  await createTopic(brokers, eventCount, (prefix) => members.join(prefix, PARTITION_COUNT));
  return members.read(eventCount);
}

async function parseOnly(brokers: readonly string[], topic: string, eventCount: number): Promise<number> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `parse-${Date.now()}`, maxBytesPerPartition: FETCH_BYTES });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const done = Promise.withResolvers<number>();
  let count = 0;
  let startedAt = 0;
  await consumer.run({
    eachBatch: async ({ batch }) => {
      startedAt ||= performance.now();
      for (const { value } of batch.messages) {
        if (value !== null && JSON.parse(value.toString()).token !== undefined) count += 1;
      }
      if (count >= eventCount) done.resolve(performance.now() - startedAt);
    },
  });
  const elapsedMs = await done.promise;
  await consumer.disconnect();
  return (eventCount / elapsedMs) * 1000;
}

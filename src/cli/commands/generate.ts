import { setImmediate as nextTurn } from 'node:timers/promises';
import { Command } from 'commander';
import { DAY_MS, SECOND_MS } from '../../baseline/time.ts';
import { openKafkaLog } from '../../log/kafka.ts';
import type { Log } from '../../log/log.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type CanonicalRecord, createFleet, dayOfFleet, type Fleet } from '../../simulate/fleet.ts';
import { theftOf } from '../../simulate/theft.ts';
import { type CliIo, wholeNumber } from '../io.ts';

interface Options {
  readonly brokers?: string;
  readonly topic: string;
  readonly tokens: number;
  readonly days: number;
  readonly seed: string;
  readonly theftAfter?: number;
  readonly live?: boolean;
}

/** Writes the traffic of a made-up fleet: history first, then, with `--live`, as time goes by. */
export function generateCommand(io: CliIo): Command {
  return new Command('generate')
    .description('write the traffic of a made-up fleet of tokens, to standard output or to a Kafka topic')
    .option(
      '--brokers <list>',
      'Kafka brokers, separated by commas; without it canonical NDJSON goes to standard output',
    )
    .option('--topic <name>', 'Kafka topic', 'audit.raw')
    .option('--tokens <count>', 'size of the fleet', wholeNumber(1, 1_000_000), 100)
    .option('--days <count>', 'days of history before now', wholeNumber(0, 3650), 14)
    .option('--seed <text>', 'the same seed gives the same fleet', 'tokenwarden')
    .option('--live', 'go on in real time after the history')
    .option(
      '--theft-after <seconds>',
      'with --live: a token is stolen so long after the history',
      wholeNumber(0, 86_400),
    )
    .action((options: Options) => generate(io, options));
}

type Write = (records: readonly CanonicalRecord[]) => Promise<void>;

async function generate(io: CliIo, options: Options): Promise<void> {
  const log = options.brokers === undefined ? undefined : await openTopic(options.brokers, options.topic);
  const write: Write = log
    ? (records) => produce(log, options.topic, records)
    : async (records) => io.out(linesOf(records));
  try {
    const fleet = createFleet(options.seed, options.tokens);
    const now = systemClock.now();
    for (let day = options.days; day >= 0; day--) {
      const records = dayOfFleet(fleet, options.seed, Math.floor(now / DAY_MS) * DAY_MS - day * DAY_MS);
      await write(records.filter(({ time }) => Date.parse(time) <= now));
      // Signals, and the end of whoever reads, are noticed between two turns.
      await nextTurn();
      if (io.interrupted.aborted) return;
    }
    if (options.live) await goLive(io, options, fleet, write, now);
  } finally {
    await log?.close();
  }
}

async function openTopic(brokers: string, topic: string): Promise<Log> {
  const log = await openKafkaLog({ brokers: brokers.split(','), topicPrefix: '', clock: systemClock });
  await log.ensureTopics([{ topic, partitionCount: 4, cleanup: 'delete', retentionMs: 7 * DAY_MS }]);
  return log;
}

function produce(log: Log, topic: string, records: readonly CanonicalRecord[]): Promise<void> {
  return log.append(
    topic,
    records.map((record) => ({ key: record.token, value: Buffer.from(JSON.stringify(record)) })),
  );
}

function linesOf(records: readonly CanonicalRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

async function goLive(io: CliIo, options: Options, fleet: Fleet, write: Write, from: number): Promise<void> {
  const thief = options.theftAfter === undefined ? undefined : fleet.tokens[0];
  let theft = thief ? theftOf(thief, options.seed, from + (options.theftAfter ?? 0) * SECOND_MS) : [];
  let writtenTo = from;
  while (!io.interrupted.aborted) {
    await systemClock.sleep(SECOND_MS, io.interrupted);
    const now = systemClock.now();
    const due = ({ time }: CanonicalRecord) => Date.parse(time) > writtenTo && Date.parse(time) <= now;
    const today = dayOfFleet(fleet, options.seed, Math.floor(now / DAY_MS) * DAY_MS);
    await write([...today.filter(due), ...theft.filter(due)]);
    theft = theft.filter(({ time }) => Date.parse(time) > now);
    writtenTo = now;
  }
}

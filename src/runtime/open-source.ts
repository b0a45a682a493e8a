import type { Config, SourceConfig } from '../config/load.ts';
import { openFileSource } from '../ingest/file.ts';
import { openHttpSource } from '../ingest/http.ts';
import { openKafkaSource } from '../ingest/kafka.ts';
import type { Source } from '../ingest/source.ts';
import { openStdinSource } from '../ingest/stdin.ts';
import type { Log } from '../log/log.ts';
import { systemClock } from './clock.ts';
import type { Logger } from './logger.ts';
import { openSourceLog } from './open-log.ts';

/** Topics that a source reads. */
export interface SourceTopics {
  readonly log: Log;
  readonly group: string;
  readonly topics: readonly string[];
  /** Records deleted by retention before they were read. */
  deletedCount: number;
}

/** What sources need of the process they run in. */
export interface SourceSurroundings {
  readonly config: Config;
  /** Our own log, in which positions are kept. */
  readonly log: Log;
  readonly logger: Logger;
  /** What is to be closed when the process ends. */
  readonly closing: (() => Promise<void>)[];
  /** What sources read from elsewhere, so that it can be seen how far they have come. */
  readonly sourceTopics: SourceTopics[];
}

/** Opens a source of a configuration; nothing is read yet. */
export async function openSource(source: SourceConfig, surroundings: SourceSurroundings): Promise<Source> {
  const { name } = source;
  const { log, logger } = surroundings;
  switch (source.kind) {
    case 'file':
      return openFileSource({ name, path: source.path, follow: source.follow, log, clock: systemClock });
    case 'stdin':
      return openStdinSource({ name, clock: systemClock });
    case 'http':
      return openHttpSource({
        name,
        host: source.host,
        port: source.port,
        keys: source.keys.length > 0 ? source.keys.map((key) => key.reveal()) : null,
        clock: systemClock,
        onListening: (port) => logger.info({ source: name, host: source.host, port }, 'listening for events'),
      });
    case 'kafka':
      return openTopics(source, surroundings);
    default:
      return source satisfies never;
  }
}

async function openTopics(
  source: Extract<SourceConfig, { kind: 'kafka' }>,
  { config, logger, closing, sourceTopics }: SourceSurroundings,
): Promise<Source> {
  const { name, topics, group = `tokenwarden.${name}` } = source;
  const log = await openSourceLog(source, config.log, logger);
  closing.push(() => log.close());
  const read: SourceTopics = { log, group, topics, deletedCount: 0 };
  sourceTopics.push(read);
  return openKafkaSource({
    name,
    log,
    topics,
    group,
    clock: systemClock,
    gap: ({ topic, partition }, fromOffset, toOffset) => {
      const facts = { source: name, topic, partition, fromOffset, toOffset };
      logger.warn(facts, 'records were deleted before they were read');
      read.deletedCount += toOffset - fromOffset;
    },
  });
}

import { existsSync } from 'node:fs';
import type { Config } from '../config/load.ts';
import type { Format, RawRecord } from '../normalise/format.ts';
import { oneForOne } from '../normalise/one-for-one.ts';
import { decodeStoredEvent, encodeStoredEvent } from '../normalise/stored-event.ts';
import { archiveOptions } from '../runtime/archive-options.ts';
import { type ClickHouse, lastHolder, openClickHouse } from '../store/connection.ts';
import { type HistoryPart, readHistory, type StoredHistory } from '../store/history.ts';
import type { LoggedEvent } from '../store/rows.ts';
import { exceptionType, StoreError } from '../store/store-error.ts';
import type { ArchiveSource, OpenHistory } from './history-source.ts';
import { UsageError } from './io.ts';

/** Events as our own log carries them. */
const ARCHIVED: Format = {
  id: 'archived',
  title: 'Archived events',
  description: 'What was read and enriched when it happened.',
  trust: {},
  samples: [],
  open: () =>
    oneForOne(({ id, value }) => {
      const event = decodeStoredEvent(value, id);
      return 'code' in event ? { kind: 'unreadable', ...event } : { kind: 'event', event };
    }),
};

/** A part of the archive that is open for reading. Throws a `UsageError` where reading fails. */
export interface OpenArchive extends StoredHistory {
  /** Folder or address. */
  readonly where: string;
  readonly close: () => Promise<void>;
}

/** Opens a part of the configured archive. @throws UsageError that says what to do, or else to do `instead`, when there is none */
export async function openArchive(part: HistoryPart, config: Config, instead: string): Promise<OpenArchive> {
  const store = await openStore(config, instead);
  const { rowCount, pages } = await readHistory(store, part).catch(async (cause: unknown) => {
    await store.close();
    throw mended(cause);
  });
  return { where: store.where, rowCount, pages: mendedPages(pages), close: () => store.close() };
}

async function* mendedPages(pages: StoredHistory['pages']): AsyncGenerator<readonly LoggedEvent[]> {
  try {
    yield* pages;
  } catch (cause) {
    throw mended(cause);
  }
}

/** Opens the configured archive. @throws UsageError that says what to do when there is none, or nothing in it that can be read */
export async function openArchiveHistory({ span }: ArchiveSource, config: Config): Promise<OpenHistory> {
  const archive = await openArchive(span, config, 'name a file');
  const { where, rowCount, close } = archive;
  if (rowCount === 0) {
    await close();
    throw new UsageError(
      `the archive at ${where} keeps no event of that time: see --since and --until, and clickhouse.retentionDays in the configuration`,
    );
  }
  let readCount = 0;
  return {
    where,
    format: ARCHIVED,
    // An event was enriched when it came: with the facts of then, which live detection saw.
    enrich: async () => (event) => event,
    records: recordsOf(archive, (count) => {
      readCount += count;
    }),
    share: () => Math.min(1, readCount / rowCount),
    close,
  };
}

/**
 * Whether another process has the archive in the data folder open, as far as can be told without trying: an engine that is refused complains on
 * standard error. One that was killed leaves its number behind, which may be another process's by now.
 */
export async function isArchiveTaken(config: Config): Promise<boolean> {
  const options = archiveOptions(config);
  if (options === undefined || !('folder' in options)) return false;
  const holder = await lastHolder(options.folder);
  if (holder === undefined) return false;
  try {
    return process.kill(holder, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Asks the configured archive something, and closes it whatever happens. @throws UsageError as `openArchive` does */
export async function askArchive<T>(
  config: Config,
  instead: string,
  ask: (store: ClickHouse) => Promise<T>,
): Promise<T> {
  const store = await openStore(config, instead);
  try {
    return await ask(store);
  } catch (cause) {
    throw mended(cause);
  } finally {
    await store.close();
  }
}

async function openStore(config: Config, instead: string): Promise<ClickHouse> {
  const options = archiveOptions(config);
  if (options === undefined)
    throw new UsageError(
      `the configuration has no archive (clickhouse: {kind: off}): name one in the configuration (--config), or ${instead}`,
    );
  // It would be made, and be empty.
  if ('folder' in options && !existsSync(options.folder))
    throw new UsageError(
      `there is no archive in ${options.folder}: say with --config where it is (dataFolder, or clickhouse: {kind: server, …}), or ${instead}`,
    );
  return openClickHouse(options).catch((cause: unknown) => {
    throw mended(cause);
  });
}

async function* recordsOf({ pages }: StoredHistory, onRead: (count: number) => void): AsyncGenerator<RawRecord> {
  for await (const page of pages) {
    for (const { event } of page) {
      onRead(1);
      yield { id: event.id, value: Buffer.from(encodeStoredEvent(event, null)) };
    }
  }
}

/** What the store says, and what to do about it. */
function mended(cause: unknown): unknown {
  if (!(cause instanceof StoreError)) return cause;
  const type = exceptionType(cause.cause);
  if (type === 'UNKNOWN_TABLE' || type === 'UNKNOWN_DATABASE')
    return new UsageError(
      `${cause.message} Nothing was archived there yet: \`tokenwarden run\` with the stage archive does it.`,
    );
  if (cause.code !== 'unavailable') return new UsageError(cause.message);
  return new UsageError(`${cause.message} See that it runs, and clickhouse in the configuration (--config).`);
}

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Enrich } from '../enrich/enrich.ts';
import type { Format, RawRecord } from '../normalise/format.ts';
import type { Keys } from '../runtime/keys.ts';
import type { TimeSpan } from '../store/history.ts';
import { UsageError } from './io.ts';
import { formatOption } from './project.ts';

/** Where recorded events are read from. */
export type HistorySource = FileSource | ArchiveSource;

/** A file of records, and how to read them. */
export interface FileSource {
  readonly kind: 'file';
  readonly file: string;
  readonly format: string;
}

/** What the archive keeps of a span of event time. */
export interface ArchiveSource {
  readonly kind: 'clickhouse';
  readonly span: TimeSpan;
}

/** History that is being read. */
export interface OpenHistory {
  /** File or address, for messages. */
  readonly where: string;
  readonly format: Format;
  readonly enrich: (keys: Keys) => Promise<Enrich>;
  /** To be read once. Throws a `UsageError` where reading fails. */
  readonly records: AsyncIterable<RawRecord>;
  /** Which share of it has been read, 0 to 1. */
  readonly share: () => number;
  readonly close: () => Promise<void>;
}

/** What the command line says of it. */
export interface HistoryOptions {
  readonly format: string;
  readonly from?: 'clickhouse';
  readonly since?: number;
  readonly until?: number;
}

/** Until the end of what ClickHouse's times reach, in 2106. */
export const ALWAYS: TimeSpan = { from: 0, to: 2 ** 32 * 1000 - 1 };

/** Has a command read history: a file of records, or the archive. */
export function readsHistory(command: Command): Command {
  return command
    .argument('[file]', 'newline-separated records, .gz too')
    .addOption(formatOption())
    .addOption(
      new Option('--from <archive>', 'read what the configured archive keeps, instead of a file').choices([
        'clickhouse',
      ]),
    )
    .addOption(
      new Option('--since <time>', 'with --from: events from this time on, as 2026-09-07T09:00:00Z').argParser(timeOf),
    )
    .addOption(new Option('--until <time>', 'with --from: events before this time').argParser(timeOf));
}

/** ISO 8601 with a zone, so that it means the same on every machine. */
export function timeOf(text: string): number {
  const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError('It must be an ISO 8601 time such as 2026-09-07T09:00:00Z, or a date.');
  return at;
}

/** @throws UsageError when the command line names no history, two, or a part of one that is none */
export function historySourceOf(file: string | undefined, options: HistoryOptions, command: Command): HistorySource {
  const { format, from, since, until } = options;
  if (from === undefined) {
    if (file === undefined)
      throw new UsageError('nothing to read: name a file of records, or read the archive with --from clickhouse');
    if (since !== undefined || until !== undefined)
      throw new UsageError('--since and --until go with --from clickhouse: a file is read from end to end');
    return { kind: 'file', file, format };
  }
  if (file !== undefined) throw new UsageError(`${file} and --from ${from} are both named: leave one of them out`);
  if (command.getOptionValueSource('format') !== 'default')
    throw new UsageError('--format is for files: what the archive keeps has been read already');
  const span = { from: since ?? ALWAYS.from, to: until ?? ALWAYS.to };
  if (span.from >= span.to) throw new UsageError('--since must lie before --until');
  return { kind: from, span };
}

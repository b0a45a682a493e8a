import type { ClickHouse } from './connection.ts';
import { EVENT_COLUMNS, type EventRow, loggedEventOf, timeOf } from './queries.ts';
import type { LoggedEvent } from './rows.ts';

/** Event times, ms since the epoch: `from` up to but not including `to`. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

/** A part of what the store has. */
export interface HistoryPart extends TimeSpan {
  /** Absent: every token's. */
  readonly token?: string;
}

/** All events of a span, to be read once and in order. */
export interface StoredHistory {
  /** Of the table: copies of an event count, so that it may be more than are read. */
  readonly rowCount: number;
  /**
   * The events in the order of their times; those of one millisecond in the order of the log. A page at a time is in memory. Each event comes
   * once: the log may hold one twice (a collector died between writing and remembering it), and so may the table.
   */
  readonly pages: AsyncIterable<readonly LoggedEvent[]>;
}

/** An hour, or a few with little in them, that are read together. */
interface Stretch extends TimeSpan {
  readonly rowCount: number;
  /** When the log took its rows: the table is partitioned by it, so that no other day is looked into. */
  readonly loggedFrom: number;
  readonly loggedTo: number;
}

const HOUR_MS = 3_600_000;
const PAGE_ROWS = 10_000;

/**
 * Finds what the store has of a span. Rejects, then or while pages are read, with a `StoreError`.
 *
 * @param pageRows for tests
 */
export async function readHistory(
  clickHouse: ClickHouse,
  part: HistoryPart,
  pageRows: number = PAGE_ROWS,
): Promise<StoredHistory> {
  const stretches = joined(await hoursOf(clickHouse, part), pageRows);
  const rowCount = stretches.reduce((sum, stretch) => sum + stretch.rowCount, 0);
  return { rowCount, pages: pagesOf(clickHouse, part.token, stretches, pageRows) };
}

/** The hours with anything in them: at most nine thousand a year. */
async function hoursOf(clickHouse: ClickHouse, { from, to, token }: HistoryPart): Promise<readonly Stretch[]> {
  const hours = await clickHouse.query<Omit<Stretch, 'from' | 'to'> & { readonly hourAt: number }>(
    `SELECT
      toUnixTimestamp(toStartOfHour(at)) * 1000 AS hourAt,
      count() AS rowCount,
      toUnixTimestamp64Milli(min(ingest_time)) AS loggedFrom,
      toUnixTimestamp64Milli(max(ingest_time)) AS loggedTo
    FROM events
    WHERE at >= fromUnixTimestamp64Milli({from:Int64}) AND at < fromUnixTimestamp64Milli({to:Int64})
      ${whereToken(token)}
    GROUP BY hourAt
    ORDER BY hourAt`,
    { from: timeOf(from), to: timeOf(to), ...boundToken(token) },
  );
  return hours.map(({ hourAt, ...hour }) => ({
    ...hour,
    from: Math.max(hourAt, from),
    to: Math.min(hourAt + HOUR_MS, to),
  }));
}

function whereToken(token: string | undefined): string {
  return token === undefined ? '' : 'AND token = {token:String}';
}

function boundToken(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { token: token.toWellFormed() };
}

/** Takes hours together as long as they fill no page: a quiet year is no nine thousand queries. */
function joined(hours: readonly Stretch[], pageRows: number): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (const hour of hours) {
    const last = stretches.at(-1);
    if (last === undefined || last.rowCount + hour.rowCount > pageRows) stretches.push(hour);
    else {
      stretches[stretches.length - 1] = {
        from: last.from,
        to: hour.to,
        rowCount: last.rowCount + hour.rowCount,
        loggedFrom: Math.min(last.loggedFrom, hour.loggedFrom),
        loggedTo: Math.max(last.loggedTo, hour.loggedTo),
      };
    }
  }
  return stretches;
}

async function* pagesOf(
  clickHouse: ClickHouse,
  token: string | undefined,
  stretches: readonly Stretch[],
  pageRows: number,
): AsyncGenerator<readonly LoggedEvent[]> {
  const seen = new SeenOfAMoment();
  for (const stretch of stretches) {
    let last: LoggedEvent | undefined;
    for (;;) {
      const page = await pageAfter(clickHouse, token, stretch, last, pageRows);
      last = page.at(-1);
      yield page.filter((logged) => seen.isNew(logged));
      if (page.length < pageRows) break;
    }
  }
}

/** Events with all they are known by; copies have the same time, so that no more than a moment's is remembered. */
class SeenOfAMoment {
  #at = Number.NaN;
  readonly #keys = new Set<string>();

  isNew({ event: { at, token, id } }: LoggedEvent): boolean {
    if (at !== this.#at) this.#keys.clear();
    this.#at = at;
    const countBefore = this.#keys.size;
    return this.#keys.add(`${id}\u0000${token}`).size > countBefore;
  }
}

async function pageAfter(
  clickHouse: ClickHouse,
  token: string | undefined,
  { from, to, loggedFrom, loggedTo }: Stretch,
  last: LoggedEvent | undefined,
  limit: number,
): Promise<readonly LoggedEvent[]> {
  const after =
    last === undefined
      ? ''
      : `AND (at, log_partition, log_offset, id) >
        (fromUnixTimestamp64Milli({from:Int64}), {partition:UInt32}, {offset:UInt64}, {id:String})`;
  const rows = await clickHouse.query<EventRow>(
    `SELECT ${EVENT_COLUMNS}
    FROM events
    WHERE ingest_time >= fromUnixTimestamp64Milli({loggedFrom:Int64})
      AND ingest_time <= fromUnixTimestamp64Milli({loggedTo:Int64})
      AND at >= fromUnixTimestamp64Milli({from:Int64})
      AND at < fromUnixTimestamp64Milli({to:Int64})
      ${whereToken(token)}
      ${after}
    ORDER BY at, log_partition, log_offset, id
    LIMIT {limit:UInt32}`,
    {
      loggedFrom: timeOf(loggedFrom),
      loggedTo: timeOf(loggedTo),
      from: timeOf(last?.event.at ?? from),
      to: timeOf(to),
      limit,
      ...boundToken(token),
      ...(last && { partition: last.partition, offset: last.offset, id: last.event.id }),
    },
  );
  return rows.map(loggedEventOf);
}

import { USUAL_USES_MAX, type UsualPart, type UsualUse, type UsualUses } from '../domain/usual-use.ts';
import type { ClickHouse } from './connection.ts';
import { timeOf } from './queries.ts';

/** The latest events that are looked at: a token may have had billions. */
const EVENTS_MAX = 1_000_000;
const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

interface Row extends Omit<UsualUse, 'rows'> {
  readonly rowsLeast: number | null;
  readonly rowsMost: number | null;
  readonly allCount: number;
  readonly allSince: number;
}

/**
 * Sums up the latest million events of what is usual for a token, by operation, tables, outcome, database, network and application; the most
 * frequent kinds first. Rejects with a `StoreError`.
 *
 * @param weekOf what `weekDistanceMs` is counted from
 * @param eventsMax for tests
 */
export async function readUsualUses(
  clickHouse: ClickHouse,
  { token, from, before, hoursLeftOut }: UsualPart,
  weekOf: number,
  eventsMax: number = EVENTS_MAX,
): Promise<UsualUses> {
  const rows = await clickHouse.query<Row>(
    `SELECT
      operation, names AS tables, success, database, network, application,
      any(latest.asn) AS asn,
      count() AS eventCount,
      toUnixTimestamp64Milli(max(at)) AS lastAt,
      min(rows) AS rowsLeast,
      max(rows) AS rowsMost,
      min(least(apart, ${WEEK_MS} - apart)) AS weekDistanceMs,
      sum(count()) OVER () AS allCount,
      toUnixTimestamp64Milli(min(min(at)) OVER ()) AS allSince
    FROM (
      SELECT
        at, operation, arraySort(events.tables) AS names, success, database, network, asn, application, rows,
        abs(toUnixTimestamp64Milli(at) - {weekOf:Int64}) % ${WEEK_MS} AS apart
      FROM events
      WHERE token = {token:String}
        AND at >= fromUnixTimestamp64Milli({from:Int64})
        AND at < fromUnixTimestamp64Milli({before:Int64})
        AND intDiv(toUnixTimestamp64Milli(at), ${HOUR_MS}) NOT IN {hoursLeftOut:Array(Int64)}
      ORDER BY token DESC, at DESC, id DESC
      LIMIT {eventsMax:UInt32}
    ) AS latest
    GROUP BY operation, names, success, database, network, application
    ORDER BY eventCount DESC, lastAt DESC, names
    LIMIT {usesMax:UInt32}`,
    {
      token: token.toWellFormed(),
      from: timeOf(from),
      before: timeOf(before),
      hoursLeftOut: [...hoursLeftOut],
      weekOf: timeOf(weekOf),
      eventsMax,
      usesMax: USUAL_USES_MAX,
    },
  );
  const [{ allCount: eventCount, allSince: since } = { allCount: 0, allSince: null }] = rows;
  return { uses: rows.map(useOf), eventCount, since };
}

function useOf({ rowsLeast: least, rowsMost: most, allCount, allSince, ...use }: Row): UsualUse {
  return { ...use, rows: least === null || most === null ? null : { least, most } };
}

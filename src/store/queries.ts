import type { Action, ActionState, RevocationState } from '../domain/action.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { SEVERITIES, type Severity } from '../domain/finding.ts';
import type { ClickHouse } from './connection.ts';
import type { LoggedEvent, StoredAlert } from './rows.ts';

/** Reads the store for people: the command line, the console, the status page. Every list is limited; every value is a bound parameter. */
export interface StoreQueries {
  /** Alerts updated at or after `since`, latest update first. */
  alertsList(filter: AlertFilter): Promise<readonly AlertSummary[]>;
  /** `undefined`: no such alert is kept. */
  alertShow(id: string): Promise<StoredAlert | undefined>;
  /** The steps of every action about an alert, in the order they were taken. */
  deliveriesOf(alertId: string): Promise<readonly DeliveryStep[]>;
  /** What a token did; `undefined`: nothing that is still kept. Tables and networks count events at or after `since`. */
  tokenShow(token: string, since: number): Promise<TokenSummary | undefined>;
  /** A token's events from `from` up to but not including `to`, earliest first. */
  eventsOf(token: string, from: number, to: number, limit: number): Promise<readonly LoggedEvent[]>;
  /** What stands there of a partition of the events log, offsets `from` to `to - 1`, of what the log took at or after `since`. */
  archivedIn(partition: number, from: number, to: number, since: number): Promise<ArchivedRange>;
}

export interface AlertFilter {
  readonly since: number;
  readonly limit: number;
  readonly token?: string;
  /** This severity or a higher one. */
  readonly severity?: Severity;
}

export interface AlertSummary {
  readonly id: string;
  readonly token: string;
  readonly principal: string | null;
  readonly owner: string | null;
  readonly environment: string | null;
  readonly severity: Severity;
  readonly score: number;
  /** Of the finding that contributes most. */
  readonly title: string;
  readonly openedAt: number;
  readonly updatedAt: number;
  readonly assessmentCount: number;
  readonly revocation: RevocationState;
}

/** One step of an action through its states. */
export interface DeliveryStep extends Pick<Action, 'kind' | 'alertId' | 'token' | 'target' | 'reason' | 'decidedAt'> {
  readonly actionId: string;
  readonly state: ActionState;
  readonly detail: string;
  readonly attemptCount: number;
  readonly at: number;
}

export interface TokenSummary {
  readonly token: string;
  /** As its last event says. `null` also when that event is no longer kept. */
  readonly principal: string | null;
  readonly owner: string | null;
  readonly environment: string | null;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly eventCount: number;
  readonly rowCount: number;
  readonly byteCount: number;
  readonly failureCount: number;
  /** Exact up to some tens of thousands, estimated above. */
  readonly networkCount: number;
  readonly tableCount: number;
  /** Events by hour of the week, 168 of them; the first is Monday 00:00 UTC. */
  readonly hoursOfWeek: readonly number[];
  /** Most used first, at most `TOP_MAX`. */
  readonly tables: readonly Usage[];
  /** Most used first, at most `TOP_MAX`. */
  readonly networks: readonly NetworkUsage[];
}

export interface Usage {
  readonly name: string;
  readonly eventCount: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface NetworkUsage extends Usage {
  readonly country: string | null;
  readonly asn: number | null;
}

/** What stands there of a range of a partition of the events log. */
export interface ArchivedRange {
  readonly rowCount: number;
  /** Below `rowCount` when rows were inserted more than once. */
  readonly offsetCount: number;
}

const LIMIT_MAX = 10_000;
const TOP_MAX = 20;
const DELIVERIES_MAX = 1_000;

/** Queries for the tables that `migrate` made. They reject with a `StoreError`. */
export function createStoreQueries(clickHouse: ClickHouse): StoreQueries {
  return {
    alertsList: (filter) => alertsList(clickHouse, filter),
    alertShow: (id) => alertShow(clickHouse, id),
    deliveriesOf: (alertId) => deliveriesOf(clickHouse, alertId),
    tokenShow: (token, since) => tokenShow(clickHouse, token, since),
    eventsOf: (token, from, to, limit) => eventsOf(clickHouse, token, from, to, limit),
    archivedIn: (partition, from, to, since) => archivedIn(clickHouse, partition, from, to, since),
  };
}

// Result columns have names that no column of the table has: ClickHouse would use them in WHERE instead of the columns.

function alertsList(clickHouse: ClickHouse, filter: AlertFilter): Promise<readonly AlertSummary[]> {
  return clickHouse.query<AlertSummary>(
    `SELECT
      id, token, principal, owner, environment, severity, score, title, revocation,
      toUnixTimestamp64Milli(opened_at) AS openedAt,
      toUnixTimestamp64Milli(updated_at) AS updatedAt,
      assessment_count AS assessmentCount
    FROM alerts FINAL
    WHERE updated_at >= fromUnixTimestamp64Milli({since:Int64})
      AND severity IN {severities:Array(String)}
      AND ({token:Nullable(String)} IS NULL OR token = {token:Nullable(String)})
    ORDER BY updatedAt DESC, id
    LIMIT {limit:UInt32}`,
    {
      since: timeOf(filter.since),
      severities: SEVERITIES.slice(SEVERITIES.indexOf(filter.severity ?? SEVERITIES[0])),
      token: filter.token?.toWellFormed() ?? null,
      limit: limitOf(filter.limit),
    },
  );
}

async function alertShow(clickHouse: ClickHouse, id: string): Promise<StoredAlert | undefined> {
  const statement = 'SELECT body FROM alerts FINAL WHERE id = {id:String}';
  const [row] = await clickHouse.query<{ body: string }>(statement, { id: id.toWellFormed() });
  return row && (JSON.parse(row.body) as StoredAlert);
}

async function deliveriesOf(clickHouse: ClickHouse, alertId: string): Promise<readonly DeliveryStep[]> {
  const rows = await clickHouse.query<
    Omit<DeliveryStep, 'reason'> & { reasonCode: DeliveryStep['reason']['code']; reasonText: string }
  >(
    `SELECT
      action_id AS actionId, kind, alert_id AS alertId, token, target,
      reason_code AS reasonCode, reason_text AS reasonText,
      toUnixTimestamp64Milli(decided_at) AS decidedAt,
      state, detail, attempt AS attemptCount,
      toUnixTimestamp64Milli(deliveries.at) AS at
    FROM deliveries
    WHERE alert_id = {alertId:String}
    ORDER BY revision, action_id
    LIMIT {limit:UInt32}`,
    { alertId: alertId.toWellFormed(), limit: DELIVERIES_MAX },
  );
  return rows.map(({ reasonCode, reasonText, ...step }) => ({
    ...step,
    reason: { code: reasonCode, text: reasonText },
  }));
}

async function tokenShow(clickHouse: ClickHouse, name: string, since: number): Promise<TokenSummary | undefined> {
  const token = name.toWellFormed();
  const totals = await tokenTotals(clickHouse, token);
  if (totals === undefined || totals.eventCount === 0) return undefined;
  const [owner, hoursOfWeek, tables, networks] = await Promise.all([
    tokenOwner(clickHouse, token),
    hoursOfWeekOf(clickHouse, token),
    topTables(clickHouse, token, since),
    topNetworks(clickHouse, token, since),
  ]);
  return { token, ...owner, ...totals, hoursOfWeek, tables, networks };
}

type Totals = Omit<TokenSummary, 'token' | keyof TokenOwner | 'hoursOfWeek' | 'tables' | 'networks'>;

async function tokenTotals(clickHouse: ClickHouse, token: string): Promise<Totals | undefined> {
  const [totals] = await clickHouse.query<Totals>(
    `SELECT
      toUnixTimestamp64Milli(min(first_at)) AS firstAt,
      toUnixTimestamp64Milli(max(last_at)) AS lastAt,
      sum(event_count) AS eventCount,
      sum(row_count) AS rowCount,
      sum(byte_count) AS byteCount,
      sum(failure_count) AS failureCount,
      uniqMerge(networks) AS networkCount,
      uniqArrayMerge(tables) AS tableCount
    FROM token_hours
    WHERE token = {token:String}`,
    { token },
  );
  return totals;
}

type TokenOwner = Pick<TokenSummary, 'principal' | 'owner' | 'environment'>;

async function tokenOwner(clickHouse: ClickHouse, token: string): Promise<TokenOwner> {
  const [owner] = await clickHouse.query<TokenOwner>(
    'SELECT principal, owner, environment FROM events WHERE token = {token:String} ORDER BY token DESC, at DESC, id DESC LIMIT 1',
    { token },
  );
  return owner ?? { principal: null, owner: null, environment: null };
}

async function hoursOfWeekOf(clickHouse: ClickHouse, token: string): Promise<readonly number[]> {
  const rows = await clickHouse.query<{ hourOfWeek: number; eventCount: number }>(
    `SELECT (toDayOfWeek(hour) - 1) * 24 + toHour(hour) AS hourOfWeek, sum(event_count) AS eventCount
    FROM token_hours
    WHERE token = {token:String}
    GROUP BY hourOfWeek`,
    { token },
  );
  const hours = new Array<number>(168).fill(0);
  for (const { hourOfWeek, eventCount } of rows) hours[hourOfWeek] = eventCount;
  return hours;
}

const USAGE = `
  count() AS eventCount,
  toUnixTimestamp64Milli(min(at)) AS firstAt,
  toUnixTimestamp64Milli(max(at)) AS lastAt`;

function topTables(clickHouse: ClickHouse, token: string, since: number): Promise<readonly Usage[]> {
  return clickHouse.query<Usage>(
    `SELECT name, ${USAGE}
    FROM events ARRAY JOIN tables AS name
    WHERE token = {token:String} AND at >= fromUnixTimestamp64Milli({since:Int64})
    GROUP BY name
    ORDER BY eventCount DESC, name
    LIMIT {limit:UInt32}`,
    { token, since: timeOf(since), limit: TOP_MAX },
  );
}

function topNetworks(clickHouse: ClickHouse, token: string, since: number): Promise<readonly NetworkUsage[]> {
  return clickHouse.query<NetworkUsage>(
    `SELECT assumeNotNull(network) AS name, any(events.country) AS country, any(events.asn) AS asn, ${USAGE}
    FROM events
    WHERE token = {token:String} AND at >= fromUnixTimestamp64Milli({since:Int64}) AND network IS NOT NULL
    GROUP BY name
    ORDER BY eventCount DESC, name
    LIMIT {limit:UInt32}`,
    { token, since: timeOf(since), limit: TOP_MAX },
  );
}

/** An event's row as `EVENT_COLUMNS` name it. */
export type EventRow = Omit<AuditEvent, 'at'> & Omit<LoggedEvent, 'event'> & { readonly eventAt: number };

export const EVENT_COLUMNS = `
  id, toUnixTimestamp64Milli(at) AS eventAt, token, principal, address, database, operation, tables, statement, shape,
  is_unbounded AS isUnbounded, rows, bytes, success, application, session, format, network, asn, country, owner, environment,
  log_partition AS partition, log_offset AS offset, toUnixTimestamp64Milli(ingest_time) AS loggedAt`;

export function loggedEventOf({ partition, offset, loggedAt, eventAt, ...event }: EventRow): LoggedEvent {
  return { event: { ...event, at: eventAt }, partition, offset, loggedAt };
}

async function eventsOf(
  clickHouse: ClickHouse,
  token: string,
  from: number,
  to: number,
  limit: number,
): Promise<readonly LoggedEvent[]> {
  const rows = await clickHouse.query<EventRow>(
    `SELECT ${EVENT_COLUMNS}
    FROM events
    WHERE token = {token:String}
      AND at >= fromUnixTimestamp64Milli({from:Int64})
      AND at < fromUnixTimestamp64Milli({to:Int64})
    ORDER BY at, id
    LIMIT {limit:UInt32}`,
    { token: token.toWellFormed(), from: timeOf(from), to: timeOf(to), limit: limitOf(limit) },
  );
  return rows.map(loggedEventOf);
}

async function archivedIn(
  clickHouse: ClickHouse,
  partition: number,
  from: number,
  to: number,
  since: number,
): Promise<ArchivedRange> {
  const [found] = await clickHouse.query<ArchivedRange>(
    `SELECT count() AS rowCount, uniqExact(log_offset) AS offsetCount
    FROM events
    WHERE ingest_time >= fromUnixTimestamp64Milli({since:Int64})
      AND log_partition = {partition:UInt32} AND log_offset >= {from:UInt64} AND log_offset < {to:UInt64}`,
    { since: timeOf(since), partition, from, to },
  );
  return found ?? { rowCount: 0, offsetCount: 0 };
}

function limitOf(limit: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), LIMIT_MAX);
}

/** Whole milliseconds within what the columns hold. */
export function timeOf(at: number): number {
  return Math.min(Math.max(Math.trunc(at), 0), 2 ** 32 * 1000 - 1);
}

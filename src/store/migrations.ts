/** How long rows are kept, in days. Whole days, at least one. */
export interface RetentionDays {
  readonly events: number;
  /** Hourly sums per token: small, so keep them longer. */
  readonly tokenHours: number;
  readonly findings: number;
  /** Alerts with their deliveries. */
  readonly alerts: number;
}

/**
 * One step of the schema. Its statements can be repeated, also by two processes at once: then no lock is needed that a crash could leave
 * behind. A released migration is never changed; the next one changes what it made.
 *
 * With replication (out of scope so far) every `…MergeTree` becomes `Replicated…MergeTree`, and `non_replicated_deduplication_window` becomes
 * `replicated_deduplication_window` together with `replicated_deduplication_window_seconds`.
 */
export interface Migration {
  readonly id: number;
  readonly title: string;
  readonly statements: (retention: RetentionDays) => readonly string[];
}

/** What a table keeps, for as long as which option says: the time to live is brought in line at every start. */
export const TABLE_LIFETIMES: Readonly<
  Record<string, { readonly option: keyof RetentionDays; readonly from: string }>
> = {
  events: { option: 'events', from: 'toDateTime(ingest_time)' },
  token_hours: { option: 'tokenHours', from: 'hour' },
  findings: { option: 'findings', from: 'toDateTime(ingest_time)' },
  alerts: { option: 'alerts', from: 'toDateTime(updated_at)' },
  deliveries: { option: 'alerts', from: 'toDateTime(at)' },
};

/**
 * How many inserts a table remembers by token; off by default, so it is said. At 30 inserts a second it reaches back for the better part of an
 * hour. And an insert is on the disk before it is acknowledged, since the log's position moves on then: a power cut must not part the two.
 */
const SAFE_INSERTS = 'non_replicated_deduplication_window = 100000, fsync_after_insert = 1, fsync_part_directory = 1';

/** `TTL` expression of a table. */
export function timeToLive(table: string, retention: RetentionDays): string {
  const lifetime = TABLE_LIFETIMES[table];
  if (lifetime === undefined) throw new Error(`no lifetime is given for table ${table}`);
  return `${lifetime.from} + toIntervalDay(${retention[lifetime.option]})`;
}

/**
 * Attackers' texts are plain strings, never `LowCardinality`: that is for the words of this program, of the operator and of ISO. Small tables
 * are not partitioned, so that `ReplacingMergeTree` can merge all of a row's versions.
 */
export const MIGRATIONS: readonly Migration[] = [
  { id: 1, title: 'events and their hourly sums per token', statements: eventStatements },
  { id: 2, title: 'findings', statements: findingStatements },
  { id: 3, title: 'alerts', statements: alertStatements },
  { id: 4, title: 'deliveries', statements: deliveryStatements },
  { id: 5, title: 'shapes of events’ statements', statements: shapeStatements },
  { id: 6, title: 'whether events read whole tables', statements: unboundedStatements },
];

/**
 * Partitioned by the log's time, which is trusted, not by event time, which can be forged. The same day also makes a repeated insert fall into
 * the same partitions, which deduplication needs. The view is made together with its source, since it sees only what is inserted after it.
 */
function eventStatements(retention: RetentionDays): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS events (
      token String CODEC(ZSTD(1)),
      at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      id String CODEC(ZSTD(1)),
      ingest_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      log_partition UInt32,
      log_offset UInt64 CODEC(Delta, ZSTD(1)),
      principal Nullable(String) CODEC(ZSTD(1)),
      address Nullable(String) CODEC(ZSTD(1)),
      database Nullable(String) CODEC(ZSTD(1)),
      operation LowCardinality(Nullable(String)),
      tables Array(String) CODEC(ZSTD(1)),
      statement Nullable(String) CODEC(ZSTD(3)),
      rows Nullable(UInt64) CODEC(T64, ZSTD(1)),
      bytes Nullable(UInt64) CODEC(T64, ZSTD(1)),
      success Nullable(Bool),
      application Nullable(String) CODEC(ZSTD(1)),
      session Nullable(String) CODEC(ZSTD(1)),
      format LowCardinality(String),
      network Nullable(String) CODEC(ZSTD(1)),
      asn Nullable(UInt32) CODEC(ZSTD(1)),
      country LowCardinality(Nullable(String)),
      owner LowCardinality(Nullable(String)),
      environment LowCardinality(Nullable(String))
    ) ENGINE = MergeTree
    PARTITION BY toDate(ingest_time)
    ORDER BY (token, at, id)
    TTL ${timeToLive('events', retention)}
    SETTINGS ${SAFE_INSERTS}, ttl_only_drop_parts = 1`,
    // Sums of 128 bits: a few forged row counts must not make a total wrap round.
    `CREATE TABLE IF NOT EXISTS token_hours (
      token String CODEC(ZSTD(1)),
      hour DateTime('UTC') CODEC(Delta, ZSTD(1)),
      event_count SimpleAggregateFunction(sum, UInt64),
      row_count SimpleAggregateFunction(sum, UInt128),
      byte_count SimpleAggregateFunction(sum, UInt128),
      failure_count SimpleAggregateFunction(sum, UInt64),
      first_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
      last_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
      networks AggregateFunction(uniq, Nullable(String)),
      tables AggregateFunction(uniqArray, Array(String))
    ) ENGINE = AggregatingMergeTree
    PARTITION BY toYYYYMM(hour)
    ORDER BY (token, hour)
    TTL ${timeToLive('token_hours', retention)}
    SETTINGS ${SAFE_INSERTS}`,
    `CREATE MATERIALIZED VIEW IF NOT EXISTS token_hours_view TO token_hours AS
    SELECT
      token,
      toStartOfHour(toDateTime(at, 'UTC')) AS hour,
      count() AS event_count,
      sum(toUInt128(ifNull(rows, 0))) AS row_count,
      sum(toUInt128(ifNull(bytes, 0))) AS byte_count,
      countIf(success = false) AS failure_count,
      min(at) AS first_at,
      max(at) AS last_at,
      uniqState(network) AS networks,
      uniqArrayState(tables) AS tables
    FROM events
    GROUP BY token, hour`,
  ];
}

/** A crash between writing an assessment and remembering it writes it again, under the same ids. */
function findingStatements(retention: RetentionDays): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS findings (
      token String CODEC(ZSTD(1)),
      at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      id String CODEC(ZSTD(1)),
      assessment_id String CODEC(ZSTD(1)),
      episode String CODEC(ZSTD(1)),
      event_id String CODEC(ZSTD(1)),
      opened_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      ingest_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      log_offset UInt64 CODEC(Delta, ZSTD(1)),
      principal Nullable(String) CODEC(ZSTD(1)),
      owner LowCardinality(Nullable(String)),
      environment LowCardinality(Nullable(String)),
      address Nullable(String) CODEC(ZSTD(1)),
      database Nullable(String) CODEC(ZSTD(1)),
      application Nullable(String) CODEC(ZSTD(1)),
      score Float64,
      threshold Float64,
      revoke_threshold Float64,
      detector LowCardinality(String),
      title LowCardinality(String),
      dimension LowCardinality(String),
      severity LowCardinality(String),
      attack Array(LowCardinality(String)),
      trust LowCardinality(String),
      status LowCardinality(String),
      bits Float64,
      contribution Float64,
      evidence String CODEC(ZSTD(3)),
      explanation String CODEC(ZSTD(3))
    ) ENGINE = ReplacingMergeTree
    ORDER BY (token, at, id, assessment_id)
    TTL ${timeToLive('findings', retention)}
    SETTINGS ${SAFE_INSERTS}`,
  ];
}

function alertStatements(retention: RetentionDays): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS alerts (
      id String,
      revision UInt64,
      token String CODEC(ZSTD(1)),
      severity LowCardinality(String),
      opened_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      updated_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      score Float64,
      assessment_count UInt64,
      title LowCardinality(String),
      principal Nullable(String) CODEC(ZSTD(1)),
      owner LowCardinality(Nullable(String)),
      environment LowCardinality(Nullable(String)),
      revocation LowCardinality(String),
      body String CODEC(ZSTD(3))
    ) ENGINE = ReplacingMergeTree(revision)
    ORDER BY id
    TTL ${timeToLive('alerts', retention)}
    SETTINGS ${SAFE_INSERTS}`,
  ];
}

function deliveryStatements(retention: RetentionDays): readonly string[] {
  return [
    `CREATE TABLE IF NOT EXISTS deliveries (
      alert_id String,
      revision UInt64,
      action_id String,
      kind LowCardinality(String),
      token String CODEC(ZSTD(1)),
      target LowCardinality(String),
      reason_code LowCardinality(String),
      reason_text String CODEC(ZSTD(1)),
      decided_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
      state LowCardinality(String),
      detail String CODEC(ZSTD(1)),
      attempt UInt32,
      at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))
    ) ENGINE = MergeTree
    ORDER BY (alert_id, revision, action_id)
    TTL ${timeToLive('deliveries', retention)}
    SETTINGS ${SAFE_INSERTS}`,
  ];
}

function shapeStatements(): readonly string[] {
  return ['ALTER TABLE events ADD COLUMN IF NOT EXISTS shape Nullable(String) CODEC(ZSTD(1)) AFTER statement'];
}

function unboundedStatements(): readonly string[] {
  return ['ALTER TABLE events ADD COLUMN IF NOT EXISTS is_unbounded Nullable(Bool) AFTER shape'];
}

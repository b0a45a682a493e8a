import type { Action, ActionState, Reason, RevocationState } from '../domain/action.ts';
import type { Alert } from '../domain/alert.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Assessment, Finding } from '../domain/finding.ts';
import type { GivenVerdict } from '../domain/verdict.ts';

/** Where a log keeps a record, and since when: ms since the epoch. */
export interface LogPlace {
  readonly partition: number;
  readonly offset: number;
  readonly loggedAt: number;
}

/** An audit event as the events log keeps it. */
export interface LoggedEvent extends LogPlace {
  readonly event: AuditEvent;
}

/** An assessment as the findings log keeps it. */
export interface LoggedAssessment extends LogPlace {
  readonly assessment: Assessment;
}

/** An alert with where its revocation stands. */
export interface StoredAlert {
  readonly alert: Alert;
  /** `null`: not weighed yet. */
  readonly revocation: { readonly state: RevocationState; readonly reason: Reason } | null;
  /** What people have answered, the last one last. Absent: nobody has, or an earlier release wrote it. */
  readonly verdicts?: readonly GivenVerdict[];
}

/** One state of an alert. Of several, the one with the highest `revision` counts: its offset in the ledger. */
export interface AlertRevision extends StoredAlert {
  readonly revision: number;
}

/** One step of an action through its states; `revision` is its offset in the ledger. */
export interface DeliveryChange {
  readonly action: Action;
  readonly state: ActionState;
  readonly detail: string;
  readonly attemptCount: number;
  readonly changedAt: number;
  readonly revision: number;
}

type Cell = string | number | boolean | null | readonly string[];

/** How a table is filled. The cells are in the order of the columns. Never throws: a row that cannot be stored would stop the archive. */
export interface RowFormat<T> {
  readonly table: string;
  readonly columns: readonly string[];
  readonly cells: (item: T) => readonly Cell[];
  /**
   * About how many characters a row takes. Decides where a long insert is cut, and the pieces are named by it: changing it would let an insert
   * that a crash interrupted be taken twice by the release that repeats it.
   */
  readonly weigh: (item: T) => number;
}

/** What is short in every row, at a rough guess. */
const SHORT_CELLS_WEIGHT = 512;
/** A finding's or an alert's row, evidence and all. */
const RECORD_WEIGHT = 8_192;

export const EVENT_ROWS: RowFormat<LoggedEvent> = format<LoggedEvent>(
  'events',
  {
    token: ({ event }) => text(event.token),
    at: ({ event }) => time(event.at),
    id: ({ event }) => text(event.id),
    ingest_time: ({ loggedAt }) => time(loggedAt),
    log_partition: ({ partition }) => count(partition),
    log_offset: ({ offset }) => count(offset),
    principal: ({ event }) => optionalText(event.principal),
    address: ({ event }) => optionalText(event.address),
    database: ({ event }) => optionalText(event.database),
    operation: ({ event }) => optionalText(event.operation),
    tables: ({ event }) => event.tables.map(text),
    statement: ({ event }) => optionalText(event.statement),
    shape: ({ event }) => optionalText(event.shape),
    is_unbounded: ({ event }) => event.isUnbounded,
    rows: ({ event }) => count(event.rows),
    bytes: ({ event }) => count(event.bytes),
    success: ({ event }) => event.success,
    application: ({ event }) => optionalText(event.application),
    session: ({ event }) => optionalText(event.session),
    format: ({ event }) => text(event.format),
    network: ({ event }) => optionalText(event.network),
    asn: ({ event }) => count(event.asn, UINT32_MAX),
    country: ({ event }) => optionalText(event.country),
    owner: ({ event }) => optionalText(event.owner),
    environment: ({ event }) => optionalText(event.environment),
  },
  ({ event: { statement, tables } }) =>
    SHORT_CELLS_WEIGHT + (statement?.length ?? 0) + tables.reduce((sum, table) => sum + table.length, 0),
);

interface LoggedFinding extends LoggedAssessment {
  readonly finding: Finding;
}

export const FINDING_ROWS: RowFormat<LoggedFinding> = format<LoggedFinding>(
  'findings',
  {
    token: ({ assessment }) => text(assessment.token),
    at: ({ assessment }) => time(assessment.at),
    id: ({ finding }) => text(finding.id),
    assessment_id: ({ assessment }) => text(assessment.id),
    episode: ({ assessment }) => text(assessment.episode),
    event_id: ({ assessment }) => text(assessment.eventId),
    opened_at: ({ assessment }) => time(assessment.openedAt),
    ingest_time: ({ loggedAt }) => time(loggedAt),
    log_offset: ({ offset }) => count(offset),
    principal: ({ assessment }) => optionalText(assessment.principal),
    owner: ({ assessment }) => optionalText(assessment.owner),
    environment: ({ assessment }) => optionalText(assessment.environment),
    address: ({ assessment }) => optionalText(assessment.address),
    database: ({ assessment }) => optionalText(assessment.database),
    application: ({ assessment }) => optionalText(assessment.application),
    score: ({ assessment }) => bits(assessment.score),
    threshold: ({ assessment }) => bits(assessment.threshold),
    revoke_threshold: ({ assessment }) => bits(assessment.revokeThreshold),
    detector: ({ finding }) => text(finding.detector),
    title: ({ finding }) => text(finding.title),
    dimension: ({ finding }) => text(finding.dimension),
    severity: ({ finding }) => text(finding.severity),
    attack: ({ finding }) => finding.attack.map(text),
    trust: ({ finding }) => text(finding.trust),
    status: ({ finding }) => text(finding.status),
    bits: ({ finding }) => bits(finding.bits),
    contribution: ({ finding }) => bits(finding.contribution),
    evidence: ({ finding }) => JSON.stringify(finding.evidence),
    explanation: ({ finding }) => text(finding.explanation),
  },
  () => RECORD_WEIGHT,
);

export const ALERT_ROWS: RowFormat<AlertRevision> = format<AlertRevision>(
  'alerts',
  {
    id: ({ alert }) => text(alert.id),
    revision: ({ revision }) => count(revision),
    token: ({ alert }) => text(alert.token),
    severity: ({ alert }) => text(alert.severity),
    opened_at: ({ alert }) => time(alert.openedAt),
    updated_at: ({ alert }) => time(alert.updatedAt),
    score: ({ alert }) => bits(alert.worst.score),
    assessment_count: ({ alert }) => count(alert.assessmentCount),
    title: ({ alert }) => text(alert.worst.findings[0]?.title ?? ''),
    principal: ({ alert }) => optionalText(alert.latest.principal),
    owner: ({ alert }) => optionalText(alert.latest.owner),
    environment: ({ alert }) => optionalText(alert.latest.environment),
    revocation: ({ revocation }) => revocation?.state ?? 'none',
    body: ({ alert, revocation, verdicts = [] }) =>
      JSON.stringify({ alert, revocation, ...(verdicts.length > 0 ? { verdicts } : {}) } satisfies StoredAlert),
  },
  () => RECORD_WEIGHT,
);

export const DELIVERY_ROWS: RowFormat<DeliveryChange> = format<DeliveryChange>(
  'deliveries',
  {
    alert_id: ({ action }) => text(action.alertId),
    revision: ({ revision }) => count(revision),
    action_id: ({ action }) => text(action.id),
    kind: ({ action }) => text(action.kind),
    token: ({ action }) => text(action.token),
    target: ({ action }) => text(action.target),
    reason_code: ({ action }) => text(action.reason.code),
    reason_text: ({ action }) => text(action.reason.text),
    decided_at: ({ action }) => time(action.decidedAt),
    state: ({ state }) => text(state),
    detail: ({ detail }) => text(detail),
    attempt: ({ attemptCount }) => count(attemptCount, UINT32_MAX),
    at: ({ changedAt }) => time(changedAt),
  },
  () => RECORD_WEIGHT,
);

/** One row per finding; an assessment's findings keep their order. */
export function* findingsOf(assessments: Iterable<LoggedAssessment>): Generator<LoggedFinding> {
  for (const logged of assessments) for (const finding of logged.assessment.findings) yield { ...logged, finding };
}

function format<T>(
  table: string,
  cells: Readonly<Record<string, (item: T) => Cell>>,
  weigh: (item: T) => number,
): RowFormat<T> {
  const getters = Object.values(cells);
  return { table, columns: Object.keys(cells), cells: (item) => getters.map((getter) => getter(item)), weigh };
}

const UINT32_MAX = 2 ** 32 - 1;
/** Last millisecond that ClickHouse's 32-bit `DateTime` reaches, in 2106. */
const TIME_MAX = 2 ** 32 * 1000 - 1;

/** ClickHouse refuses half surrogate pairs; they become U+FFFD. */
function text(value: string): string {
  return value.toWellFormed();
}

function optionalText(value: string | null): string | null {
  return value === null ? null : text(value);
}

/** A whole number that its column holds, at the price of the nearest one. `null` for what is no number. */
function count(value: number | null, max = Number.MAX_SAFE_INTEGER): number | null {
  if (value === null || Number.isNaN(value)) return null;
  return Math.min(Math.max(Math.trunc(value), 0), max);
}

/** Milliseconds, as `DateTime64(3)` takes them, held between 1970 and 2106. */
function time(at: number): number {
  return count(at, TIME_MAX) ?? 0;
}

/** JSON knows no infinity: `null` becomes the column's default. */
function bits(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

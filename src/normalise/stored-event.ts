import { type AuditEvent, isOperation, LIMITS } from '../domain/audit-event.ts';
import type { DeadLetterCode } from './format.ts';

/** Why stored bytes are no event. */
export interface Unreadable {
  readonly code: DeadLetterCode;
  readonly reason: string;
}

/** Which record an event comes from, by its id `source/lane/offset`. */
export interface LanePlace {
  /** With its source; empty: the id names none. */
  readonly lane: string;
  /** -1: the id names none. */
  readonly laneOffset: number;
}

/** An event as the events log has it. */
export interface StoredEvent extends AuditEvent, LanePlace {
  /** Offset of its lane up to which all records were settled when it was written, so that a second copy is known as one. */
  readonly settledTo: number | null;
}

/** Whole numbers of so many digits are exact. */
export const OFFSET_DIGITS_MAX = 15;
const ENDS_IN_OFFSET = new RegExp(`/(\\d{1,${OFFSET_DIGITS_MAX}})$`);
const NOWHERE: LanePlace = { lane: '', laneOffset: -1 };

export function lanePlaceIn(id: string): LanePlace {
  const match = ENDS_IN_OFFSET.exec(id);
  return match === null ? NOWHERE : { lane: id.slice(0, match.index), laneOffset: Number(match[1]) };
}

/**
 * An event as our own events log carries it: canonical wire names, and what normalising and enriching added.
 *
 * @param settledTo see `StoredEvent`; `null` where it comes out of order, as when a dead letter is read again
 */
export function encodeStoredEvent(event: AuditEvent, settledTo: number | null): string {
  return JSON.stringify({
    id: event.id,
    settled_to: settledTo ?? undefined,
    time: event.at,
    token: event.token,
    principal: event.principal,
    source_ip: event.address,
    database: event.database,
    operation: event.operation,
    tables: event.tables,
    statement: event.statement,
    shape: event.shape ?? undefined,
    unbounded: event.isUnbounded ?? undefined,
    rows: event.rows,
    bytes: event.bytes,
    success: event.success,
    app: event.application,
    session: event.session,
    format: event.format,
    network: event.network,
    asn: event.asn,
    country: event.country,
    owner: event.owner,
    environment: event.environment,
  });
}

/**
 * Reads a stored event, ours or a foreign canonical topic's. The hottest function there is: plain guards, one object, no schema.
 *
 * @param fallbackId id of an event that carries none: its own coordinates
 */
export function decodeStoredEvent(value: Uint8Array, fallbackId: string): StoredEvent | Unreadable {
  let wire: Record<string, unknown>;
  try {
    wire = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString()) as Record<string, unknown>;
  } catch {
    return { code: 'not-json', reason: 'not JSON' };
  }
  if (typeof wire !== 'object' || wire === null) return { code: 'wrong-shape', reason: 'not a JSON object' };
  const token = wire['token'];
  if (typeof token !== 'string' || token === '') return { code: 'no-token', reason: '"token" must be a text' };
  const time = wire['time'];
  const at = typeof time === 'number' ? time : typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (!Number.isFinite(at)) return { code: 'no-time', reason: '"time" must be an ISO 8601 time' };
  const id = text(wire['id']) ?? fallbackId;
  return {
    id,
    ...lanePlaceIn(id),
    settledTo: count(wire['settled_to']),
    at,
    token,
    principal: text(wire['principal']),
    address: text(wire['source_ip']),
    database: text(wire['database']),
    operation: isOperation(wire['operation']) ? wire['operation'] : null,
    tables: Array.isArray(wire['tables']) ? texts(wire['tables']) : [],
    statement: text(wire['statement']),
    shape: text(wire['shape']),
    isUnbounded: flag(wire['unbounded']),
    rows: count(wire['rows']),
    bytes: count(wire['bytes']),
    success: flag(wire['success']),
    application: text(wire['app']),
    session: text(wire['session']),
    format: text(wire['format']) ?? 'canonical',
    network: text(wire['network']),
    asn: count(wire['asn']),
    country: text(wire['country']),
    owner: text(wire['owner']),
    environment: text(wire['environment']),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function flag(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

function count(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : null;
}

function texts(values: readonly unknown[]): readonly string[] {
  if (values.length <= LIMITS.tablesMax && values.every((value) => typeof value === 'string'))
    return values as readonly string[];
  return values.filter((value) => typeof value === 'string').slice(0, LIMITS.tablesMax);
}

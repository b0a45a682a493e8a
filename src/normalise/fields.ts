import ipaddr from 'ipaddr.js';
import { LIMITS, TRUNCATION_MARK } from '../domain/audit-event.ts';

/** Control and invisible formatting characters, line separators, halves of characters: they forge lines and disguise names. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const REPLACEMENT = '\uFFFD';

/** Cuts a text to `charsMax` characters, the mark that says so included; never through the middle of a character. */
export function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return `${text.slice(0, charsMax - TRUNCATION_MARK.length).replace(/[\uD800-\uDBFF]$/, '')}${TRUNCATION_MARK}`;
}

/**
 * A name as it may be kept and shown. What cannot be printed is replaced, not removed, so that two different names stay different.
 *
 * @returns `null` for what is no text, and for an empty one
 */
export function nameOf(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  // Cut before cleaning as well: a name of a megabyte is not worth reading.
  return cut(value.slice(0, 2 * LIMITS.nameCharsMax).replace(UNPRINTABLE, REPLACEMENT), LIMITS.nameCharsMax);
}

/**
 * A token. Unlike other names, one that is too long keeps a hash of all of it at its end: signed tokens of one issuer begin alike, and two
 * tokens must never become one.
 */
export function tokenOf(value: unknown): string | null {
  const name = nameOf(value);
  if (name === null || typeof value !== 'string' || value.length <= LIMITS.nameCharsMax) return name;
  const ending = `#${hashOf(value)}${TRUNCATION_MARK}`;
  return `${name.slice(0, LIMITS.nameCharsMax - ending.length).replace(/[\uD800-\uDBFF]$/, '')}${ending}`;
}

/** 64 bits of FNV-1a (two of 32 with different beginnings). Tells texts apart; keeps nothing secret. */
function hashOf(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x050c5d1f;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ (code + i), 0x01000193);
  }
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}

/** Table names: lower case, each once, at most `LIMITS.tablesMax`. */
export function tablesOf(names: Iterable<string>): readonly string[] {
  const tables = new Set<string>();
  for (const name of names) {
    if (tables.size === LIMITS.tablesMax) break;
    const table = nameOf(name.slice(0, 2 * LIMITS.nameCharsMax).toLowerCase());
    if (table !== null) tables.add(table);
  }
  return [...tables];
}

/** A number of things: whole, not negative, exact. Digits as text count as well, as logs without types write them. */
export function countOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : null;
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?([A-Za-z]{1,8}|[+-]\d\d(?::?\d\d)?)?$/;
const UTC_NAMES: ReadonlySet<string> = new Set(['Z', 'UTC', 'GMT', 'UCT']);

export type ReadTime = { readonly at: number } | { readonly reason: string };

/**
 * A time with its zone: ISO 8601 (`2026-09-07T09:14:00.123Z`, `…+02:00`) or as PostgreSQL writes it (`2026-09-07 09:14:00.123 UTC`).
 *
 * @returns ms since the epoch, or why not. Names of zones other than UTC are refused: `IST` alone is three of them.
 */
export function timeOf(value: unknown): ReadTime {
  const match = typeof value === 'string' && value.length <= 64 ? TIME.exec(value) : null;
  if (match === null) return { reason: 'no ISO 8601 time such as 2026-09-07T09:14:00.123Z' };
  const zone = match[8];
  if (zone === undefined) return { reason: 'without a time zone; write times in UTC, ending in Z' };
  const offsetMinutes = offsetOf(zone);
  if (offsetMinutes === null) {
    return { reason: 'in a time zone whose name is ambiguous; write times in UTC (PostgreSQL: log_timezone = UTC)' };
  }
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as Six;
  const milliseconds = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000);
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, Math.min(second, 59), milliseconds));
  const exists =
    local.getUTCMonth() === month - 1 && local.getUTCDate() === day && hour < 24 && minute < 60 && second <= 60;
  const at = local.getTime() - offsetMinutes * 60_000;
  if (!exists || year < 1970 || at < 0) return { reason: 'no time there ever was since 1970' };
  return { at };
}

type Six = [number, number, number, number, number, number];

/** Minutes ahead of UTC, or `null` for a name that does not say. */
function offsetOf(zone: string): number | null {
  if (UTC_NAMES.has(zone.toUpperCase())) return 0;
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (match === null) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const IPV4_WITH_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/;
const BRACKETED = /^\[([^\]]+)\](?::\d{1,5})?$/;
const ADDRESS_CHARS_MAX = 80;

/**
 * A client's address in canonical text: IPv4, or IPv6 compressed and in lower case. A port or an interface is left away, and IPv4 in the guise
 * of IPv6 is IPv4.
 *
 * @returns `null` for what is no address: a host's name, `[local]`, octal or shortened forms that tools read differently
 */
export function addressOf(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > ADDRESS_CHARS_MAX) return null;
  const bare = (BRACKETED.exec(value)?.[1] ?? IPV4_WITH_PORT.exec(value)?.[1] ?? value).replace(/%.*$/, '');
  if (IPV4.test(bare)) return ipaddr.IPv4.isValidFourPartDecimal(bare) ? ipaddr.IPv4.parse(bare).toString() : null;
  return ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare).toString() : null;
}

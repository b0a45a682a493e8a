import { isOperation, LIMITS, type Operation } from '../domain/audit-event.ts';
import { ByteReader, textAt } from './byte-reader.ts';
import { decodeStoredEvent, type StoredEvent, type Unreadable } from './stored-event.ts';

/**
 * Reads a stored event as `decodeStoredEvent` does, for the detect stage, in a fraction of the time: goes over the bytes as
 * `encodeStoredEvent` writes them and makes only what every detector looks at. The other texts are made when they are asked for, so the
 * bytes must stay for as long as the event. Whatever looks different in any way is left to `decodeStoredEvent`.
 *
 * @param fallbackId id of an event that carries none
 */
export function scanStoredEvent(value: Buffer, fallbackId: () => string): StoredEvent | Unreadable {
  return (beginsAsOurs(value) ? scan(value) : undefined) ?? decodeStoredEvent(value, fallbackId());
}

/** Verdicts and notices stand among the events: V8 throws away what it compiled for events when these go through it too. */
function beginsAsOurs(value: Buffer): boolean {
  for (let i = 0; i < KEYS.id.length; i++) if (value[i] !== KEYS.id[i]) return false;
  return true;
}

const reader = new ByteReader();
const key = (name: string, before = ',') => Buffer.from(`${before}"${name}":`);
const KEYS = {
  id: key('id', '{'),
  settledTo: key('settled_to'),
  time: key('time'),
  token: key('token'),
  principal: key('principal'),
  address: key('source_ip'),
  database: key('database'),
  operation: key('operation'),
  tables: key('tables'),
  statement: key('statement'),
  shape: key('shape'),
  unbounded: key('unbounded'),
  rows: key('rows'),
  bytes: key('bytes'),
  success: key('success'),
  application: key('app'),
  session: key('session'),
  format: key('format'),
  network: key('network'),
  asn: key('asn'),
  country: key('country'),
  owner: key('owner'),
  environment: key('environment'),
} as const;
const END = Buffer.from('}');

function scan(value: Buffer): StoredEvent | undefined {
  reader.start(value);
  const event = new ScannedEvent(value);
  event.id = requiredText(KEYS.id);
  event.settledTo = reader.skipIf(KEYS.settledTo) ? reader.count() : null;
  event.at = countOf(KEYS.time) ?? Number.NaN;
  event.token = requiredText(KEYS.token);
  event.principalAt = placeOf(KEYS.principal);
  event.addressAt = placeOf(KEYS.address);
  event.database = nameOf(KEYS.database);
  event.operation = operationIn(nameOf(KEYS.operation));
  reader.skip(KEYS.tables);
  event.tables = reader.names();
  event.statementAt = placeOf(KEYS.statement);
  event.shape = reader.skipIf(KEYS.shape) ? reader.name() : null;
  event.isUnbounded = reader.skipIf(KEYS.unbounded) ? reader.flag() : null;
  event.rows = countOf(KEYS.rows);
  event.bytes = countOf(KEYS.bytes);
  reader.skip(KEYS.success);
  event.success = reader.flag();
  event.application = nameOf(KEYS.application);
  event.sessionAt = placeOf(KEYS.session);
  event.formatAt = placeOf(KEYS.format);
  event.network = nameOf(KEYS.network);
  event.asn = countOf(KEYS.asn);
  event.country = nameOf(KEYS.country);
  event.ownerAt = placeOf(KEYS.owner);
  event.environmentAt = placeOf(KEYS.environment);
  reader.skip(END);
  const isOurs = !reader.failed && reader.atEnd() && event.token !== '' && !Number.isNaN(event.at);
  return isOurs && event.tables.length <= LIMITS.tablesMax ? event : undefined;
}

function requiredText(name: Uint8Array): string {
  reader.skip(name);
  const text = reader.text();
  if (text === null) reader.failed = true;
  return text ?? '';
}

function nameOf(key: Uint8Array): string | null {
  reader.skip(key);
  return reader.name();
}

function operationIn(text: string | null): Operation | null {
  return isOperation(text) ? text : null;
}

function countOf(name: Uint8Array): number | null {
  reader.skip(name);
  return reader.count();
}

function placeOf(name: Uint8Array): number {
  reader.skip(name);
  return reader.skipText();
}

/** An event over its bytes: `…At` is where a text begins. */
class ScannedEvent implements StoredEvent {
  /** V8 forgets a shape that nothing has, and all code compiled for it, whenever it collects garbage between two batches: one must live. */
  static readonly kept = new ScannedEvent(Buffer.alloc(0));
  id = '';
  settledTo: number | null = null;
  at = Number.NaN;
  token = '';
  database: string | null = null;
  operation: Operation | null = null;
  tables: readonly string[] = [];
  shape: string | null = null;
  isUnbounded: boolean | null = null;
  rows: number | null = null;
  bytes: number | null = null;
  success: boolean | null = null;
  application: string | null = null;
  network: string | null = null;
  asn: number | null = null;
  country: string | null = null;
  principalAt = 0;
  addressAt = 0;
  statementAt = 0;
  sessionAt = 0;
  formatAt = 0;
  ownerAt = 0;
  environmentAt = 0;
  readonly #value: Buffer;

  constructor(value: Buffer) {
    this.#value = value;
  }

  get principal(): string | null {
    return textAt(this.#value, this.principalAt);
  }

  get address(): string | null {
    return textAt(this.#value, this.addressAt);
  }

  get statement(): string | null {
    return textAt(this.#value, this.statementAt);
  }

  get session(): string | null {
    return textAt(this.#value, this.sessionAt);
  }

  get format(): string {
    return textAt(this.#value, this.formatAt) ?? 'canonical';
  }

  get owner(): string | null {
    return textAt(this.#value, this.ownerAt);
  }

  get environment(): string | null {
    return textAt(this.#value, this.environmentAt);
  }
}

import { isOperation, LIMITS, type Operation } from '../domain/audit-event.ts';
import { ByteReader, isDigit, Phrase, textAt, ZERO } from './byte-reader.ts';
import { internedText } from './interned.ts';
import { decodeStoredEvent, OFFSET_DIGITS_MAX, type StoredEvent, type Unreadable } from './stored-event.ts';

/**
 * Reads a stored event as `decodeStoredEvent` does, for the detect stage, in a fraction of the time: goes over the bytes as
 * `encodeStoredEvent` writes them and makes only what every detector looks at. The other texts are made when they are asked for, so the
 * bytes must stay for as long as the event. Whatever looks different in any way is left to `decodeStoredEvent`.
 *
 * @param fallbackId id of an event that carries none
 */
export function scanStoredEvent(value: Buffer, fallbackId: () => string): StoredEvent | Unreadable {
  reader.start(value);
  // Verdicts and notices stand among the events: V8 throws away what it compiled for events when these go through it too.
  return (reader.skipIf(KEYS.id) ? scanFromId(value) : undefined) ?? decodeStoredEvent(value, fallbackId());
}

const reader = new ByteReader();
const key = (name: string, before = ',') => new Phrase(`${before}"${name}":`);
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
const SLASH = 0x2f;

function scanFromId(value: Buffer): StoredEvent | undefined {
  const event = new ScannedEvent(value);
  readId(event, value);
  event.settledTo = reader.skipIf(KEYS.settledTo) ? reader.count() : null;
  event.at = countOf(KEYS.time) ?? Number.NaN;
  reader.skip(KEYS.token);
  event.token = reader.text();
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
  const isOurs = !reader.failed && reader.atEnd() && event.token !== '' && !Number.isNaN(event.at);
  return isOurs && event.tables.length <= LIMITS.tablesMax ? event : undefined;
}

/** `source/lane/offset`, as `lanePlaceIn` does: lanes repeat, and ids are asked for only when there is something to tell. */
function readId(event: ScannedEvent, value: Buffer): void {
  event.idAt = reader.skipPlainText();
  const end = reader.at - 1;
  let slash = end - 1;
  let offset = 0;
  let worth = 1;
  for (let byte = value[slash]; isDigit(byte); byte = value[--slash], worth *= 10) offset += worth * (byte - ZERO);
  const digits = end - 1 - slash;
  if (digits === 0 || digits > OFFSET_DIGITS_MAX || value[slash] !== SLASH) return;
  event.lane = internedText(value, event.idAt + 1, slash);
  event.laneOffset = offset;
}

function nameOf(key: Phrase): string | null {
  reader.skip(key);
  return reader.name();
}

function operationIn(text: string | null): Operation | null {
  return isOperation(text) ? text : null;
}

function countOf(name: Phrase): number | null {
  reader.skip(name);
  return reader.count();
}

function placeOf(name: Phrase): number {
  reader.skip(name);
  return reader.skipText();
}

/** An event over its bytes: `…At` is where a text begins. */
class ScannedEvent implements StoredEvent {
  /** V8 forgets a shape that nothing has, and all code compiled for it, whenever it collects garbage between two batches: one must live. */
  static readonly kept = new ScannedEvent(Buffer.alloc(0));
  lane = '';
  laneOffset = -1;
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
  idAt = 0;
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

  get id(): string {
    return textAt(this.#value, this.idAt) ?? '';
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

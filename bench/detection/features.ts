import { DAY_MS, HOUR_MS, hourOf, MINUTE_MS } from '../../src/baseline/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';

// What the peers see of an event, in this order, all from the token's own past and the event itself:
//
// - ln(1 + events of the token in the last minute, 10 minutes, hour, day), this one included
// - ln(1 + rows) and ln(1 + bytes): of the event, and of the last hour
// - ln(1 + distinct tables in the last hour)
// - sine and cosine of the hour of the day (UTC); whether it is Saturday or Sunday
// - ln(1 + seconds since the token's last event)
// - for table, operation, network, database and hour of the day: the logarithm of how often the token had used it, and whether it is new. Of
//   several tables the rarest counts. What the source does not say is neither rare nor new, and nothing is new to a token that has no past.
//
// Networks (/24, /48) stand for addresses: exact ones would make every peer alarm at every change of a lease.

const SPANS_MS = [MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, DAY_MS];
const HOUR_SPAN = SPANS_MS.indexOf(HOUR_MS);

const ASPECTS = ['table', 'operation', 'network', 'database', 'hour'] as const;

export const FEATURES = [
  ...['1 min', '10 min', '1 h', '1 d'].map((span) => `events ${span}`),
  'rows',
  'rows 1 h',
  'bytes',
  'bytes 1 h',
  'tables 1 h',
  'hour sine',
  'hour cosine',
  'weekend',
  'pause',
  ...ASPECTS.map((aspect) => `frequency ${aspect}`),
  ...ASPECTS.map((aspect) => `new ${aspect}`),
];

/** Where a feature stands in a row. */
export function columnOf(name: string): number {
  const column = FEATURES.indexOf(name);
  if (column < 0) throw new Error(`no feature is called "${name}"`);
  return column;
}

/** One row an event, in the log's order. */
export class Features {
  readonly #values: Float32Array;

  constructor(events: readonly AuditEvent[]) {
    this.#values = new Float32Array(events.length * FEATURES.length);
    const pasts = new Map<string, Past>();
    for (const [index, event] of events.entries()) {
      const past = pasts.get(event.token) ?? new Past();
      pasts.set(event.token, past);
      this.#values.set(past.observe(event), index * FEATURES.length);
    }
  }

  row(index: number): Float32Array {
    return this.#values.subarray(index * FEATURES.length, (index + 1) * FEATURES.length);
  }
}

/** A token's events until now. */
class Past {
  readonly #events: AuditEvent[] = [];
  /** Where in `#events` each span begins. */
  readonly #begins = SPANS_MS.map(() => 0);
  readonly #tablesInHour = new Map<string, number>();
  #rowsInHour = 0;
  #bytesInHour = 0;
  readonly #uses = ASPECTS.map(() => new Map<string | number, number>());
  readonly #useCounts = ASPECTS.map(() => 0);

  observe(event: AuditEvent): readonly number[] {
    const pauseMs = event.at - (this.#events.at(-1)?.at ?? event.at);
    this.#events.push(event);
    this.#count(event, 1);
    for (const [span, spanMs] of SPANS_MS.entries()) this.#forget(span, event.at - spanMs);
    const angle = ((event.at % DAY_MS) / DAY_MS) * 2 * Math.PI;
    const day = new Date(event.at).getUTCDay();
    const uses = ASPECTS.map((_, aspect) => this.#use(aspect, valuesOf(event)[aspect] as readonly (string | number)[]));
    return [
      ...this.#begins.map((begin) => Math.log1p(this.#events.length - begin)),
      Math.log1p(event.rows ?? 0),
      Math.log1p(this.#rowsInHour),
      Math.log1p(event.bytes ?? 0),
      Math.log1p(this.#bytesInHour),
      Math.log1p(this.#tablesInHour.size),
      Math.sin(angle),
      Math.cos(angle),
      day === 0 || day === 6 ? 1 : 0,
      Math.log1p(pauseMs / 1000),
      ...uses.map(({ frequency }) => frequency),
      ...uses.map(({ isNew }) => (isNew ? 1 : 0)),
    ];
  }

  #forget(span: number, until: number): void {
    let begin = this.#begins[span] as number;
    for (; (this.#events[begin] as AuditEvent).at <= until; begin++) {
      if (span === HOUR_SPAN) this.#count(this.#events[begin] as AuditEvent, -1);
    }
    this.#begins[span] = begin;
  }

  #count({ rows, bytes, tables }: AuditEvent, sign: 1 | -1): void {
    this.#rowsInHour += sign * (rows ?? 0);
    this.#bytesInHour += sign * (bytes ?? 0);
    for (const table of tables) {
      const count = (this.#tablesInHour.get(table) ?? 0) + sign;
      if (count === 0) this.#tablesInHour.delete(table);
      else this.#tablesInHour.set(table, count);
    }
  }

  #use(aspect: number, values: readonly (string | number)[]): { readonly frequency: number; readonly isNew: boolean } {
    const uses = this.#uses[aspect] as Map<string | number, number>;
    const before = this.#useCounts[aspect] as number;
    if (values.length === 0) return { frequency: 0, isNew: false };
    const rarest = Math.min(...values.map((value) => uses.get(value) ?? 0));
    for (const value of values) uses.set(value, (uses.get(value) ?? 0) + 1);
    this.#useCounts[aspect] = before + 1;
    return { frequency: Math.log((rarest + 0.5) / (before + 1)), isNew: rarest === 0 && before > 0 };
  }
}

/** In the order of `ASPECTS`. */
function valuesOf(event: AuditEvent): readonly (readonly (string | number)[])[] {
  const { tables, operation, network, database, at } = event;
  const known = (value: string | null) => (value === null ? [] : [value]);
  return [tables, known(operation), known(network), known(database), [hourOf(at) % 24]];
}

import type { AuditEvent } from '../domain/audit-event.ts';
import type { Trust } from '../domain/trust.ts';

/** A raw record as a source delivered it: bytes and where they stood. */
export interface RawRecord {
  /** Coordinates, the same on every replay: `source/partition/offset`. */
  readonly id: string;
  readonly value: Uint8Array;
}

/**
 * What became of raw records. Every record given to a normaliser is settled by exactly one outcome, sooner or (for formats that
 * write several records per statement) later; until then it counts as not yet taken.
 */
export type Outcome =
  | { readonly kind: 'event'; readonly event: AuditEvent; readonly settles: readonly string[] }
  /** Dropped by a named rule: well formed, but not an access (a checkpoint message, a session end). */
  | { readonly kind: 'ignored'; readonly rule: string; readonly settles: readonly string[] }
  | {
      readonly kind: 'dead-letter';
      readonly code: DeadLetterCode;
      readonly reason: string;
      readonly settles: readonly string[];
    };

export const DEAD_LETTER_CODES = [
  'not-json',
  'not-utf8',
  'too-large',
  'too-deep',
  'wrong-shape',
  'no-token',
  'no-time',
  'unknown-kind',
] as const;
export type DeadLetterCode = (typeof DEAD_LETTER_CODES)[number];

/** Turns one source's records into audit events. Bad input is an outcome; nothing in here throws. */
export interface Normaliser {
  /** Takes one record; returns whatever is settled now, possibly older records, possibly nothing yet. */
  push(record: RawRecord): readonly Outcome[];
  /** Settles everything still held back, because no more input is to be waited for. */
  flush(): readonly Outcome[];
}

/** One audit-log format: one file in `formats/`, found on disk, held to the laws of `test/conformance/formats.test.ts`. */
export interface Format {
  /** Equals the file's name. */
  readonly id: string;
  readonly title: string;
  /** Where such records come from and which settings of the source are needed; shown in the generated docs. */
  readonly description: string;
  /** How far each field can be believed; a field not named is `claimed`. */
  readonly trust: Readonly<Partial<Record<keyof AuditEvent, Trust>>>;
  /** Real or composed records with what must come of them, enrichment fields aside. Documentation and test at once. */
  readonly samples: readonly FormatSample[];
  open(): Normaliser;
}

export interface FormatSample {
  readonly name: string;
  readonly records: readonly string[];
  readonly expect: readonly (
    | { readonly kind: 'event'; readonly event: Partial<AuditEvent> }
    | { readonly kind: 'ignored'; readonly rule: string }
    | { readonly kind: 'dead-letter'; readonly code: DeadLetterCode }
  )[];
}

import type { Field, RecordView } from '../baseline/record.ts';
import type { RolledBack } from './rollback.ts';

/** What every record begins with: how far it is true, and how long the token is known. */
export interface TokenHeader {
  /** Offset of the last event applied, or -1. An event at or below it has been applied already. */
  stamp: number;
  /** Ms since the epoch, event time; 0 before the first event. */
  firstSeenAt: number;
  lastSeenAt: number;
  eventCount: number;
  /** Day (since the epoch, UTC) whose maxima are being kept. */
  day: number;
}

/** How long a token is known and how suspicious it is. */
export interface TokenSummary {
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly eventCount: number;
  /** What was put back of its baseline. */
  readonly rolledBack: RolledBack;
  /** Evidence each detector has summed up now, bits, and the days its calibration rests on. */
  readonly suspicions: readonly { readonly detector: string; readonly sum: number; readonly days: number }[];
}

/** 40 bytes. The stamp is stored plus one, so that an empty record reads as -1. */
export function tokenHeader(): Field<TokenHeader> {
  return { kind: 'token-header', version: 1, sizeBytes: 40, open: (view, offset) => new Header(view, offset) };
}

class Header implements TokenHeader {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  #read(index: number): number {
    return this.#view.f64[((this.#view.base + this.#offset) >> 3) + index] ?? 0;
  }

  #write(index: number, value: number): void {
    this.#view.f64[((this.#view.base + this.#offset) >> 3) + index] = value;
  }

  get stamp(): number {
    return this.#read(0) - 1;
  }
  set stamp(offset: number) {
    this.#write(0, offset + 1);
  }
  get firstSeenAt(): number {
    return this.#read(1);
  }
  set firstSeenAt(at: number) {
    this.#write(1, at);
  }
  get lastSeenAt(): number {
    return this.#read(2);
  }
  set lastSeenAt(at: number) {
    this.#write(2, at);
  }
  get eventCount(): number {
    return this.#read(3);
  }
  set eventCount(count: number) {
    this.#write(3, count);
  }
  get day(): number {
    return this.#read(4);
  }
  set day(day: number) {
    this.#write(4, day);
  }
}

/** The stamp in a copy of a record: the header is what every record begins with. */
export function stampIn(record: Uint8Array): number {
  return new DataView(record.buffer, record.byteOffset).getFloat64(0, true) - 1;
}

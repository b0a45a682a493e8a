import type { Field, RecordView } from './record.ts';

export interface TimestampRead {
  /** Ms since the epoch; 0: never. */
  readonly value: number;
}

export interface TimestampWrite extends TimestampRead {
  /** Moves forward only: late events do not turn it back. Not weighted: that something happened is a fact. */
  advance(at: number): void;
}

/** The latest time at which something happened. 8 bytes. */
export function timestamp(): Field<TimestampRead, TimestampWrite> {
  return { kind: 'timestamp', version: 1, sizeBytes: 8, open: (view, offset) => new Timestamp(view, offset) };
}

class Timestamp implements TimestampWrite {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get value(): number {
    return this.#view.f64[(this.#view.base + this.#offset) >> 3] ?? 0;
  }

  advance(at: number): void {
    if (at > this.value) this.#view.f64[(this.#view.base + this.#offset) >> 3] = at;
  }
}

import type { Fact, Tellable } from './facts.ts';
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
  const open = (view: RecordView, offset: number) => new Timestamp(view, offset);
  return { kind: 'timestamp', version: 1, isFact: true, sizeBytes: 8, open };
}

class Timestamp implements TimestampWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get value(): number {
    return this.#view.f64[(this.#view.base + this.#offset) >> 3] ?? 0;
  }

  facts(): readonly Fact[] {
    return this.value === 0 ? [] : [{ what: '', value: new Date(this.value).toISOString() }];
  }

  advance(at: number): void {
    if (at > this.value) this.#view.f64[(this.#view.base + this.#offset) >> 3] = at;
  }
}

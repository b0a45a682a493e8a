import { aboutText, type Fact, type Tellable } from './facts.ts';
import type { Field, RecordView } from './record.ts';

export interface CounterRead {
  readonly value: number;
}

export interface CounterWrite extends CounterRead {
  /** Adds `amount`, weighted by how much of the event is learned. */
  add(amount?: number): void;
}

/** A running total. 8 bytes. */
export function counter(): Field<CounterRead, CounterWrite> {
  return { kind: 'counter', version: 1, sizeBytes: 8, open: (view, offset) => new Counter(view, offset) };
}

class Counter implements CounterWrite, Tellable {
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
    return this.value < 0.5 ? [] : [{ what: '', value: aboutText(this.value) }];
  }

  add(amount = 1): void {
    const at = (this.#view.base + this.#offset) >> 3;
    this.#view.f64[at] = (this.#view.f64[at] ?? 0) + amount * this.#view.weight;
  }
}

import type { RecordView } from '../baseline/record.ts';

/** Times of a token's record, one after the other, ms since the epoch; 0: never. For what is seldom asked. */
export class StoredTimes {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  protected read(index: number): number {
    return this.#view.f64[((this.#view.base + this.#offset) >> 3) + index] ?? 0;
  }

  protected write(index: number, at: number): void {
    this.#view.f64[((this.#view.base + this.#offset) >> 3) + index] = at;
  }
}

import type { RecordView } from './record.ts';

/** Word 0 is the place that gives way next; a trace is never 0, which marks an empty place. */
const HEADER_WORDS = 1;

/**
 * Names that found no place any more, as 16 bits of their hash each: whether one of them was known, and nothing else. The one kept longest gives way.
 * Of two thousand unknown names, one is taken for one of 31 that are kept. `2 + 2 × capacity` bytes, a part of another field.
 */
export class NameTraces {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #capacity: number;

  constructor(view: RecordView, offset: number, capacity: number) {
    this.#view = view;
    this.#offset = offset;
    this.#capacity = capacity;
  }

  static sizeBytes(capacity: number): number {
    return 2 * (HEADER_WORDS + capacity);
  }

  get count(): number {
    const { u16 } = this.#view;
    const first = this.#first;
    return u16.subarray(first, first + this.#capacity).reduce((count, trace) => (trace === 0 ? count : count + 1), 0);
  }

  has(hash: number): boolean {
    return this.#find(hash) >= 0;
  }

  /** Takes a name out: it has found a place again. @returns whether it was there */
  take(hash: number): boolean {
    const place = this.#find(hash);
    if (place >= 0) this.#view.u16[place] = 0;
    return place >= 0;
  }

  add(hash: number): void {
    const { u16 } = this.#view;
    const first = this.#first;
    const next = u16[first - 1] as number;
    u16[first + next] = traceOf(hash);
    u16[first - 1] = (next + 1) % this.#capacity;
  }

  get #first(): number {
    return ((this.#view.base + this.#offset) >> 1) + HEADER_WORDS;
  }

  #find(hash: number): number {
    const { u16 } = this.#view;
    const first = this.#first;
    const trace = traceOf(hash);
    for (let place = first; place < first + this.#capacity; place++) if (u16[place] === trace) return place;
    return -1;
  }
}

function traceOf(hash: number): number {
  return hash >>> 16 || 1;
}

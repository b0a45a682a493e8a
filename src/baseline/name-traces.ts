import type { Fact, Tellable } from './facts.ts';
import { aligned, type Field, type RecordView } from './record.ts';

export interface NameTracesRead {
  /** Whether this is one of the names. @param hash keyed hash of it, as `hashName` gives it */
  has(hash: number): boolean;
}

export interface NameTracesWrite extends NameTracesRead {
  /** Takes a name out: it has found a place again. @returns whether it was there */
  take(hash: number): boolean;
  add(hash: number): void;
}

/** Word 0 is the place that gives way next; a trace is never 0, which marks an empty place. */
const HEADER_WORDS = 1;

/**
 * The owner's names that found no place any more in a `seenSet`, as 16 bits of their hash each: whether a name is one of them, and nothing else. The one
 * kept longest gives way. Of two thousand unknown names, one is taken for one of 31 that are kept. `2 + 2 × capacity` bytes, rounded up.
 */
export function nameTraces(options: { readonly capacity: number }): Field<NameTracesRead, NameTracesWrite> {
  return {
    kind: 'name-traces',
    version: 1,
    sizeBytes: aligned(2 * (HEADER_WORDS + options.capacity)),
    open: (view, offset) => new NameTraces(view, offset, options.capacity),
  };
}

class NameTraces implements NameTracesWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #capacity: number;

  constructor(view: RecordView, offset: number, capacity: number) {
    this.#view = view;
    this.#offset = offset;
    this.#capacity = capacity;
  }

  facts(): readonly Fact[] {
    const first = this.#first;
    const count = this.#view.u16.subarray(first, first + this.#capacity).filter((trace) => trace !== 0).length;
    return count === 0 ? [] : [{ what: 'known besides, no longer by name', value: String(count) }];
  }

  has(hash: number): boolean {
    return this.#find(hash) >= 0;
  }

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

import type { Field, RecordView } from '../baseline/record.ts';

/**
 * Which of a token's sums may be above 0, a bit a detector, in the order in which they are installed. Most are not, and to look at each of them is to wait for as many places
 * in memory at every event. A bit may be set in vain, never missing.
 */
export interface OpenSums {
  bits: number;
}

/** Whatever the sums are. */
export const ANY_OPEN = 0xffffffff;
/** Those who come after so many are always looked at. */
export const BITS = 32;

/** 8 bytes, of which the last four are free. */
export function openSums(): Field<OpenSums> {
  return { kind: 'open-sums', version: 1, sizeBytes: 8, open: (view, offset) => new StoredBits(view, offset) };
}

class StoredBits implements OpenSums {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get bits(): number {
    return this.#view.u32[(this.#view.base + this.#offset) >> 2] ?? 0;
  }
  set bits(bits: number) {
    this.#view.u32[(this.#view.base + this.#offset) >> 2] = bits;
  }
}

import { hashName } from './hash.ts';
import type { Field, RecordView } from './record.ts';

export interface LatestNamesRead {
  /** Whether it is one of the names that came last. Of thirty others, one may pass for it. */
  has(name: string): boolean;
}

export interface LatestNamesWrite extends LatestNamesRead {
  add(name: string): void;
}

const PLACES = 8;
const HASH_BITS = 8;

/** The eight names that came last, whoever's they were, so that what is repeated counts once. 8 bytes: hashes u8, latest first. */
export function latestNames(): Field<LatestNamesRead, LatestNamesWrite> {
  return { kind: 'latest-names', version: 1, sizeBytes: PLACES, open: (view, offset) => new Latest(view, offset) };
}

class Latest implements LatestNamesWrite {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  has(name: string): boolean {
    return this.#placeOf(this.#hashOf(name)) < PLACES;
  }

  add(name: string): void {
    const { u8 } = this.#view;
    const first = this.#first;
    const hash = this.#hashOf(name);
    const place = Math.min(PLACES - 1, this.#placeOf(hash));
    u8.copyWithin(first + 1, first, first + place);
    u8[first] = hash;
  }

  get #first(): number {
    return this.#view.base + this.#offset;
  }

  #placeOf(hash: number): number {
    const { u8 } = this.#view;
    const first = this.#first;
    let place = 0;
    while (place < PLACES && u8[first + place] !== hash) place += 1;
    return place;
  }

  /** Never 0, which marks an empty place. */
  #hashOf(name: string): number {
    return hashName(name, this.#view.hashSeed) >>> (32 - HASH_BITS) || 1;
  }
}

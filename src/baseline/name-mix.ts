import type { Fact, NameOf, Tellable } from './facts.ts';
import { hashName } from './hash.ts';
import type { Field, RecordView } from './record.ts';
import { dayOf } from './time.ts';

export interface NameMixRead {
  /** Uses learned so far, the latest `USES_MAX` at most, fading with a half-life of `HALF_LIFE_DAYS`. */
  readonly observations: number;
  /**
   * Probability that the owner's next name is this one, of `nameCount` (above the capacity) that there are: its share of all uses, smoothed by as
   * many uses, spread evenly, as there were names so far (Witten and Bell 1991: who has used many will use another). Names that are not counted share
   * what is left alike, and none is rarer.
   */
  probability(name: string, nameCount: number): number;
  /**
   * How much likelier the name is from a stranger than from the owner, in bits. The stranger turns to it with `strangerShare`, or does as the owner does,
   * every other time: so nothing speaks for the owner by more than one bit, and what speaks against is not more, on the owner's own days, than
   * what speaks for. Who has begun with a name goes on with it, owner and stranger alike, so what is among the latest uses says little.
   */
  strangeness(name: string, strangerShare: number, nameCount: number): number;
}

export interface NameMixWrite extends NameMixRead {
  add(name: string, at: number): void;
}

/** How many uses the latest ones are. */
const LATEST = 8;
/** How often the next name is one of the latest, whatever else is usual. */
const GOES_ON = 0.1;
const HALF_LIFE_DAYS = 45;
/** What is known of the mix is its latest few hundred uses: with a year's in the scales, a release would look strange for weeks. */
const USES_MAX = 400;
const KEPT_USES = 320;
const HEADER_BYTES = 24;
const ENTRY_BYTES = 8;
const NOBODY = 0xff;
/** Shares are told in twentieths. */
const TOLD_STEPS = 20;

/**
 * In which proportions a token uses names (tables, operations). The ones used most have a count each; a name that finds no place takes that of
 * the least used, whose uses stay in the total. `24 + 8 × capacity` bytes.
 *
 * Layout: total f32, size u16, day u16, then the places of the latest names u8 × 8, their next u32, names begun f32, then entries of hash u32, uses f32.
 */
export function nameMix(options: { readonly capacity: number }): Field<NameMixRead, NameMixWrite> {
  return {
    kind: 'name-mix',
    version: 1,
    sizeBytes: HEADER_BYTES + ENTRY_BYTES * options.capacity,
    open: (view, offset) => new NameMix(view, offset, options.capacity),
  };
}

class NameMix implements NameMixWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #capacity: number;

  constructor(view: RecordView, offset: number, capacity: number) {
    this.#view = view;
    this.#offset = offset;
    this.#capacity = capacity;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get observations(): number {
    return this.#view.f32[this.#at] ?? 0;
  }

  /** Names that were begun with, those that lost their place counted anew. */
  get #begun(): number {
    return this.#view.f32[this.#at + 5] ?? 0;
  }

  get #size(): number {
    return this.#view.u16[2 * this.#at + 2] ?? 0;
  }

  probability(name: string, nameCount: number): number {
    return this.#probability(this.#placeOf(name), nameCount);
  }

  strangeness(name: string, strangerShare: number, nameCount: number): number {
    const place = this.#placeOf(name);
    const goesOn = (GOES_ON * this.#latestCount(place)) / LATEST;
    const stranger = (1 - GOES_ON) * strangerShare + goesOn;
    const owner = (1 - GOES_ON) * this.#probability(place, nameCount) + goesOn;
    return Math.log2((1 + stranger / owner) / 2);
  }

  #probability(place: number, nameCount: number): number {
    // A name that has just been given a place was used before, uncounted: nobody is rarer than those who have none.
    const uncounted = this.#uncounted / (nameCount - this.#size);
    const uses = place < 0 ? uncounted : Math.max(uncounted, this.#uses(place));
    const begun = this.#begun;
    return (uses + begun / nameCount) / (this.observations + begun);
  }

  facts(nameOf: NameOf): readonly Fact[] {
    const { observations } = this;
    if (observations === 0) return [];
    const shares = Array.from({ length: this.#size }, (_, place) => ({
      name: nameOf(this.#view.u32[this.#entry(place)] as number),
      steps: Math.round((TOLD_STEPS * this.#uses(place)) / observations),
    }));
    const told = shares.filter(({ steps }) => steps > 0);
    return [
      { what: 'shares', value: told.map(({ name, steps }) => `${name} ${(100 * steps) / TOLD_STEPS} %`) },
      { what: 'rarer', value: shares.filter(({ steps }) => steps === 0).map(({ name }) => name) },
    ];
  }

  /** Uses among the last `LATEST`, whoever's they were. */
  #latestCount(place: number): number {
    if (place < 0) return 0;
    const { u8 } = this.#view;
    const first = 4 * this.#at + 8;
    let count = 0;
    for (let i = first; i < first + LATEST; i++) if (u8[i] === place + 1) count += 1;
    return count;
  }

  add(name: string, at: number): void {
    this.#fade(dayOf(at));
    const { f32, weight } = this.#view;
    const hash = hashName(name, this.#view.hashSeed);
    let place = this.#find(hash);
    if (place < 0) {
      place = this.#claim(hash);
      f32[this.#at + 5] = this.#begun + weight;
    }
    f32[this.#entry(place) + 1] = this.#uses(place) + weight;
    f32[this.#at] = this.observations + weight;
    this.#noteLatest(place);
    if (this.observations > USES_MAX) this.#scale(KEPT_USES / USES_MAX);
  }

  /** Uses of names that have no count of their own. */
  get #uncounted(): number {
    // While there is room, each has its count.
    const size = this.#size;
    if (size < this.#capacity) return 0;
    let counted = 0;
    for (let place = 0; place < size; place++) counted += this.#uses(place);
    return Math.max(0, this.observations - counted);
  }

  /** Places are kept plus one, so that an empty record has none. */
  #noteLatest(place: number): void {
    const { u8, u32 } = this.#view;
    const next = u32[this.#at + 4] ?? 0;
    u8[4 * this.#at + 8 + (next % LATEST)] = place + 1;
    u32[this.#at + 4] = (next + 1) % LATEST;
  }

  #placeOf(name: string): number {
    return this.#find(hashName(name, this.#view.hashSeed));
  }

  #find(hash: number): number {
    const { u32 } = this.#view;
    const first = this.#entry(0);
    const size = this.#size;
    for (let place = 0; place < size; place++) if (u32[first + 2 * place] === hash) return place;
    return -1;
  }

  /** A free place, or that of the least used name. */
  #claim(hash: number): number {
    const { u8, u16, u32, f32 } = this.#view;
    const size = this.#size;
    let place = size;
    if (size < this.#capacity) u16[2 * this.#at + 2] = size + 1;
    else {
      place = 0;
      for (let i = 1; i < size; i++) if (this.#uses(i) < this.#uses(place)) place = i;
      for (let i = 4 * this.#at + 8; i < 4 * this.#at + 8 + LATEST; i++) if (u8[i] === place + 1) u8[i] = NOBODY;
    }
    u32[this.#entry(place)] = hash;
    f32[this.#entry(place) + 1] = 0;
    return place;
  }

  #entry(place: number): number {
    return this.#at + HEADER_BYTES / 4 + 2 * place;
  }

  #uses(place: number): number {
    return this.#view.f32[this.#entry(place) + 1] ?? 0;
  }

  /** Halves all counts every `HALF_LIFE_DAYS`: habits change. */
  #fade(day: number): void {
    const { u16 } = this.#view;
    const before = u16[2 * this.#at + 3] ?? 0;
    if (day <= before) return;
    u16[2 * this.#at + 3] = day;
    if (before === 0) return;
    this.#scale(2 ** (-(day - before) / HALF_LIFE_DAYS));
  }

  #scale(factor: number): void {
    const { f32 } = this.#view;
    f32[this.#at] = this.observations * factor;
    f32[this.#at + 5] = this.#begun * factor;
    for (let place = 0; place < this.#size; place++) f32[this.#entry(place) + 1] = this.#uses(place) * factor;
  }
}

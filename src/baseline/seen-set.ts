import { dayText, type Fact, type NameOf, oftenText, type Tellable } from './facts.ts';
import { hashName } from './hash.ts';
import type { NameTracesRead, NameTracesWrite } from './name-traces.ts';
import type { Answerable, Field, RecordView } from './record.ts';
import { dayOf } from './time.ts';

/**
 * `known`: the owner's. `fresh`: seen, but so far on one day only, or in suspicious or very few events: neither news nor proof of the owner,
 * since whoever uses a stolen token makes names known too. `new`: never seen, or forgotten.
 */
export type Standing = 'known' | 'fresh' | 'new';

export interface SeenSetRead {
  /** Distinct names remembered. */
  readonly size: number;
  /** Names offered so far, fading with a half-life of `HALF_LIFE_DAYS`. */
  readonly observations: number;
  /** How many of them were new to the token, but for the very first. */
  readonly novelties: number;
  /** @param traces of the owner's names that found no place any more */
  standing(name: string, traces?: NameTracesRead): Standing;
  /**
   * Probability that the owner's next name is a new one: the share of new ones so far, smoothed as if `priorWeight` observations with a
   * share of `priorRate` had gone before.
   */
  noveltyRate(priorRate: number, priorWeight: number): number;
  /**
   * How much likelier a name of this standing is from a stranger than from the owner, in bits: a stranger's next name is new with `strangerRate`. 0 for
   * one that is neither new nor known; never below `BITS_MIN`, since an event takes no more back.
   */
  strangeness(standing: Standing, rates: NoveltyRates): number;
  /** That of a name as it stands; `undefined` for the first ever, which has no owner to differ from. */
  novelty(name: string, rates: NoveltyRates): number | undefined;
}

/** What is taken for granted about novelty: a stranger's, and an owner's of whom nothing is known yet. */
export interface NoveltyRates {
  readonly strangerRate: number;
  readonly priorRate: number;
  /** How many observations the owner's is worth. */
  readonly priorWeight: number;
}

export interface SeenSetWrite extends SeenSetRead {
  /** @param traces takes in what has to make room, and gives back what is used again */
  add(name: string, at: number, traces?: NameTracesWrite): void;
}

const HEADER_BYTES = 16;
const ENTRY_BYTES = 8;
/** One use of a name in an unsuspicious event; suspicious ones count less, in steps of 1/USE. */
const USE = 32;
const USES_MAX = 0xffff;
/** Uses after which a name is the owner's. */
const KNOWN_USES = 3 * USE;
/** What is more suspicious than this makes no name the owner's: a thief who goes on past midnight is the same thief. */
const KNOWN_WEIGHT_MIN = 0.5;
const HALF_LIFE_DAYS = 45;
/** A pause longer than this is no habit of using other names. */
const SLEEP_DAYS = 14;
const BITS_MIN = -1;
const RATIO_MIN = 2 ** BITS_MIN;

/**
 * The names (tables, networks) a token has used, with how often and how lately, and how often it uses a new one. Bounded: past
 * `capacity` the name used longest ago goes. Who lives on more names comes back to each, and that must not pass for a habit of using new ones: for that, keep
 * `nameTraces` beside it. `16 + 8 × capacity` bytes.
 *
 * Layout: observations f32, novelties f32, size u32, day u16, first day u16, then entries of hash u32, day u16, uses u16.
 */
export function seenSet(options: {
  readonly capacity: number;
  readonly forgetAfterDays: number;
}): Field<SeenSetRead, SeenSetWrite> {
  return {
    kind: 'seen-set',
    version: 1,
    sizeBytes: HEADER_BYTES + ENTRY_BYTES * options.capacity,
    open: (view, offset) => new SeenSet(view, offset, options.capacity, options.forgetAfterDays),
  };
}

class SeenSet implements SeenSetWrite, Answerable, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #capacity: number;
  readonly #forgetAfterDays: number;
  /** Where a name was found last: who asks how it stands adds it next. */
  #lastEntry = 0;

  constructor(view: RecordView, offset: number, capacity: number, forgetAfterDays: number) {
    this.#view = view;
    this.#offset = offset;
    this.#capacity = capacity;
    this.#forgetAfterDays = forgetAfterDays;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get size(): number {
    return this.#view.u32[this.#at + 2] ?? 0;
  }

  get observations(): number {
    return this.#view.f32[this.#at] ?? 0;
  }

  get novelties(): number {
    return this.#view.f32[this.#at + 1] ?? 0;
  }

  standing(name: string, traces?: NameTracesRead): Standing {
    const hash = hashName(name, this.#view.hashSeed);
    const entry = this.#find(hash);
    if (entry < 0) return traces?.has(hash) ? 'known' : 'new';
    if (this.#isForgotten(entry)) return 'new';
    return this.#uses(entry) >= KNOWN_USES ? 'known' : 'fresh';
  }

  noveltyRate(priorRate: number, priorWeight: number): number {
    return (this.novelties + priorRate * priorWeight) / (this.observations + priorWeight);
  }

  strangeness(standing: Standing, { strangerRate, priorRate, priorWeight }: NoveltyRates): number {
    if (standing === 'fresh') return 0;
    const ownRate = this.noveltyRate(priorRate, priorWeight);
    if (standing === 'new') return Math.log2(strangerRate / ownRate);
    const ratio = (1 - strangerRate) / (1 - ownRate);
    // Nearly always: a logarithm for every name of every event is much.
    return ratio <= RATIO_MIN ? BITS_MIN : Math.log2(ratio);
  }

  novelty(name: string, rates: NoveltyRates): number | undefined {
    return this.observations === 0 ? undefined : this.strangeness(this.standing(name), rates);
  }

  add(name: string, at: number, traces?: NameTracesWrite): void {
    const { f32, weight } = this.#view;
    const hash = hashName(name, this.#view.hashSeed);
    let entry = this.#find(hash);
    if (entry >= 0 && this.#isAgain(entry, at)) return;
    const isFirst = this.size === 0;
    const isBack = entry < 0 && traces !== undefined && traces.take(hash);
    const isNew = !isBack && (entry < 0 || this.#isForgotten(entry));
    this.#fade(dayOf(at));
    if (entry < 0) entry = this.#claim(traces);
    if (isBack) this.#write(entry, hash, KNOWN_USES);
    if (isNew) {
      this.#write(entry, hash, 0);
      // The first name of all is new whatever the owner's habits: it says nothing about them.
      if (!isFirst) f32[this.#at + 1] = (f32[this.#at + 1] ?? 0) + weight;
    }
    f32[this.#at] = (f32[this.#at] ?? 0) + weight;
    this.#write(entry, hash, this.#usesAfter(entry, at), dayOf(at));
  }

  accept(): void {
    const { u16 } = this.#view;
    for (let place = 0; place < this.size; place++) {
      const entry = this.#entryAt(place);
      if (!this.#isForgotten(entry)) u16[2 * entry + 3] = Math.max(this.#uses(entry), KNOWN_USES);
    }
  }

  /** That of a name is the day of its last use: one that was fresh before the day and was used on it goes too. */
  forgetSince(day: number): void {
    const { u32 } = this.#view;
    for (let place = this.size - 1; place >= 0; place--) {
      const entry = this.#entryAt(place);
      if (this.#uses(entry) >= KNOWN_USES || this.#day(entry) < day) continue;
      const last = this.#entryAt(this.size - 1);
      u32.copyWithin(entry, last, last + ENTRY_BYTES / 4);
      u32.fill(0, last, last + ENTRY_BYTES / 4);
      u32[this.#at + 2] = this.size - 1;
    }
  }

  facts(nameOf: NameOf): readonly Fact[] {
    if (this.size === 0) return [];
    const kept = Array.from({ length: this.size }, (_, place) => this.#entryAt(place)).filter(
      (entry) => !this.#isForgotten(entry),
    );
    const names = (isKnown: boolean) =>
      kept
        .filter((entry) => this.#uses(entry) >= KNOWN_USES === isKnown)
        .map((entry) => nameOf(this.#view.u32[entry] as number));
    return [
      { what: 'known', value: names(true) },
      { what: 'fresh, not known yet', value: names(false) },
      { what: 'new ones', value: oftenText(this.novelties, this.observations) },
      { what: 'watched since', value: dayText(this.#firstDay) },
    ];
  }

  #entryAt(place: number): number {
    return this.#at + HEADER_BYTES / 4 + (ENTRY_BYTES / 4) * place;
  }

  /** Counts a name of the owner's that was used today, which is what nearly every event does. @returns whether it is one */
  #isAgain(entry: number, at: number): boolean {
    const { f32, u16, weight } = this.#view;
    const day = dayOf(at);
    const uses = u16[2 * entry + 3] as number;
    if (weight !== 1 || uses < KNOWN_USES || day !== u16[2 * entry + 2] || day !== u16[2 * this.#at + 6]) return false;
    f32[this.#at] = (f32[this.#at] as number) + 1;
    u16[2 * entry + 3] = Math.min(USES_MAX, uses + USE);
    return true;
  }

  /** However busy its first day, a name is not the owner's before the next, unless the owner is new too; nor by suspicious uses alone. */
  #usesAfter(entry: number, at: number): number {
    const { weight } = this.#view;
    const uses = this.#uses(entry);
    const day = dayOf(at);
    const isFirstDay = (uses === 0 || day <= this.#day(entry)) && day > this.#firstDay;
    const staysFresh = uses < KNOWN_USES && (isFirstDay || weight < KNOWN_WEIGHT_MIN);
    return Math.min(staysFresh ? KNOWN_USES - 1 : USES_MAX, uses + Math.max(1, Math.round(weight * USE)));
  }

  /** Index of the entry with this hash, in 32-bit words, or -1. A few dozen words in a row: cheaper than any index. */
  #find(hash: number): number {
    const u32 = this.#view.u32;
    const first = this.#at + HEADER_BYTES / 4;
    const end = first + 2 * (u32[this.#at + 2] as number);
    const last = this.#lastEntry;
    if (last >= first && last < end && u32[last] === hash) return last;
    for (let i = first; i < end; i += 2) {
      if (u32[i] !== hash) continue;
      this.#lastEntry = i;
      return i;
    }
    return -1;
  }

  /** A free entry, or the one used longest ago (the less used of two such). */
  #claim(traces?: NameTracesWrite): number {
    const first = this.#at + HEADER_BYTES / 4;
    const size = this.size;
    if (size < this.#capacity) {
      this.#view.u32[this.#at + 2] = size + 1;
      return first + 2 * size;
    }
    let oldest = first;
    for (let i = first + 2; i < first + 2 * size; i += 2) {
      const dayDifference = this.#day(i) - this.#day(oldest);
      if (dayDifference < 0 || (dayDifference === 0 && this.#uses(i) < this.#uses(oldest))) oldest = i;
    }
    if (this.#uses(oldest) >= KNOWN_USES && !this.#isForgotten(oldest)) traces?.add(this.#view.u32[oldest] as number);
    return oldest;
  }

  #write(entry: number, hash: number, uses: number, day = 0): void {
    this.#view.u32[entry] = hash;
    this.#view.u16[2 * entry + 2] = Math.max(this.#day(entry), day);
    this.#view.u16[2 * entry + 3] = uses;
  }

  get #firstDay(): number {
    return this.#view.u16[2 * this.#at + 7] ?? 0;
  }

  #day(entry: number): number {
    return this.#view.u16[2 * entry + 2] ?? 0;
  }

  #uses(entry: number): number {
    return this.#view.u16[2 * entry + 3] ?? 0;
  }

  /** Not used for so long while others were: nothing is forgotten while the token sleeps. */
  #isForgotten(entry: number): boolean {
    return (this.#view.u16[2 * this.#at + 6] ?? 0) - this.#day(entry) > this.#forgetAfterDays;
  }

  /** Halves the two counts every `HALF_LIFE_DAYS`, so that the rate of novelty follows the token's present habits. */
  #fade(day: number): void {
    const { f32, u16 } = this.#view;
    const before = u16[2 * this.#at + 6] ?? 0;
    if (day <= before) return;
    u16[2 * this.#at + 6] = day;
    if (before === 0) {
      u16[2 * this.#at + 7] = day;
      return;
    }
    if (day - before > SLEEP_DAYS) this.#sleptFor(day - before);
    const factor = 2 ** (-(day - before) / HALF_LIFE_DAYS);
    f32[this.#at] = (f32[this.#at] ?? 0) * factor;
    f32[this.#at + 1] = (f32[this.#at + 1] ?? 0) * factor;
  }

  /** Days on which nothing was used make no name older than another. Today is one more, on which none was used yet. */
  #sleptFor(days: number): void {
    const { u16 } = this.#view;
    const first = this.#at + HEADER_BYTES / 4;
    for (let entry = first; entry < first + 2 * this.size; entry += 2) u16[2 * entry + 2] = this.#day(entry) + days - 1;
  }
}

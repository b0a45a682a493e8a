import type { Fact, Tellable } from './facts.ts';
import type { Answerable, Field, RecordView } from './record.ts';
import type { NoveltyRates, Standing } from './seen-set.ts';
import { dayOf } from './time.ts';

export interface KindSetRead {
  /** Events of any kind so far. */
  readonly observations: number;
  /** As of a name in a `seenSet`: `fresh` is what was begun lately, by whomever. */
  standing(kind: number): Standing;
  /** Kinds that are known, lowest first. */
  knownKinds(): readonly number[];
  /** How much likelier a kind that is new is from a stranger than from the owner, in bits: as of a name in a `seenSet`. */
  strangeness(rates: NoveltyRates): number;
}

export interface KindSetWrite extends KindSetRead {
  add(kind: number, at: number): void;
}

const DAYS_AT = 3;
/** A pause longer than this is no habit of doing other things: as with names in a `seenSet`. */
const SLEEP_DAYS = 14;
/** What is more suspicious than this makes no kind the owner's. */
const KNOWN_WEIGHT_MIN = 0.5;

/**
 * Which of a few kinds of things a token does: a `seenSet` of names that are numbers. A kind is the owner's from the second day on that it is done, and
 * is forgotten after so many days on which only others were. Layout: observations f32, fresh u16 (a bit a kind), day u16 of the latest use of each.
 */
export function kindSet(options: {
  /** What each is called, lowest first. At most 16. */
  readonly kinds: readonly string[];
  readonly forgetAfterDays: number;
}): Field<KindSetRead, KindSetWrite> {
  const { kinds, forgetAfterDays } = options;
  return {
    kind: `kind-set/${kinds.length}`,
    version: 1,
    sizeBytes: (2 * (DAYS_AT + kinds.length) + 7) & ~7,
    open: (view, offset) => new KindSet(view, offset, kinds, forgetAfterDays),
  };
}

class KindSet implements KindSetWrite, Answerable, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #kinds: readonly string[];
  readonly #forgetAfterDays: number;

  constructor(view: RecordView, offset: number, kinds: readonly string[], forgetAfterDays: number) {
    this.#view = view;
    this.#offset = offset;
    this.#kinds = kinds;
    this.#forgetAfterDays = forgetAfterDays;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 1;
  }

  get observations(): number {
    return this.#view.f32[this.#at >> 1] as number;
  }

  standing(kind: number): Standing {
    const { u16 } = this.#view;
    const at = this.#at;
    if (u16[at + DAYS_AT + kind] === 0) return 'new';
    return ((u16[at + 2] as number) >> kind) & 1 ? 'fresh' : 'known';
  }

  knownKinds(): readonly number[] {
    return this.#kindsThatAre('known');
  }

  #kindsThatAre(standing: Standing): readonly number[] {
    return [...this.#kinds.keys()].filter((kind) => this.standing(kind) === standing);
  }

  facts(): readonly Fact[] {
    if (this.observations === 0) return [];
    const names = (standing: Standing) => this.#kindsThatAre(standing).map((kind) => this.#kinds[kind] as string);
    return [
      { what: 'known', value: names('known') },
      { what: 'fresh, not known yet', value: names('fresh') },
    ];
  }

  strangeness({ strangerRate, priorRate, priorWeight }: NoveltyRates): number {
    // The first kind of all is new whatever the owner's habits.
    const novelties = Math.max(0, this.knownKinds().length - 1);
    return Math.log2((strangerRate * (this.observations + priorWeight)) / (novelties + priorRate * priorWeight));
  }

  add(kind: number, at: number): void {
    const { f32, u16, weight } = this.#view;
    const first = this.#at;
    const day = Math.max(1, dayOf(at));
    const before = u16[first + DAYS_AT + kind] as number;
    // Nearly always: what the token does all day.
    if (before < day) this.#begin(kind, day);
    f32[first >> 1] = (f32[first >> 1] as number) + weight;
  }

  accept(): void {
    this.#view.u16[this.#at + 2] = 0;
  }

  /** That of a kind is the day of its last use, as that of a name in a `seenSet`. */
  forgetSince(day: number): void {
    const { u16 } = this.#view;
    const first = this.#at;
    for (const kind of this.#kindsThatAre('fresh')) {
      if ((u16[first + DAYS_AT + kind] as number) < day) continue;
      u16[first + DAYS_AT + kind] = 0;
      u16[first + 2] = (u16[first + 2] as number) & ~(1 << kind);
    }
  }

  /** A kind's first use on a day. */
  #begin(kind: number, day: number): void {
    const { u16, weight } = this.#view;
    const first = this.#at;
    const bit = 1 << kind;
    this.#wake(day);
    this.#forget();
    const standing = this.standing(kind);
    // The first use ever has no owner to differ from.
    if (standing === 'new' && this.observations > 0) u16[first + 2] = (u16[first + 2] as number) | bit;
    else if (standing === 'fresh' && weight >= KNOWN_WEIGHT_MIN) u16[first + 2] = (u16[first + 2] as number) & ~bit;
    u16[first + DAYS_AT + kind] = day;
  }

  /** A token that slept has used no others meanwhile: the days of what it did before move by as many. */
  #wake(day: number): void {
    const { u16 } = this.#view;
    const first = this.#at + DAYS_AT;
    const last = this.#lastDay();
    if (last === 0 || day - last <= SLEEP_DAYS) return;
    for (let i = first; i < first + this.#kinds.length; i++) if (u16[i] !== 0) u16[i] = (u16[i] as number) + day - last;
  }

  /** What was not done for long before the last day of use. */
  #forget(): void {
    const { u16 } = this.#view;
    const first = this.#at + DAYS_AT;
    const last = this.#lastDay();
    for (let i = first; i < first + this.#kinds.length; i++)
      if (last - (u16[i] as number) > this.#forgetAfterDays) u16[i] = 0;
  }

  #lastDay(): number {
    const { u16 } = this.#view;
    const first = this.#at + DAYS_AT;
    let last = 0;
    for (let i = first; i < first + this.#kinds.length; i++) last = Math.max(last, u16[i] as number);
    return last;
  }
}

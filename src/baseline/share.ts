import { type Fact, oftenText, type Tellable } from './facts.ts';
import type { Field, RecordView } from './record.ts';
import type { NoveltyRates } from './seen-set.ts';

export interface ShareRead {
  /** Occasions on which it happened or did not, the latest `OCCASIONS_MAX` at most. */
  readonly occasions: number;
  /** On how many of them it happened. */
  readonly times: number;
  /**
   * How much likelier it is from a stranger than from the owner that it happens now, or does not, in bits: a stranger does it with `strangerRate`, the
   * owner as often as so far. That nothing happens takes little back, never adds, and is told without a logarithm: it is nearly every event.
   */
  strangeness(happens: boolean, rates: NoveltyRates): number;
}

export interface ShareWrite extends ShareRead {
  add(happens: boolean): void;
}

const OCCASIONS_MAX = 1 << 17;
/** log₂ x is at most so many times x − 1. */
const BITS_PER_SHARE = Math.LOG2E;

/** On what share of its occasions something happens. 8 bytes: occasions f32, times f32. */
export function share(): Field<ShareRead, ShareWrite> {
  return { kind: 'share', version: 1, sizeBytes: 8, open: (view, offset) => new Share(view, offset) };
}

class Share implements ShareWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get occasions(): number {
    return this.#view.f32[this.#at] as number;
  }

  get times(): number {
    return this.#view.f32[this.#at + 1] as number;
  }

  strangeness(happens: boolean, { strangerRate, priorRate, priorWeight }: NoveltyRates): number {
    const ownRate = (this.times + priorRate * priorWeight) / (this.occasions + priorWeight);
    if (happens) return Math.log2(strangerRate / ownRate);
    return ownRate >= strangerRate ? 0 : (BITS_PER_SHARE * (ownRate - strangerRate)) / (1 - ownRate);
  }

  facts(): readonly Fact[] {
    return this.occasions === 0 ? [] : [{ what: '', value: oftenText(this.times, this.occasions) }];
  }

  add(happens: boolean): void {
    const { f32, weight } = this.#view;
    const at = this.#at;
    const occasions = (f32[at] as number) + weight;
    f32[at] = occasions;
    if (happens) f32[at + 1] = (f32[at + 1] as number) + weight;
    if (occasions <= OCCASIONS_MAX) return;
    // Old habits fade, and what is added stays large enough to count.
    f32[at] = occasions / 2;
    f32[at + 1] = (f32[at + 1] as number) / 2;
  }
}

import type { Fact, Tellable } from './facts.ts';
import type { Answerable, Field, RecordView } from './record.ts';
import { dayOf, SECOND_MS } from './time.ts';

export interface PeakRead {
  /** The highest of the values until now, less what time has taken of it. */
  of(at: number): number;
}

export interface PeakWrite extends PeakRead {
  /** Takes a value above 0 in, if it is higher. */
  raise(value: number, at: number): void;
}

/** How high something was lately: half of it is forgotten in `halfLifeMs`. 8 bytes: value f32, when it was reached u32 (seconds since the epoch). */
export function peak(options: { readonly halfLifeMs: number }): Field<PeakRead, PeakWrite> {
  const open = (view: RecordView, offset: number) => new Peak(view, offset, options.halfLifeMs);
  return { kind: 'peak', version: 1, sizeBytes: 8, open };
}

class Peak implements PeakWrite, Answerable, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;
  readonly #halfLifeMs: number;

  constructor(view: RecordView, offset: number, halfLifeMs: number) {
    this.#view = view;
    this.#offset = offset;
    this.#halfLifeMs = halfLifeMs;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get #reachedAt(): number {
    return (this.#view.u32[this.#at + 1] as number) * SECOND_MS;
  }

  of(at: number): number {
    const value = this.#view.f32[this.#at] as number;
    // Nearly always.
    if (value === 0) return 0;
    return value * 2 ** (-Math.max(0, at - this.#reachedAt) / this.#halfLifeMs);
  }

  raise(value: number, at: number): void {
    if (value <= this.of(at)) return;
    const reachedAt = Math.max(at, this.#reachedAt);
    this.#view.f32[this.#at] = value;
    this.#view.u32[this.#at + 1] = Math.floor(reachedAt / SECOND_MS);
  }

  accept(): void {
    // Whoever it was, it was so high.
  }

  forgetSince(day: number): void {
    if (dayOf(this.#reachedAt) < day) return;
    this.#view.f32[this.#at] = 0;
    this.#view.u32[this.#at + 1] = 0;
  }

  /** For a moment only: nothing that is usual. */
  facts(): readonly Fact[] {
    return [];
  }
}

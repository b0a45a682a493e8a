import { binOf, emptyBins } from '../baseline/day-tail.ts';
import type { Field, RecordView } from '../baseline/record.ts';
import type { Slab } from '../baseline/slab.ts';
import type { TokenHeader } from './header.ts';
import { isYoung } from './sweep.ts';

/**
 * How high a token's fused sum gets today, and got on its last day of use.
 *
 * Layout: the fleet's day in which that day ended u32, today's maximum f32, the bin of that day's u8.
 */
export interface ClosedDay {
  /** Number of the fleet's day in which the token's ended; 0 before the first did. */
  readonly turn: number;
  readonly bin: number;
  observe(size: number): void;
  /** Ends today. */
  close(turn: number): void;
}

/** 16 bytes. */
export function closedDay(): Field<ClosedDay> {
  return { kind: 'closed-day', version: 1, sizeBytes: 16, open: (view, offset) => new Day(view, offset) };
}

class Day implements ClosedDay {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get #at(): number {
    return (this.#view.base + this.#offset) >> 2;
  }

  get turn(): number {
    return this.#view.u32[this.#at] ?? 0;
  }

  get bin(): number {
    return this.#view.u8[this.#view.base + this.#offset + 8] ?? 0;
  }

  observe(size: number): void {
    const { f32 } = this.#view;
    if (size > (f32[this.#at + 1] ?? 0)) f32[this.#at + 1] = size;
  }

  close(turn: number): void {
    const { u8, u32, f32, base } = this.#view;
    u8[base + this.#offset + 8] = binOf(f32[this.#at + 1] ?? 0);
    u32[this.#at] = turn;
    f32[this.#at + 1] = 0;
  }
}

/**
 * Counts the tokens' days that ended in one of the fleet's, by bin. Anyone can invent tokens: only those count that have cost real time.
 *
 * @param header of the record that the slab points at, as `closed` is
 */
export function daysOf(
  slab: Pick<Slab, 'slots' | 'point'>,
  header: TokenHeader,
  closed: ClosedDay,
  turn: number,
): Uint32Array {
  const days = emptyBins();
  for (const slot of slab.slots()) {
    slab.point(slot);
    if (closed.turn === turn && !isYoung(header)) days[closed.bin] = (days[closed.bin] as number) + 1;
  }
  return days;
}

import type { Slab } from '../baseline/slab.ts';
import type { TokenHeader } from './header.ts';
import { isYoung, type Sweep, stampMaxOf, sweepWorthwhile } from './sweep.ts';

export interface PlacesOptions {
  readonly slab: Slab;
  /** Of the record that the slab points at. */
  readonly header: TokenHeader;
  readonly tokensMax: number;
  /** Whether that record is relied on by somebody, and must not be forgotten however young it is. */
  readonly isKept: () => boolean;
  /** The token in this slot is about to lose its place. */
  readonly onForget: (slot: number) => void;
}

/** Which tokens have a place in a partition's slab, and which have to give theirs up when it is full: see `Sweep`. */
export class Places {
  readonly #options: PlacesOptions;
  /** Tokens without a place whose records are still in the log. */
  readonly #forgotten = new Set<string>();
  #youngCount = 0;
  #last: Sweep | undefined;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Tokens to be deleted from the log. */
  get forgottenCount(): number {
    return this.#forgotten.size;
  }

  /** Whether the token at hand may be forgotten for others. */
  get isYoung(): boolean {
    return isYoung(this.#options.header) && !this.#options.isKept();
  }

  /** Points at the token's record, a new one if need be. `false`: there is no place. */
  admit(token: string): boolean {
    const { slab } = this.#options;
    const before = slab.tokenCount;
    if (!slab.seek(token)) return false;
    this.#youngCount += slab.tokenCount - before;
    return true;
  }

  /** The record at hand has changed, and may be mature now. */
  aged(wasYoung: boolean): void {
    this.#youngCount += Number(this.isYoung) - Number(wasYoung);
  }

  /** Whether an event was before the last sweep: then it is in the records, or its token was forgotten since. */
  isBeforeSweep(offset: number): boolean {
    return this.#last !== undefined && offset < this.#last.offset;
  }

  /**
   * Whether young tokens have to make room before this event can be taken. The engine sees to it; whoever makes records durable calls
   * `plan`, writes everything that came before, then the sweep, and then calls `sweep`, so that a crash changes nothing.
   */
  needsRoom(token: string, offset: number): boolean {
    const { slab, tokensMax } = this.#options;
    if (!slab.isFull || this.isBeforeSweep(offset)) return false;
    return sweepWorthwhile(this.#youngCount, tokensMax) && !slab.find(token);
  }

  /** Makes room where it is needed. For those who keep no log that tokens would have to be deleted from. */
  makeRoom(token: string, offset: number): void {
    if (!this.needsRoom(token, offset)) return;
    this.sweep(this.plan(offset));
    this.takeForgotten();
  }

  /** Which young tokens have to go before the event at `offset`: a function of the events before it and of nothing else. */
  plan(offset: number): Sweep {
    const { slab, header, tokensMax } = this.#options;
    const stamps = new Float64Array(this.#youngCount);
    let count = 0;
    for (const slot of slab.slots()) {
      slab.point(slot);
      if (this.isYoung) stamps[count++] = header.stamp;
    }
    return { offset, stampMax: stampMaxOf(stamps, tokensMax) };
  }

  /** Forgets young tokens. @returns how many they were */
  sweep(sweep: Sweep): number {
    if (this.isBeforeSweep(sweep.offset)) return 0;
    this.#last = sweep;
    const { slab } = this.#options;
    const before = slab.tokenCount;
    for (const slot of slab.slots()) {
      slab.point(slot);
      this.forgetIfSwept();
    }
    return before - slab.tokenCount;
  }

  /** Takes its place from the token at hand if it went with the last sweep: an old record may come late. @returns whether it did */
  forgetIfSwept(): boolean {
    const { header } = this.#options;
    const isSwept = this.#last !== undefined && header.stamp <= this.#last.stampMax && this.isYoung;
    if (isSwept) this.#forget();
    return isSwept;
  }

  /** The log says that a token was forgotten. @returns `false` if it came back since: then its record has to be written once more */
  takeTombstone(token: string): boolean {
    const { slab } = this.#options;
    const isBack = slab.find(token) && this.#last !== undefined && !this.forgetIfSwept();
    if (!isBack && slab.find(token)) this.#forget();
    this.#forgotten.delete(token);
    return !isBack;
  }

  /** Tokens forgotten since the last call; the caller has them deleted from the log before anything else is written. */
  takeForgotten(): readonly string[] {
    const tokens = [...this.#forgotten];
    this.#forgotten.clear();
    return tokens;
  }

  /** Forgets the last sweep: offsets begin anew. */
  reset(): void {
    this.#last = undefined;
  }

  #forget(): void {
    const { slab, onForget } = this.#options;
    const { slot } = slab;
    const token = slab.tokenAt(slot);
    if (this.isYoung) this.#youngCount -= 1;
    onForget(slot);
    slab.drop(slot);
    this.#forgotten.add(token);
  }
}

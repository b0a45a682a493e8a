/**
 * What each detector says of one event, and what they say together. Reused, so that an event allocates nothing. Contributions add up to the
 * score: those to the fused sum are scaled to it, those of certain findings count as they are.
 */
export class Judgement {
  readonly #isCertain: readonly boolean[];
  readonly #bits: Float64Array;
  readonly #contributions: Float64Array;
  #fused = 0;
  #whole = 0;
  #asserted = 0;
  #score = 0;

  /** @param isCertain of each detector, whether it asserts instead of weighing */
  constructor(isCertain: readonly boolean[]) {
    this.#isCertain = isCertain;
    this.#bits = new Float64Array(isCertain.length);
    this.#contributions = new Float64Array(isCertain.length);
  }

  /** Sum of what is news of what was weighed. */
  get fused(): number {
    return this.#fused;
  }

  /** Sum of what was weighed, news or not. */
  get whole(): number {
    return this.#whole;
  }

  get score(): number {
    return this.#score;
  }

  bitsOf(detector: number): number {
    return this.#bits[detector] as number;
  }

  contributionOf(detector: number): number {
    return this.#contributions[detector] as number;
  }

  begin(): void {
    this.#fused = 0;
    this.#whole = 0;
    this.#asserted = 0;
    this.#score = 0;
  }

  /** Takes a detector's opinion of the event; it contributes nothing unless it is weighed or asserted then. */
  hear(detector: number, bits: number): void {
    this.#bits[detector] = bits;
    this.#contributions[detector] = 0;
  }

  /** @param news of the contribution */
  weigh(detector: number, contribution: number, news: number): void {
    this.#contributions[detector] = news;
    this.#fused += news;
    this.#whole += contribution;
  }

  assert(detector: number, contribution: number): void {
    this.#contributions[detector] = contribution;
    this.#asserted += contribution;
    this.#score = this.#asserted;
  }

  /** Ends it, with what all that was weighed is worth. @param bits of the fused sum */
  settle(bits: number): void {
    for (let i = 0; i < this.#contributions.length; i++) {
      if (this.#isCertain[i] === true) continue;
      this.#contributions[i] = ((this.#contributions[i] as number) * bits) / this.#fused;
    }
    this.#score = bits + this.#asserted;
  }

  /**
   * The score if a detector had found nothing.
   *
   * @param worth bits of a fused sum above 0
   */
  without(detector: number, worth: (fused: number) => number): number {
    const contribution = this.#contributions[detector] as number;
    if (this.#isCertain[detector] === true) return this.#score - contribution;
    const settled = this.#score - this.#asserted;
    const fused = settled === 0 ? 0 : this.#fused * (1 - contribution / settled);
    return this.#asserted + (fused > 0 ? worth(fused) : 0);
  }
}

/**
 * The last that was said about each token, in the order of its times. Bounded: past `tokensMax` what was said longest ago goes.
 */
export class TokenBook<T extends { readonly token: string; readonly at: number }> {
  readonly #byToken = new Map<string, T>();
  readonly #tokensMax: number;

  constructor(tokensMax: number) {
    this.#tokensMax = tokensMax;
  }

  about(token: string): T | undefined {
    return this.#byToken.get(token);
  }

  /** Takes what is later than the one before. @returns whether it is */
  take(said: T): boolean {
    const before = this.#byToken.get(said.token);
    if (before !== undefined && before.at >= said.at) return false;
    this.#byToken.delete(said.token);
    this.#byToken.set(said.token, said);
    if (this.#byToken.size > this.#tokensMax) this.#byToken.delete(this.#byToken.keys().next().value ?? '');
    return true;
  }
}

/** Fractions of a session that are kept: whole numbers add up to the same in any order. */
export const STEPS = 64;

/**
 * How often things are used by tokens, in sessions: one token's use of a thing on one day, until another token uses it. So a job that asks every second counts
 * for no more than a person. Things have places, in which whoever keeps them knows which they are.
 */
export class Sessions {
  /** Whose use was counted last, and on which day: the rest of that session counts no more. Keyed hashes. */
  readonly lastUsers: Uint32Array;
  readonly lastDays: Uint16Array;
  /** In steps of 1 / `STEPS`. */
  readonly counts: Uint32Array;

  constructor(placeCount: number) {
    this.lastUsers = new Uint32Array(placeCount);
    this.lastDays = new Uint16Array(placeCount);
    this.counts = new Uint32Array(placeCount);
  }

  /** A token uses a thing. @returns whether a session begins with it */
  take(place: number, user: number, day: number): boolean {
    if (this.lastUsers[place] === user && this.lastDays[place] === day) return false;
    this.lastUsers[place] = user;
    this.lastDays[place] = day;
    this.counts[place] = (this.counts[place] as number) + STEPS;
    return true;
  }

  /** Lets time pass: all counts shrink alike. */
  fade(factor: number): void {
    for (let place = 0; place < this.counts.length; place++)
      this.counts[place] = (this.counts[place] as number) * factor;
  }

  /** Forgets everything, or what is in one place. */
  clear(from = 0, until = this.counts.length): void {
    for (const array of [this.lastUsers, this.lastDays, this.counts]) array.fill(0, from, until);
  }
}

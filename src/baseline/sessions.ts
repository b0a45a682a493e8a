/** Fractions of a session that are kept: whole numbers add up to the same in any order. */
export const STEPS = 64;
/** A table that two busy services share gets there in weeks, and is by far the most used of all by then. */
const COUNT_MAX = 0xffffffff;

/**
 * How often things are used by tokens, in sessions: one token's use of a thing on one day, until another token uses it. So a job that asks every second counts
 * for no more than a person, where nobody else uses the thing meanwhile; what several share counts for as often as they take turns. Things have places, in
 * which whoever keeps them knows which they are.
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

  /** A token uses a thing. @returns by how much its count rises: by `STEPS` when a session begins with it, unless there is no room */
  take(place: number, user: number, day: number): number {
    if (this.lastUsers[place] === user && this.lastDays[place] === day) return 0;
    this.lastUsers[place] = user;
    this.lastDays[place] = day;
    const before = this.counts[place] as number;
    if (before > COUNT_MAX - STEPS) return 0;
    this.counts[place] = before + STEPS;
    return STEPS;
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

import { LIMITS } from '../domain/audit-event.ts';
import { createRandom } from '../domain/random.ts';

/** Half full at most: then a token is nearly always where it is looked for first. */
const LOAD_MAX = 0.5;
const PLACES_MIN = 1024;
/** Of a name with its namespace. */
const CHARS_MAX = 2 * LIMITS.nameCharsMax;
const NOBODY = 0;

/**
 * Finds the slots of tokens. A `Map` does too, and waits for memory several times on the way to a token that was not used lately (bucket, entries,
 * texts of keys): here once, and once more for the record beside which the token's name stands, and which is wanted anyway.
 *
 * Open addressing with linear probing; pairs of hash and slot plus one, so that 0 is nobody. Nothing is ever marked as deleted: what stood
 * behind it moves up.
 */
export class TokenIndex {
  readonly #keys: Int32Array;
  /** Whether the token in a slot is this one. */
  readonly #isAt: (slot: number, token: string) => boolean;
  #pairs = new Uint32Array(2 * PLACES_MIN);
  #mask = PLACES_MIN - 1;
  #size = 0;
  #lastHash = 0;

  constructor(seed: number, isAt: (slot: number, token: string) => boolean) {
    const random = createRandom(`tokens/${seed}`);
    this.#keys = Int32Array.from({ length: 2 * CHARS_MAX + 2 }, () => random.below(2 ** 32));
    this.#isAt = isAt;
  }

  get size(): number {
    return this.#size;
  }

  /** Keyed hash of the token last looked for. */
  get lastHash(): number {
    return this.#lastHash;
  }

  /** @returns the token's slot, or -1 */
  find(token: string): number {
    const hash = this.#hash(token);
    this.#lastHash = hash;
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const slot = (this.#pairs[2 * place + 1] as number) - 1;
      if (slot < 0) return -1;
      if (this.#pairs[2 * place] === hash && this.#isAt(slot, token)) return slot;
    }
  }

  /** A token that is not in it yet. */
  add(token: string, slot: number): void {
    if (this.#size + 1 > LOAD_MAX * (this.#mask + 1)) this.#grow();
    this.#put(this.#hash(token), slot + 1);
    this.#size += 1;
  }

  remove(token: string, slot: number): void {
    let gap = this.#hash(token) & this.#mask;
    while (this.#pairs[2 * gap + 1] !== slot + 1) {
      if (this.#pairs[2 * gap + 1] === NOBODY) return;
      gap = (gap + 1) & this.#mask;
    }
    this.#size -= 1;
    for (let place = (gap + 1) & this.#mask; this.#pairs[2 * place + 1] !== NOBODY; place = (place + 1) & this.#mask) {
      // What is looked for from behind the gap must stay behind it.
      const isBehind = ((place - (this.#pairs[2 * place] as number)) & this.#mask) < ((place - gap) & this.#mask);
      if (isBehind) continue;
      this.#pairs.copyWithin(2 * gap, 2 * place, 2 * place + 2);
      gap = place;
    }
    this.#pairs[2 * gap + 1] = NOBODY;
  }

  #put(hash: number, entry: number): void {
    let place = hash & this.#mask;
    while (this.#pairs[2 * place + 1] !== NOBODY) place = (place + 1) & this.#mask;
    this.#pairs[2 * place] = hash;
    this.#pairs[2 * place + 1] = entry;
  }

  #grow(): void {
    const before = this.#pairs;
    this.#pairs = new Uint32Array(2 * before.length);
    this.#mask = 2 * this.#mask + 1;
    for (let i = 0; i < before.length; i += 2) {
      if (before[i + 1] !== NOBODY) this.#put(before[i] as number, before[i + 1] as number);
    }
  }

  /**
   * Two halves, each of multilinear hashing with keys that nobody outside knows (Lemire & Kaser, “Strongly universal string hashing is fast”, 2014):
   * whatever tokens an attacker invents, two of them meet with a probability of 2^-32, so none can make the others slow.
   */
  #hash(token: string): number {
    const keys = this.#keys;
    const length = Math.min(token.length, CHARS_MAX);
    let a = keys[2 * CHARS_MAX] as number;
    let b = keys[2 * CHARS_MAX + 1] as number;
    for (let i = 0; i < length; i++) {
      // Plus one: otherwise NULs at the end would count for nothing.
      const char = token.charCodeAt(i) + 1;
      a = (a + Math.imul(keys[2 * i] as number, char)) | 0;
      b = (b + Math.imul(keys[2 * i + 1] as number, char)) | 0;
    }
    return ((a & 0xffff0000) | (b >>> 16)) >>> 0;
  }
}

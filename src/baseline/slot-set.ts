const WORDS_MIN = 32;

/** A set of records' slots, a bit each: among a million records, every addition to a `Set` waits for memory. */
export class SlotSet {
  #words = new Uint32Array(WORDS_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns whether it was not in it */
  add(slot: number): boolean {
    const word = slot >>> 5;
    if (word >= this.#words.length) this.#grow(word);
    const before = this.#words[word] as number;
    const after = (before | (1 << (slot & 31))) >>> 0;
    if (after === before) return false;
    this.#words[word] = after;
    this.#size += 1;
    return true;
  }

  delete(slot: number): void {
    const word = slot >>> 5;
    const before = this.#words[word] ?? 0;
    const after = (before & ~(1 << (slot & 31))) >>> 0;
    if (after === before) return;
    this.#words[word] = after;
    this.#size -= 1;
  }

  /** Empties the set. @returns what was in it, in the order of the slots */
  take(): Uint32Array {
    const slots = new Uint32Array(this.#size);
    let count = 0;
    for (let word = 0; count < slots.length; word++) {
      for (let bits = this.#words[word] as number; bits !== 0; bits &= bits - 1) {
        slots[count++] = 32 * word + 31 - Math.clz32(bits & -bits);
      }
    }
    this.#words.fill(0);
    this.#size = 0;
    return slots;
  }

  #grow(word: number): void {
    let length = this.#words.length;
    while (length <= word) length *= 2;
    const words = new Uint32Array(length);
    words.set(this.#words);
    this.#words = words;
  }
}

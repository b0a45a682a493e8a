/** How far a lane has come in this partition of the events log. */
interface Mark {
  /** Every event of an earlier record that belongs into this partition is in it. */
  settledTo: number;
  /** Records at or after it whose event is in the partition. */
  readonly beyond: Set<number>;
}

/** Lanes whose marks are kept. What a lost owner sent arrives within seconds, so the ones used last suffice. */
const LANES_MAX = 1000;
const ZERO = 0x30;

/**
 * Tells events that stand in a partition a second time. A collector that has lost a lane may have sent what arrives only after its
 * successor has looked for it, and has written it too. Both copies carry the lane, the record's offset, and up to where the lane was
 * settled, so the second one is known by the first, whichever that is. A function of the partition's records alone: every owner tells the same.
 */
export class LaneMarks {
  #marks = new Map<string, Mark>();
  /** The lane looked up last: events of a lane come together. */
  #lane = '';
  #mark: Mark | undefined;
  #changed = false;
  /** Of the text last written or taken back. */
  #position = -1;

  /**
   * Notes an event.
   *
   * @param id `source/lane/offset`
   * @param settledTo offset of the lane up to which all was settled when it was written; `null`: from nowhere that counts
   * @returns whether the partition has it already
   */
  repeats(id: string, settledTo: number | null): boolean {
    const slash = id.lastIndexOf('/');
    const offset = wholeNumber(id, slash + 1);
    if (settledTo === null || slash === -1 || offset === undefined) return false;
    const mark = this.#markOf(id, slash);
    if (offset < mark.settledTo || mark.beyond.has(offset)) return true;
    this.#changed = true;
    if (settledTo > mark.settledTo) {
      mark.settledTo = settledTo;
      for (const known of mark.beyond) if (known < settledTo) mark.beyond.delete(known);
    }
    mark.beyond.add(offset);
    return false;
  }

  /** All marks as text, if they have changed since they were last taken. @param position offset of the event after the last one noted */
  take(position: number): string | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    const lanes = [...this.#marks].map(([lane, { settledTo, beyond }]) => [lane, settledTo, ...beyond]);
    this.#position = Math.max(position, this.#position);
    return JSON.stringify({ position: this.#position, lanes });
  }

  /**
   * Takes marks back. Of two texts the later position holds: what a lost owner wrote may come after.
   *
   * @returns `false` if it was the earlier one: then the later one has to be written once more, since compaction would keep this
   */
  restore(text: string): boolean {
    const { position, lanes } = JSON.parse(text) as Stored;
    if (position < this.#position) {
      this.#changed = true;
      return false;
    }
    this.#position = position;
    this.#marks = new Map(
      lanes.map(([lane, settledTo, ...beyond]) => [lane, { settledTo, beyond: new Set(beyond) }] as const),
    );
    this.#lane = '';
    this.#mark = undefined;
    return true;
  }

  /** Whether they are to be written. */
  get isChanged(): boolean {
    return this.#changed;
  }

  /** Has them written once more if a text is the last one in the log, and an earlier one than ours. */
  writeOver(text: string): void {
    if ((JSON.parse(text) as Stored).position < this.#position) this.#changed = true;
  }

  #markOf(id: string, slash: number): Mark {
    if (this.#mark !== undefined && slash === this.#lane.length && id.startsWith(this.#lane)) return this.#mark;
    this.#lane = id.slice(0, slash);
    this.#mark = this.#marks.get(this.#lane) ?? { settledTo: -1, beyond: new Set() };
    this.#marks.delete(this.#lane);
    this.#marks.set(this.#lane, this.#mark);
    const oldest = this.#marks.size > LANES_MAX ? this.#marks.keys().next().value : undefined;
    if (oldest !== undefined) this.#marks.delete(oldest);
    return this.#mark;
  }
}

/** The number that a text ends in, from a place on, if there are digits only. */
function wholeNumber(text: string, from: number): number | undefined {
  let value = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = 10 * value + digit;
  }
  return from < text.length && Number.isSafeInteger(value) ? value : undefined;
}

interface Stored {
  readonly position: number;
  readonly lanes: readonly (readonly [lane: string, settledTo: number, ...beyond: number[]])[];
}

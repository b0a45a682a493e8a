import type { StoredEvent } from '../normalise/stored-event.ts';

/** How far a lane has come in this partition of the events log. */
interface Mark {
  /** Every event of an earlier record that belongs into this partition is in it. */
  settledTo: number;
  /** Records at or after it whose event is in the partition, in order. */
  readonly beyond: number[];
}

/** Lanes whose marks are kept. What a lost owner sent arrives within seconds, so the ones used last suffice. */
const LANES_MAX = 1000;

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
   * @returns whether the partition has it already; never of one that comes from nowhere that counts
   */
  repeats({ lane, laneOffset: offset, settledTo }: Pick<StoredEvent, 'lane' | 'laneOffset' | 'settledTo'>): boolean {
    if (settledTo === null || offset < 0) return false;
    const mark = this.#markOf(lane);
    if (offset < mark.settledTo) return true;
    const place = placeOf(offset, mark.beyond);
    if (mark.beyond[place] === offset) return true;
    this.#changed = true;
    if (place === mark.beyond.length) mark.beyond.push(offset);
    else mark.beyond.splice(place, 0, offset);
    if (settledTo > mark.settledTo) {
      mark.settledTo = settledTo;
      mark.beyond.splice(0, placeOf(settledTo, mark.beyond));
    }
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
      lanes.map(([lane, settledTo, ...beyond]) => [lane, { settledTo, beyond: beyond.sort((a, b) => a - b) }] as const),
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

  #markOf(lane: string): Mark {
    if (this.#mark !== undefined && lane === this.#lane) return this.#mark;
    this.#lane = lane;
    this.#mark = this.#marks.get(this.#lane) ?? { settledTo: -1, beyond: [] };
    this.#marks.delete(this.#lane);
    this.#marks.set(this.#lane, this.#mark);
    const oldest = this.#marks.size > LANES_MAX ? this.#marks.keys().next().value : undefined;
    if (oldest !== undefined) this.#marks.delete(oldest);
    return this.#mark;
  }
}

/** Where a number stands in a list that goes up, or would: nearly always at its end. */
function placeOf(offset: number, ascending: readonly number[]): number {
  let end = ascending.length;
  if (end === 0 || (ascending[end - 1] as number) < offset) return end;
  let start = 0;
  while (start < end) {
    const middle = (start + end) >>> 1;
    if ((ascending[middle] as number) < offset) start = middle + 1;
    else end = middle;
  }
  return start;
}

interface Stored {
  readonly position: number;
  readonly lanes: readonly (readonly [lane: string, settledTo: number, ...beyond: number[]])[];
}

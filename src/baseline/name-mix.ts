import { aboutText, type Fact, type Tellable } from './facts.ts';
import { GROUPS, groupOf } from './name-groups.ts';
import type { Field, RecordView } from './record.ts';
import { dayOf, HOUR_MS } from './time.ts';

export interface NameMixRead {
  /** Uses known, each group of names once a day. */
  readonly observations: number;
  /** The share of them that a name's group has. */
  share(name: string): number;
  /**
   * How much likelier the name is from a stranger than from the owner, in bits. The stranger turns to its group with `strangerShare`, or does as the owner does,
   * every other time: so nothing speaks for the owner by more than one bit, and what speaks against is not more, on the owner's own days, than
   * what speaks for; of an owner about whom nothing is known, 0. Who has begun with a name goes on with it, owner and stranger alike, so what is among the latest uses says little.
   */
  strangeness(name: string, strangerShare: number, at: number): number;
}

export interface NameMixWrite extends NameMixRead {
  add(name: string, at: number): void;
}

/** How many uses the latest ones are. */
const LATEST = 8;
/** How often the next name is one of the latest, whatever else is usual. */
const GOES_ON = 0.1;
/** What was begun is gone on with until so many hours have passed without use. */
const PAUSE_HOURS = 4;
/** Uses that are not the owner's usual ones are the fleet's: as many as half of the groups begun with so far. */
const NEW_PER_BEGUN = 0.5;
const DAYS_MAX = 255;
const WHOLE = 255;

const LATEST_AT = 8;
const TODAY_AT = LATEST_AT + LATEST;
const COUNTS_AT = TODAY_AT + Math.ceil(GROUPS / 64) * 8;
const SIZE_BYTES = COUNTS_AT + GROUPS;

/**
 * In which proportions a token uses names (tables, operations): on how many days each group of them. Days and no single uses, so that a job's
 * million statements do not outweigh what it does once a week. When a group has 255 days, all are halved: habits change.
 *
 * 216 bytes: sum of the counts u16, day u16, groups begun u8, place of the next of the latest u8, weight that waits u8, hour of the latest use u8; groups of the latest uses, plus one,
 * u8 × 8; groups counted today, a bit each; counts u8.
 */
export function nameMix(): Field<NameMixRead, NameMixWrite> {
  return { kind: 'name-mix', version: 2, sizeBytes: SIZE_BYTES, open: (view, offset) => new NameMix(view, offset) };
}

class NameMix implements NameMixWrite, Tellable {
  readonly #view: RecordView;
  readonly #offset: number;

  constructor(view: RecordView, offset: number) {
    this.#view = view;
    this.#offset = offset;
  }

  get #at(): number {
    return this.#view.base + this.#offset;
  }

  get observations(): number {
    return this.#view.u16[this.#at >> 1] as number;
  }

  get #day(): number {
    return this.#view.u16[(this.#at >> 1) + 1] as number;
  }

  get #begun(): number {
    return this.#view.u8[this.#at + 4] as number;
  }

  share(name: string): number {
    const { observations } = this;
    return observations === 0 ? 0 : this.#count(groupOf(name, this.#view.hashSeed)) / observations;
  }

  strangeness(name: string, strangerShare: number, at: number): number {
    if (this.observations === 0) return 0;
    const group = groupOf(name, this.#view.hashSeed);
    const goesOn = this.#hasPaused(at) ? 0 : (GOES_ON * this.#latestCount(group)) / LATEST;
    const anew = NEW_PER_BEGUN * this.#begun;
    // Whoever has used many will use another, and then does as all do (Witten and Bell 1991).
    const ownerShare = (this.#count(group) + anew * strangerShare) / (this.observations + anew);
    const stranger = (1 - GOES_ON) * strangerShare + goesOn;
    const owner = (1 - GOES_ON) * ownerShare + goesOn;
    return Math.log2((1 + stranger / owner) / 2);
  }

  facts(): readonly Fact[] {
    if (this.observations === 0) return [];
    const { u8 } = this.#view;
    const counts = [...u8.subarray(this.#at + COUNTS_AT, this.#at + SIZE_BYTES)];
    const most = Math.round((20 * Math.max(...counts)) / this.observations) * 5;
    return [{ what: '', value: `${aboutText(this.#begun)} different, the most frequent ${most} % of them` }];
  }

  add(name: string, at: number): void {
    const group = groupOf(name, this.#view.hashSeed);
    this.#noteLatest(group, at);
    this.#turnTo(dayOf(at));
    if (!this.#isCountedToday(group) && this.#takesWeight()) this.#addDay(group);
  }

  #turnTo(day: number): void {
    if (day <= this.#day) return;
    const { u8, u16 } = this.#view;
    u16[(this.#at >> 1) + 1] = day;
    u8.fill(0, this.#at + TODAY_AT, this.#at + COUNTS_AT);
  }

  /** Whether a use counts: of those that are learned by a hundredth, each hundredth. */
  #takesWeight(): boolean {
    const { u8, weight } = this.#view;
    const at = this.#at + 6;
    const waiting = (u8[at] as number) + Math.round(WHOLE * weight);
    u8[at] = waiting % WHOLE;
    return waiting >= WHOLE;
  }

  #addDay(group: number): void {
    const { u8, u16 } = this.#view;
    const bits = this.#at + TODAY_AT + (group >> 3);
    u8[bits] = (u8[bits] as number) | (1 << (group & 7));
    const at = this.#at + COUNTS_AT + group;
    const count = (u8[at] as number) + 1;
    u8[at] = count;
    u16[this.#at >> 1] = this.observations + 1;
    if (count === 1) u8[this.#at + 4] = this.#begun + 1;
    if (count === DAYS_MAX) this.#halve();
  }

  #halve(): void {
    const { u8, u16 } = this.#view;
    let sum = 0;
    let begun = 0;
    for (let at = this.#at + COUNTS_AT; at < this.#at + SIZE_BYTES; at++) {
      const count = (u8[at] as number) >> 1;
      u8[at] = count;
      sum += count;
      if (count > 0) begun += 1;
    }
    u16[this.#at >> 1] = sum;
    u8[this.#at + 4] = begun;
  }

  #count(group: number): number {
    return this.#view.u8[this.#at + COUNTS_AT + group] as number;
  }

  #isCountedToday(group: number): boolean {
    return (((this.#view.u8[this.#at + TODAY_AT + (group >> 3)] as number) >> (group & 7)) & 1) === 1;
  }

  /** Uses among the last `LATEST`, whoever's they were. */
  #latestCount(group: number): number {
    const { u8 } = this.#view;
    const first = this.#at + LATEST_AT;
    let count = 0;
    for (let at = first; at < first + LATEST; at++) if (u8[at] === group + 1) count += 1;
    return count;
  }

  /** Whether the latest uses are too long ago to be gone on with. */
  #hasPaused(at: number): boolean {
    const days = dayOf(at) - this.#day;
    if (days < 0 || days > 1) return days > 1;
    // Within two days, half of what a byte holds is enough to tell later from earlier.
    const hours = (hourOf(at) - (this.#view.u8[this.#at + 7] as number)) & 0xff;
    return hours > PAUSE_HOURS && hours < 0x80;
  }

  #noteLatest(group: number, at: number): void {
    const { u8 } = this.#view;
    if (this.#hasPaused(at)) u8.fill(0, this.#at + LATEST_AT, this.#at + TODAY_AT);
    u8[this.#at + 7] = hourOf(at);
    const next = u8[this.#at + 5] as number;
    u8[this.#at + LATEST_AT + next] = group + 1;
    u8[this.#at + 5] = (next + 1) % LATEST;
  }
}

/** Of the hours since the epoch, the last eight bits. */
function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) & 0xff;
}

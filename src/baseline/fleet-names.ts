import type { AuditEvent } from '../domain/audit-event.ts';
import type { MadeTable } from '../domain/made-table.ts';
import { type Making, madeTableOf, tableUse } from '../domain/table-use.ts';
import { FleetMix } from './fleet-mix.ts';
import { FleetPulse } from './fleet-pulse.ts';
import { FleetSchemas } from './fleet-schemas.ts';
import { hashName } from './hash.ts';
import type { Field } from './record.ts';
import { Sessions, STEPS } from './sessions.ts';
import { dayOf } from './time.ts';

/** What a partition's tokens use, as a detector sees it beside the names of one token. */
export interface FleetNamesRead {
  /** Whether some other token than the one at hand was seen using it. */
  isUsedByOthers(name: string): boolean;
  /** Whether another token than the one at hand was seen making it, some days ago at most, where nobody had used the name before. */
  isMadeByOthers(name: string, at: number): boolean;
}

const BUCKETS = 256;
const PLACES = 8;
const NAMES_MAX = BUCKETS * PLACES;
/** The user of a name that has several. */
const SEVERAL = 0xffff_ffff;
/** What several users are worth beside one, in sessions. */
const SEVERAL_WORTH = 1000 * STEPS;
/** For so many days it explains who uses a table that it was made: a release comes soon after its migration. */
const MADE_DAYS = 7;
/** In a snapshot: place u16, day u16, hash u32, user u32, last user u32, sessions u32. */
const ENTRY_BYTES = 20;

export type MadeDay = readonly [place: number, day: number];

/** What the tokens of a partition use. */
export class FleetView {
  readonly tables: FleetNames;
  /** In which proportions they do what to which table: see `tableUse`. */
  readonly mix: FleetMix;
  readonly schemas: FleetSchemas;
  /** How much they do at present. */
  readonly pulse = new FleetPulse();
  /** Keyed hash of the token at hand. */
  #user = 0;

  constructor(hashSeed: number) {
    this.tables = new FleetNames(hashSeed);
    this.mix = new FleetMix(hashSeed);
    this.schemas = new FleetSchemas(hashSeed);
  }

  /** Whose event is at hand from now on. @param user a keyed hash */
  turnTo(user: number): void {
    this.#user = user >>> 0;
    this.tables.turnTo(user);
  }

  /** The token at hand uses what the event says. */
  add(event: Making & Pick<AuditEvent, 'at'>): void {
    const { tables, operation, at, success } = event;
    // A name that somebody has only tried is none of the fleet's: whoever can connect could fill it with inventions.
    if (tables.length === 0 || success === false) return;
    const day = dayOf(at);
    const made = madeTableOf(event);
    for (const table of tables) {
      if (this.tables.add(table, day, table === made)) this.schemas.add(table, day);
      if (made === undefined) this.mix.add(tableUse(operation, table), day, this.#user);
    }
  }

  /** The token at hand does something at a time. */
  beat(at: number): void {
    this.pulse.add(at, this.#user);
  }

  /** A token of another partition made a table. What is known here already is not made anew by it. */
  addMade({ table, token, at }: MadeTable): void {
    const day = dayOf(at);
    if (this.tables.addMade(table, token, day)) this.schemas.add(table, day);
  }

  /** Lets time pass: all counts shrink alike. */
  fade(factor: number): void {
    this.tables.fade(factor);
    this.mix.fade(factor);
  }
}

/** The fleet's tables, read by detectors beside what they remember of the token; takes no bytes of its record. */
export function fleetTables(): Field<FleetNamesRead> {
  return { kind: 'fleet-tables', version: 1, sizeBytes: 0, open: (view) => view.fleet.tables };
}

/**
 * The names that tokens of a partition use: for each how often, and by whom if it is one token only. Bounded: past eight names in a bucket the
 * least used gives way, one with a single user before one with several, so that whoever invents names pushes out inventions. A function of the
 * events alone, and of no token's record: whoever reads the same events has the same names.
 */
export class FleetNames implements FleetNamesRead {
  readonly #hashSeed: number;
  readonly #hashes = new Uint32Array(NAMES_MAX);
  readonly #users = new Uint32Array(NAMES_MAX);
  /** The day on which it was made, if that was its first use; 0: that is not known. */
  readonly #madeDays = new Uint16Array(NAMES_MAX);
  readonly #sessions = new Sessions(NAMES_MAX);
  /** Keyed hash of the token at hand. */
  #user = 0;
  /** Where a name was found last: who asks for it adds it next. */
  #lastHash = 0;
  #lastPlace = -1;

  constructor(hashSeed: number) {
    this.#hashSeed = hashSeed;
  }

  /** Who is at hand from now on. @param user a keyed hash */
  turnTo(user: number): void {
    this.#user = user >>> 0;
  }

  isUsedByOthers(name: string): boolean {
    const place = this.#find(hashName(name, this.#hashSeed));
    return place >= 0 && this.#users[place] !== this.#user;
  }

  isMadeByOthers(name: string, at: number): boolean {
    const place = this.#find(hashName(name, this.#hashSeed));
    if (place < 0 || this.#users[place] === this.#user) return false;
    const madeDay = this.#madeDays[place] as number;
    return madeDay > 0 && dayOf(at) - madeDay < MADE_DAYS;
  }

  /**
   * The token at hand uses a name.
   *
   * @param isMade by this very use
   * @returns whether it is the first use on that day, as far as is known
   */
  add(name: string, day: number, isMade = false): boolean {
    const hash = hashName(name, this.#hashSeed);
    let place = this.#find(hash);
    const isClaimed = place < 0;
    if (isClaimed) {
      place = this.#claim(hash);
      this.#madeDays[place] = isMade ? day : 0;
    }
    const user = this.#user;
    if (this.#users[place] !== user) this.#users[place] = SEVERAL;
    const isAnotherDay = isClaimed || this.#sessions.lastDays[place] !== day;
    this.#sessions.take(place, user, day);
    return isAnotherDay;
  }

  /** A token of another partition made what a name is of. @returns whether the name was not known */
  addMade(name: string, maker: string, day: number): boolean {
    if (this.#find(hashName(name, this.#hashSeed)) >= 0) return false;
    const atHand = this.#user;
    this.turnTo(hashName(maker, this.#hashSeed));
    this.add(name, day, true);
    this.turnTo(atHand);
    return true;
  }

  /** Lets time pass: all counts shrink alike. */
  fade(factor: number): void {
    this.#sessions.fade(factor);
  }

  #find(hash: number): number {
    if (hash === this.#lastHash && this.#hashes[this.#lastPlace] === hash) return this.#lastPlace;
    const first = (hash % BUCKETS) * PLACES;
    for (let place = first; place < first + PLACES; place++) {
      if (this.#hashes[place] !== hash) continue;
      this.#lastHash = hash;
      this.#lastPlace = place;
      return place;
    }
    return -1;
  }

  /** A free place, or that of the least used name. */
  #claim(hash: number): number {
    const first = (hash % BUCKETS) * PLACES;
    let least = first;
    for (let place = first + 1; place < first + PLACES; place++)
      if (this.#worth(place) < this.#worth(least)) least = place;
    this.#hashes[least] = hash;
    this.#users[least] = this.#user;
    this.#sessions.clear(least, least + 1);
    return least;
  }

  #worth(place: number): number {
    if (this.#hashes[place] === 0) return -1;
    return (this.#sessions.counts[place] as number) + (this.#users[place] === SEVERAL ? SEVERAL_WORTH : 0);
  }

  /** By place, the days on which names were made, as `restore` takes them. */
  madeDays(): readonly MadeDay[] {
    return [...this.#madeDays.entries()].filter(([, day]) => day > 0);
  }

  /** All else that is known, as `restore` takes it. */
  toBytes(): Buffer {
    const { lastUsers, lastDays, counts } = this.#sessions;
    const known = [...this.#hashes.keys()].filter((place) => this.#hashes[place] !== 0);
    const bytes = Buffer.alloc(known.length * ENTRY_BYTES);
    known.forEach((place, i) => {
      const at = i * ENTRY_BYTES;
      bytes.writeUInt16LE(place, at);
      bytes.writeUInt16LE(lastDays[place] as number, at + 2);
      bytes.writeUInt32LE(this.#hashes[place] as number, at + 4);
      bytes.writeUInt32LE(this.#users[place] as number, at + 8);
      bytes.writeUInt32LE(lastUsers[place] as number, at + 12);
      bytes.writeUInt32LE(counts[place] as number, at + 16);
    });
    return bytes;
  }

  /** Takes back what `toBytes` and `madeDays` gave, in place of what is known. */
  restore(bytes: Buffer, madeDays: readonly MadeDay[] = []): void {
    for (const array of [this.#hashes, this.#users, this.#madeDays]) array.fill(0);
    for (const [place, day] of madeDays) this.#madeDays[place] = day;
    this.#sessions.clear();
    const { lastUsers, lastDays, counts } = this.#sessions;
    for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
      const place = bytes.readUInt16LE(at);
      lastDays[place] = bytes.readUInt16LE(at + 2);
      this.#hashes[place] = bytes.readUInt32LE(at + 4);
      this.#users[place] = bytes.readUInt32LE(at + 8);
      lastUsers[place] = bytes.readUInt32LE(at + 12);
      counts[place] = bytes.readUInt32LE(at + 16);
    }
  }
}

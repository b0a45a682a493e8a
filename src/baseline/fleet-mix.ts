import { GROUPS, groupOf } from './name-groups.ts';
import type { Field } from './record.ts';

/** In which proportions a partition's tokens use names, as a detector sees it beside one token's own (`nameMix`). */
export interface FleetMixRead {
  /**
   * Probability that the next name is in this one's group, whoever's it is: the group's share of all sessions, smoothed by `PRIOR_SESSIONS` that are
   * spread evenly. A session is one token's use of a group on one day, until another token uses it: a job that asks every second counts for no
   * more than a person.
   */
  share(name: string): number;
}

/** Read beside what a detector remembers of the token; takes no bytes of its record. */
export function fleetMix(): Field<FleetMixRead> {
  return { kind: 'fleet-mix', version: 1, sizeBytes: 0, open: (view) => view.fleet.mix };
}

const PRIOR_SESSIONS = 50;
const STEPS = 64;
const PRIOR = PRIOR_SESSIONS * STEPS;
/** In a snapshot: last user u32, sessions u32, last day u16. */
const GROUP_BYTES = 10;

/** In which proportions tokens of a partition use names. A function of the events alone, and of no token's record: whoever reads the same events has the same. */
export class FleetMix implements FleetMixRead {
  readonly #hashSeed: number;
  /** Whose use was counted last, and on which day: the rest of that session counts no more. */
  readonly #lastUsers = new Uint32Array(GROUPS);
  readonly #lastDays = new Uint16Array(GROUPS);
  /** In steps of 1 / `STEPS`: whole numbers add up to the same in any order. */
  readonly #sessions = new Uint32Array(GROUPS);
  #total = 0;

  constructor(hashSeed: number) {
    this.#hashSeed = hashSeed;
  }

  share(name: string): number {
    const sessions = this.#sessions[groupOf(name, this.#hashSeed)] as number;
    return (sessions + PRIOR / GROUPS) / (this.#total + PRIOR);
  }

  /** A token uses a name. @param user a keyed hash */
  add(name: string, day: number, user: number): void {
    const group = groupOf(name, this.#hashSeed);
    if (this.#lastUsers[group] === user && this.#lastDays[group] === day) return;
    this.#lastUsers[group] = user;
    this.#lastDays[group] = day;
    this.#sessions[group] = (this.#sessions[group] as number) + STEPS;
    this.#total += STEPS;
  }

  /** Lets time pass: all counts shrink alike. */
  fade(factor: number): void {
    for (let group = 0; group < GROUPS; group++) this.#sessions[group] = (this.#sessions[group] as number) * factor;
    this.#addUp();
  }

  /** All that is known, as `restore` takes it. */
  toBytes(): Buffer {
    const bytes = Buffer.alloc(GROUPS * GROUP_BYTES);
    for (let group = 0; group < GROUPS; group++) {
      const at = group * GROUP_BYTES;
      bytes.writeUInt32LE(this.#lastUsers[group] as number, at);
      bytes.writeUInt32LE(this.#sessions[group] as number, at + 4);
      bytes.writeUInt16LE(this.#lastDays[group] as number, at + 8);
    }
    return bytes;
  }

  /** Takes back what `toBytes` gave, in place of what is known. Bytes of another size are of another version, and leave nothing known. */
  restore(bytes: Buffer): void {
    const isKnown = bytes.length === GROUPS * GROUP_BYTES;
    for (let group = 0; group < GROUPS; group++) {
      const at = group * GROUP_BYTES;
      this.#lastUsers[group] = isKnown ? bytes.readUInt32LE(at) : 0;
      this.#sessions[group] = isKnown ? bytes.readUInt32LE(at + 4) : 0;
      this.#lastDays[group] = isKnown ? bytes.readUInt16LE(at + 8) : 0;
    }
    this.#addUp();
  }

  #addUp(): void {
    this.#total = 0;
    for (const sessions of this.#sessions) this.#total += sessions;
  }
}

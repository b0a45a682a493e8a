import { GROUPS, groupOf } from './name-groups.ts';
import type { Field } from './record.ts';
import { Sessions, STEPS } from './sessions.ts';

/** In which proportions a partition's tokens use names, as a detector sees it beside one token's own (`nameMix`). */
export interface FleetMixRead {
  /**
   * Probability that the next name is in this one's group, whoever's it is: the group's share of all sessions, smoothed by `PRIOR_SESSIONS` that are
   * spread evenly.
   */
  share(name: string): number;
}

/** Read beside what a detector remembers of the token; takes no bytes of its record. */
export function fleetMix(): Field<FleetMixRead> {
  return { kind: 'fleet-mix', version: 1, sizeBytes: 0, open: (view) => view.fleet.mix };
}

const PRIOR_SESSIONS = 50;
const PRIOR = PRIOR_SESSIONS * STEPS;
/** In a snapshot: last user u32, sessions u32, last day u16. */
const GROUP_BYTES = 10;
const SIZE_BYTES = GROUPS * GROUP_BYTES;

/** In which proportions tokens of a partition use names. A function of the events alone, and of no token's record: whoever reads the same events has the same. */
export class FleetMix implements FleetMixRead {
  readonly #hashSeed: number;
  readonly #sessions = new Sessions(GROUPS);
  #total = 0;

  constructor(hashSeed: number) {
    this.#hashSeed = hashSeed;
  }

  share(name: string): number {
    const sessions = this.#sessions.counts[groupOf(name, this.#hashSeed)] as number;
    return (sessions + PRIOR / GROUPS) / (this.#total + PRIOR);
  }

  /** A token uses a name. @param user a keyed hash */
  add(name: string, day: number, user: number): void {
    this.#total += this.#sessions.take(groupOf(name, this.#hashSeed), user, day);
  }

  /** Lets time pass: all counts shrink alike. */
  fade(factor: number): void {
    this.#sessions.fade(factor);
    this.#addUp();
  }

  /** All that is known, as `restore` takes it. */
  toBytes(): Buffer {
    const { lastUsers, lastDays, counts } = this.#sessions;
    const bytes = Buffer.alloc(SIZE_BYTES);
    for (let group = 0; group < GROUPS; group++) {
      const at = group * GROUP_BYTES;
      bytes.writeUInt32LE(lastUsers[group] as number, at);
      bytes.writeUInt32LE(counts[group] as number, at + 4);
      bytes.writeUInt16LE(lastDays[group] as number, at + 8);
    }
    return bytes;
  }

  /** Takes back what `toBytes` gave, in place of what is known. Bytes of another size are of another version, and leave nothing known. */
  restore(bytes: Buffer): void {
    const known = bytes.length === SIZE_BYTES ? bytes : Buffer.alloc(SIZE_BYTES);
    const { lastUsers, lastDays, counts } = this.#sessions;
    for (let group = 0; group < GROUPS; group++) {
      const at = group * GROUP_BYTES;
      lastUsers[group] = known.readUInt32LE(at);
      counts[group] = known.readUInt32LE(at + 4);
      lastDays[group] = known.readUInt16LE(at + 8);
    }
    this.#addUp();
  }

  #addUp(): void {
    this.#total = 0;
    for (const sessions of this.#sessions.counts) this.#total += sessions;
  }
}

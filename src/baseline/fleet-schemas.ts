import { hashName } from './hash.ts';
import type { Field } from './record.ts';
import { dayOf } from './time.ts';

/** Which schemas a partition's tokens have come to use only lately, as a detector sees it. */
export interface FleetSchemasRead {
  /** The schema of a table if it is new for everybody: nobody used any table of it until some days ago. `null` otherwise, or if it has none. */
  newSchemaOf(table: string, at: number): string | null;
}

/** Far more than databases have. Past it none is taken, and none is new: whoever invents names gains nothing by it. */
const SCHEMAS_MAX = 1024;
/** For so long a schema is new for everybody: a weekly job comes to it as well. */
const NEW_DAYS = 7;
/** Only after so many days is it known what was used all along. */
const WARM_UP_DAYS = 14;
/** What was not used for so long may go. */
const FORGET_DAYS = 100;

interface Use {
  readonly firstDay: number;
  readonly lastDay: number;
}

/**
 * The schemas whose tables a partition's tokens use, with the first day and the last. A migration moves every token to other tables, few of which many
 * tokens share: what they share is the schema. A function of the events alone.
 */
export class FleetSchemas implements FleetSchemasRead {
  readonly #hashSeed: number;
  readonly #uses = new Map<number, Use>();
  /** The first day of which anything is known. */
  #sinceDay: number | null = null;

  constructor(hashSeed: number) {
    this.#hashSeed = hashSeed;
  }

  newSchemaOf(table: string, at: number): string | null {
    const schema = schemaOf(table);
    if (schema === '' || this.#sinceDay === null) return null;
    const day = dayOf(at);
    const use = this.#uses.get(hashName(schema, this.#hashSeed));
    if (use === undefined && this.#uses.size >= SCHEMAS_MAX) return null;
    const firstDay = use?.firstDay ?? day;
    return day - firstDay < NEW_DAYS && firstDay - this.#sinceDay >= WARM_UP_DAYS ? schema : null;
  }

  /** A table is used for the first time on this day. */
  add(table: string, day: number): void {
    const schema = schemaOf(table);
    if (schema === '') return;
    this.#sinceDay ??= day;
    const hash = hashName(schema, this.#hashSeed);
    const use = this.#uses.get(hash);
    if (use === undefined && this.#uses.size >= SCHEMAS_MAX) this.#forget(day);
    if (use === undefined && this.#uses.size >= SCHEMAS_MAX) return;
    this.#uses.set(hash, { firstDay: use?.firstDay ?? day, lastDay: Math.max(day, use?.lastDay ?? day) });
  }

  #forget(day: number): void {
    for (const [hash, { lastDay }] of this.#uses) if (day - lastDay > FORGET_DAYS) this.#uses.delete(hash);
  }

  /** All that is known, as `restore` takes it. */
  toJSON(): StoredSchemas {
    return {
      sinceDay: this.#sinceDay,
      uses: [...this.#uses].map(([hash, { firstDay, lastDay }]) => [hash, firstDay, lastDay]),
    };
  }

  /** Takes back what `toJSON` gave, in place of what is known; of an earlier release nothing: then the warm-up begins. */
  restore({ sinceDay, uses }: StoredSchemas = { sinceDay: null, uses: [] }): void {
    this.#sinceDay = sinceDay;
    this.#uses.clear();
    for (const [hash, firstDay, lastDay] of uses) this.#uses.set(hash, { firstDay, lastDay });
  }
}

/** By keyed hash of the schema: its first day and its last, in days since the epoch. */
export interface StoredSchemas {
  readonly sinceDay: number | null;
  readonly uses: readonly (readonly [hash: number, firstDay: number, lastDay: number])[];
}

/** All but the last part of a table's name; empty if it has one part only. */
function schemaOf(table: string): string {
  return table.slice(0, Math.max(0, table.lastIndexOf('.')));
}

/** The fleet's schemas, read by detectors beside what they remember of the token; takes no bytes of its record. */
export function fleetSchemas(): Field<FleetSchemasRead> {
  return { kind: 'fleet-schemas', version: 1, sizeBytes: 0, open: (view) => view.fleet.schemas };
}

import { aligned, type Field, type Fields, type RecordView } from './record.ts';

/** Where each field of a token's record stands. Stored beside the records, so that a later program can find its fields again. */
export interface Layout {
  readonly sizeBytes: number;
  readonly places: readonly Place[];
  /** Names this arrangement; two layouts with one fingerprint are the same. */
  readonly fingerprint: string;
}

export interface Place {
  /** `owner/field`: who declared it (a detector's id, or `engine`) and under which name. */
  readonly name: string;
  readonly kind: string;
  readonly version: number;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Places the fields of every owner one after the other, in the order given. */
export function layOut(owners: readonly { readonly id: string; readonly fields: Fields }[]): Layout {
  const places: Place[] = [];
  let offset = 0;
  for (const owner of owners) {
    for (const [fieldName, field] of Object.entries(owner.fields)) {
      places.push(placeOf(`${owner.id}/${fieldName}`, field, offset));
      offset += aligned(field.sizeBytes);
    }
  }
  return { sizeBytes: offset, places, fingerprint: fingerprintOf(places) };
}

/** Opens the fields of an owner over a view, each where the layout has it. */
export function opener(layout: Layout, view: RecordView) {
  return <F extends Fields>(owner: string, fields: F): { [K in keyof F]: ReturnType<F[K]['open']> } => {
    const opened: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(fields)) {
      const place = layout.places.find((candidate) => candidate.name === `${owner}/${name}`);
      if (place === undefined) throw new Error(`no place for ${owner}/${name}`);
      opened[name] = field.open(view, place.offset);
    }
    return opened as { [K in keyof F]: ReturnType<F[K]['open']> };
  };
}

function placeOf(name: string, field: Field, offset: number): Place {
  return { name, kind: field.kind, version: field.version, offset, sizeBytes: aligned(field.sizeBytes) };
}

/** Two FNV-1a hashes over the description: short enough for every record, and no attacker chooses detectors. */
function fingerprintOf(places: readonly Place[]): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (const char of JSON.stringify(places)) {
    a = Math.imul(a ^ char.charCodeAt(0), 0x01000193);
    b = Math.imul(b ^ char.charCodeAt(0), 0x85ebca6b);
  }
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0');
}

/** One stretch of bytes that means the same in both layouts. */
export interface Move {
  /** Of the place in both. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly sizeBytes: number;
}

/** Finds the layout that a fingerprint names; `undefined` if nobody knows it any more. */
export type LayoutOf = (fingerprint: string) => Layout | undefined;

/** How records are carried over into one layout from any other: worked out once for each. */
export class Moves {
  readonly #to: Layout;
  readonly #known = new Map<string, readonly Move[]>();

  constructor(to: Layout) {
    this.#to = to;
  }

  /** `undefined`: nobody knows that layout any more. */
  from(fingerprint: string, layoutOf: LayoutOf): readonly Move[] | undefined {
    const known = this.#known.get(fingerprint);
    if (known) return known;
    const from = fingerprint === this.#to.fingerprint ? this.#to : layoutOf(fingerprint);
    const moves = from && movesBetween(from, this.#to);
    if (moves) this.#known.set(fingerprint, moves);
    return moves;
  }
}

/**
 * How to carry a record over: fields are matched by name, kind, version and size; what has no counterpart starts empty and warms up again.
 */
export function movesBetween(from: Layout, to: Layout): readonly Move[] {
  const known = new Map(from.places.map((place) => [place.name, place]));
  return to.places.flatMap((place) => {
    const old = known.get(place.name);
    const same = old?.kind === place.kind && old.version === place.version && old.sizeBytes === place.sizeBytes;
    return old && same ? [{ name: place.name, from: old.offset, to: place.offset, sizeBytes: place.sizeBytes }] : [];
  });
}

import { hashName } from '../baseline/hash.ts';
import { layOut } from '../baseline/layout.ts';
import { createRecordView, type Fields } from '../baseline/record.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { AnyDetector, Installed } from './detector.ts';

/** More than any token's record has room for, many times over: past it the name used longest ago goes. */
const NAMES_MAX = 50_000;

/**
 * Spells out the names that a record has as hashes: whatever a detector calls things when it learns a token's events, its own words included. It learns
 * them here for nothing but that, in a record of its own.
 */
export class NameBook {
  readonly #names = new Map<number, string>();
  readonly #hashSeed: number;
  readonly #pupils: readonly { readonly detector: AnyDetector; readonly config: unknown; readonly fields: unknown }[];

  constructor(installed: readonly Installed[], hashSeed: number) {
    this.#hashSeed = hashSeed;
    const layout = layOut(installed.map(({ detector }) => ({ id: detector.id, fields: detector.remembers as Fields })));
    const view = createRecordView(new ArrayBuffer(layout.sizeBytes), hashSeed);
    const offsets = new Map(layout.places.map(({ name, offset }) => [name, offset]));
    this.#pupils = installed.map(({ detector, config }) => {
      const opened = Object.entries(detector.remembers as Fields).map(([name, field]) => [
        name,
        this.#overheard(field.open(view, offsets.get(`${detector.id}/${name}`) ?? 0)),
      ]);
      return { detector, config, fields: Object.fromEntries(opened) };
    });
  }

  /** Notes the names in one of the token's events. */
  hear(event: AuditEvent): void {
    for (const { detector, config, fields } of this.#pupils) {
      try {
        detector.learn(fields as never, event, config);
      } catch {
        // The engine tells of it; the names that came before it are noted.
      }
    }
    // A statement's shape is a hash itself: it is told by a statement of that shape.
    if (event.shape !== null && event.statement !== null)
      this.#note(event.statement, hashName(event.shape, this.#hashSeed));
  }

  /** The name, or that it is not found. */
  readonly nameOf = (hash: number): string =>
    this.#names.get(hash) ?? `(name not found, hash ${hash.toString(16).padStart(8, '0')})`;

  /** A field, with every text that it is given noted first. */
  #overheard(field: unknown): unknown {
    const methods = new Map<PropertyKey, unknown>();
    return new Proxy(field as object, {
      get: (target, property) => {
        const known = methods.get(property);
        if (known !== undefined) return known;
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        const method = (...given: readonly unknown[]) => {
          for (const name of given) if (typeof name === 'string') this.#note(name, hashName(name, this.#hashSeed));
          return Reflect.apply(value, target, given) as unknown;
        };
        methods.set(property, method);
        return method;
      },
    });
  }

  #note(name: string, hash: number): void {
    this.#names.delete(hash);
    this.#names.set(hash, name);
    if (this.#names.size > NAMES_MAX) this.#names.delete(this.#names.keys().next().value as number);
  }
}

import { z } from 'zod';

const SHOWN = '[secret]';

/** A text that is used and never shown: whatever turns it into text, JSON or a debugger's view gets `[secret]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it where it is handed to the other side, and nowhere else. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return SHOWN;
  }
}

/**
 * A configuration option that holds a secret: reads a string, gives a `Secret`. Its JSON schema carries `secret: true`, so that whoever
 * prints configuration or its schema can tell.
 *
 * @param text checks on the value itself. Their messages must not repeat it, and they have to `abort`: else checks of the whole object are
 * given the string instead of the secret.
 */
export function secretString(text: z.ZodString = z.string().min(1, { abort: true })) {
  return text.transform((value) => new Secret(value)).meta({ secret: true });
}

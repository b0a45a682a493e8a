import { internedText } from './interned.ts';

const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d];
const [N, T] = [0x6e, 0x74];
const [NULL, TRUE, FALSE] = [Buffer.from('null'), Buffer.from('true'), Buffer.from('false')];
/** What may follow a backslash, but for `\u`, which is for others to check. */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const SPACE = 0x20;
const NOT_ASCII = 0x80;
/** Whether a byte of a text is plain ASCII, and nothing but itself: one look at most bytes, instead of four. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= SPACE && byte < NOT_ASCII && byte !== QUOTE && byte !== BACKSLASH),
);
const [ZERO, NINE] = [0x30, 0x39];
/** Whole numbers of so many digits are exact. */
const DIGITS_MAX = 15;

/**
 * Goes over JSON whose shape is known, byte by byte. What it meets and does not expect makes it fail, for good: look at `failed` in the end.
 * It accepts nothing that `JSON.parse` would refuse, as long as the bytes are UTF-8.
 */
export class ByteReader {
  failed = false;
  /** Where it stands. */
  at = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** Whether the last text was nothing but itself: ASCII without escapes. */
  #isPlain = true;

  start(bytes: Buffer): void {
    this.#bytes = bytes;
    this.at = 0;
    this.failed = false;
  }

  /** Steps over these bytes, if they are there. */
  skipIf(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const { at } = this;
    for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
    this.at = at + expected.length;
    return true;
  }

  skip(expected: Uint8Array): void {
    if (!this.skipIf(expected)) this.failed = true;
  }

  atEnd(): boolean {
    return this.at === this.#bytes.length;
  }

  /** Steps over a text or `null`. @returns where it begins, for `textAt` */
  skipText(): number {
    const { at } = this;
    if (!this.#skipNull()) this.#endOfText(true);
    return at;
  }

  /** A text of plain ASCII, or `null`. */
  text(): string | null {
    if (this.#skipNull()) return null;
    const start = this.at + 1;
    this.#endOfText(false);
    return this.failed ? null : this.#bytes.toString('latin1', start, this.at - 1);
  }

  /** Any text that is likely to come again, or `null`. */
  name(): string | null {
    const start = this.at;
    if (this.#skipNull()) return null;
    this.#endOfText(true);
    if (this.failed) return null;
    return this.#isPlain ? internedText(this.#bytes, start + 1, this.at - 1) : parsed(this.#bytes, start, this.at);
  }

  names(): string[] {
    const texts: string[] = [];
    if (this.#bytes[this.at] !== OPEN) this.failed = true;
    this.at += 1;
    if (this.#bytes[this.at] === CLOSE) {
      this.at += 1;
      return texts;
    }
    for (let next: number | undefined = COMMA; next === COMMA && !this.failed; ) {
      texts.push(this.name() ?? this.#fail());
      next = this.#bytes[this.at++];
      if (next !== COMMA && next !== CLOSE) this.failed = true;
    }
    return texts;
  }

  /** A whole number that is not negative, or `null`. */
  count(): number | null {
    if (this.#skipNull()) return null;
    const bytes = this.#bytes;
    const start = this.at;
    let value = 0;
    let byte = bytes[this.at];
    while (byte !== undefined && byte >= ZERO && byte <= NINE) {
      value = 10 * value + byte - ZERO;
      byte = bytes[++this.at];
    }
    const digits = this.at - start;
    // A number does not begin with 0, unless it is 0. What goes on as a fraction is found by whoever comes next.
    if (digits === 0 || digits > DIGITS_MAX || (digits > 1 && bytes[start] === ZERO)) this.failed = true;
    return value;
  }

  /** `true`, `false` or `null`. */
  flag(): boolean | null {
    if (this.#skipNull()) return null;
    const value = this.#bytes[this.at] === T;
    this.skip(value ? TRUE : FALSE);
    return value;
  }

  #skipNull(): boolean {
    return this.#bytes[this.at] === N && this.skipIf(NULL);
  }

  /** Steps over a text in quotes. */
  #endOfText(mayBeAnything: boolean): void {
    const bytes = this.#bytes;
    let { at } = this;
    if (bytes[at] !== QUOTE) this.failed = true;
    this.#isPlain = true;
    for (;;) {
      let byte = bytes[++at];
      while (IS_PLAIN[byte as number] === 1) byte = bytes[++at];
      if (byte === QUOTE) break;
      this.#isPlain = false;
      if (byte === undefined || byte < SPACE || (!mayBeAnything && byte >= NOT_ASCII)) {
        this.#fail();
        return;
      }
      if (byte !== BACKSLASH) continue;
      const escaped = bytes[++at];
      if (!mayBeAnything || escaped === undefined || !ESCAPES.has(escaped)) {
        this.#fail();
        return;
      }
    }
    this.at = at + 1;
  }

  #fail(): string {
    this.failed = true;
    return '';
  }
}

/** The text that begins at an offset, or `null`: as `skipText` stepped over it. */
export function textAt(bytes: Buffer, start: number): string | null {
  if (bytes[start] !== QUOTE) return null;
  let isPlain = true;
  let end = start + 1;
  for (let byte = bytes[end]; byte !== undefined && byte !== QUOTE; byte = bytes[++end]) {
    if (byte === BACKSLASH) end += 1;
    if (byte === BACKSLASH || byte >= NOT_ASCII) isPlain = false;
  }
  return isPlain ? bytes.toString('latin1', start + 1, end) : parsed(bytes, start, end + 1);
}

function parsed(bytes: Buffer, start: number, end: number): string {
  return JSON.parse(bytes.toString('utf8', start, end)) as string;
}

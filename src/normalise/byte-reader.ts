import { internedText } from './interned.ts';

const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE, END] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7d];
const [N, T] = [0x6e, 0x74];
/** What may follow a backslash, but for `\u`, which is for others to check. */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const SPACE = 0x20;
const NOT_ASCII = 0x80;
/** Whether a byte of a text is plain ASCII, and nothing but itself: one look at most bytes, instead of four. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= SPACE && byte < NOT_ASCII && byte !== QUOTE && byte !== BACKSLASH),
);
export const ZERO = 0x30;
const NINE = 0x39;
/** Whole numbers of so many digits are exact. */
const DIGITS_MAX = 15;

/** Bytes that are known beforehand, four at least: compared four at a time, which takes half as long as one by one. */
export class Phrase {
  readonly length: number;
  /** The last one ends where they end, whatever it shares with the one before. */
  readonly words: Int32Array;

  constructor(text: string) {
    const bytes = Buffer.from(text);
    this.length = bytes.length;
    const lastAt = bytes.length - WORD;
    this.words = Int32Array.from({ length: Math.ceil(bytes.length / WORD) }, (_, i) =>
      bytes.readInt32LE(Math.min(WORD * i, lastAt)),
    );
  }
}

const WORD = 4;
const [NULL, TRUE, FALSE] = [new Phrase('null'), new Phrase('true'), new Phrase('false')];

/**
 * Goes over JSON whose shape is known, byte by byte. What it meets and does not expect makes it fail, for good: look at `failed` in the end.
 * It accepts nothing that `JSON.parse` would refuse, as long as the bytes are UTF-8.
 */
export class ByteReader {
  failed = false;
  /** Where it stands. */
  at = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** Over the memory that the bytes are part of: many records are parts of one. */
  #memory = new DataView(this.#bytes.buffer);
  /** Where they begin in it. */
  #from = 0;
  /** Whether the last text was nothing but itself: ASCII without escapes. */
  #isPlain = true;

  start(bytes: Buffer): void {
    this.#bytes = bytes;
    if (this.#memory.buffer !== bytes.buffer) this.#memory = new DataView(bytes.buffer);
    this.#from = bytes.byteOffset;
    this.at = 0;
    this.failed = false;
  }

  /** Steps over these bytes, if they are there. */
  skipIf({ length, words }: Phrase): boolean {
    const { at } = this;
    if (at + length > this.#bytes.length) return false;
    const memory = this.#memory;
    const from = this.#from + at;
    const last = words.length - 1;
    for (let i = 0; i < last; i++) if (memory.getInt32(from + WORD * i, true) !== words[i]) return false;
    if (memory.getInt32(from + length - WORD, true) !== words[last]) return false;
    this.at = at + length;
    return true;
  }

  skip(expected: Phrase): void {
    if (!this.skipIf(expected)) this.failed = true;
  }

  /** Whether the object ends here, and nothing comes after it. */
  atEnd(): boolean {
    return this.#bytes[this.at] === END && this.at + 1 === this.#bytes.length;
  }

  /** Steps over a text or `null`. @returns where it begins, for `textAt` */
  skipText(): number {
    const { at } = this;
    if (!this.#skipNull()) this.#endOfText(true);
    return at;
  }

  /** A text of plain ASCII. */
  text(): string {
    const start = this.skipPlainText() + 1;
    return this.failed ? '' : this.#bytes.toString('latin1', start, this.at - 1);
  }

  /** Steps over a text of plain ASCII. @returns where it begins, for `textAt` */
  skipPlainText(): number {
    const { at } = this;
    this.#endOfText(false);
    return at;
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
    while (isDigit(byte)) {
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

export function isDigit(byte: number | undefined): byte is number {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
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

/** Patterns that an event is asked for: those without a star are looked up, and only the others tried. */
export class PatternList {
  readonly #texts: ReadonlySet<string>;
  readonly #patterns: readonly string[];
  readonly #all: readonly string[];

  constructor(patterns: readonly string[]) {
    this.#all = patterns;
    this.#texts = new Set(patterns.filter((pattern) => !pattern.includes('*')));
    this.#patterns = patterns.filter((pattern) => pattern.includes('*'));
  }

  get size(): number {
    return this.#all.length;
  }

  matches(text: string): boolean {
    return this.#texts.has(text) || this.#patterns.some((pattern) => matchesPattern(pattern, text));
  }

  /** As it is written in a configuration. */
  toJSON(): readonly string[] {
    return this.#all;
  }
}

/** Whether the text fits a pattern in which `*` stands for any text. Linear in the text for each star: no pattern can make it slow. */
export function matchesPattern(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return text === pattern;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let position = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position);
    if (found < 0 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}

/**
 * How a text is to be read: what is a literal in one dialect is a name in another. `unknown` shows nothing that any of them might take for a
 * literal.
 */
export type SqlDialect = 'postgresql' | 'mysql' | 'unknown';

/**
 * A piece of SQL.
 *
 * - `word`: keyword or unquoted name
 * - `quoted`: a quoted name, without its quotes
 * - `doubtful`: the same, or a text: it depends on the database
 * - `literal`: a text or number whose content was not kept
 * - `symbol`: one character of anything else, or a parameter (`$1`)
 */
export interface SqlToken {
  readonly kind: 'word' | 'quoted' | 'doubtful' | 'literal' | 'symbol';
  /** `?` for literals. */
  readonly text: string;
  /** `word`: in lower case, for comparing. Else the same as `text`. */
  readonly lower: string;
  /** Whether white space or a comment stood before it. */
  readonly spaced: boolean;
}

/** What was read of a text. */
export interface SqlTokens {
  readonly tokens: readonly SqlToken[];
  /** Reading stopped before the end: too long, never closed, or not certain to be read as its database reads it. */
  readonly cut: boolean;
}

const SPACE = /\s+/y;
const WORD = /[\p{L}_@][\p{L}\p{M}\p{N}_$@]*/uy;
const NUMBER = /\d[\p{L}\p{N}_.]*/uy;
const PARAMETER = /\$\d+/y;
const DOLLAR_QUOTE = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const BLOCK_COMMENT_PART = /\/\*|\*\//g;

/** Pieces read at most: a statement that is longer is not read to its end. */
const TOKENS_MAX = 50_000;

/**
 * Takes SQL to pieces without keeping the content of any literal or comment. Made for hostile text: one pass, no recursion, and where it
 * cannot be certain whether a text has ended, it takes the rest for a part of it.
 */
export function tokenise(sql: string, dialect: SqlDialect): SqlTokens {
  return new Tokeniser(sql, dialect).run();
}

class Tokeniser {
  readonly #sql: string;
  readonly #dialect: SqlDialect;
  readonly #tokens: SqlToken[] = [];
  #position = 0;
  #spaced = false;
  #cut = false;

  constructor(sql: string, dialect: SqlDialect) {
    this.#sql = sql;
    this.#dialect = dialect;
  }

  run(): SqlTokens {
    while (this.#position < this.#sql.length) {
      if (this.#tokens.length >= TOKENS_MAX) {
        this.#stop();
        break;
      }
      this.#next();
    }
    return { tokens: this.#tokens, cut: this.#cut };
  }

  #next(): void {
    const character = this.#sql.charAt(this.#position);
    const two = this.#sql.substr(this.#position, 2);
    if (this.#match(SPACE) !== undefined) this.#spaced = true;
    else if (two === '--' || character === '#') this.#dashesOrHash(two);
    else if (two === '/*') this.#blockComment();
    else if (character === "'") this.#text(this.#dialect === 'mysql');
    else if (character === '"') this.#doubleQuoted();
    else if (character === '`' && this.#dialect !== 'postgresql') this.#quotedName('`');
    else if (character === '$') this.#dollar();
    else if (this.#match(NUMBER) !== undefined) this.#literal();
    else this.#wordOrSymbol(character);
  }

  #wordOrSymbol(character: string): void {
    const word = this.#match(WORD);
    if (word === undefined) {
      // By code point, so that no character is cut in two.
      const symbol = String.fromCodePoint(this.#sql.codePointAt(this.#position) ?? 0);
      this.#position += symbol.length;
      this.#push('symbol', character === '\\' ? '?' : symbol);
      return;
    }
    const after = this.#sql.charAt(this.#position);
    const lower = word.toLowerCase();
    // A prefix belongs to its text: E'…' has escapes; B'…', X'…', N'…' and MySQL's _utf8'…' have none of their own.
    if (after === "'" && (/^[ebxn]$/.test(lower) || word.startsWith('_'))) {
      this.#text(lower === 'e' || this.#dialect === 'mysql');
    } else this.#push('word', word);
  }

  /** A comment to the end of its line, if this dialect reads one here. */
  #dashesOrHash(two: string): void {
    const after = this.#sql.charAt(this.#position + (two === '--' ? 2 : 1));
    const isHash = two !== '--';
    const isComment = isHash
      ? this.#dialect === 'mysql' || (this.#dialect === 'unknown' && !/[>\-#=]/.test(after))
      : this.#dialect !== 'mysql' || after === '' || /\s/.test(after);
    if (!isComment) {
      this.#position += 1;
      this.#push('symbol', two.charAt(0));
      return;
    }
    const end = this.#sql.indexOf('\n', this.#position);
    const line = this.#sql.slice(this.#position, end === -1 ? undefined : end);
    const certain = this.#dialect !== 'unknown' || (!isHash && (after === '' || /\s/.test(after)));
    if (!certain && /['"`$/*]/.test(line)) {
      this.#stop();
      return;
    }
    this.#position += line.length;
    this.#spaced = true;
  }

  /** PostgreSQL nests comments, MySQL does not. */
  #blockComment(): void {
    const opened = this.#position;
    let depth = 0;
    BLOCK_COMMENT_PART.lastIndex = opened;
    for (let part = BLOCK_COMMENT_PART.exec(this.#sql); part; part = BLOCK_COMMENT_PART.exec(this.#sql)) {
      const opens = part[0] === '/*';
      if (opens && depth > 0 && this.#dialect === 'unknown') break;
      if (!opens) depth -= 1;
      else if (depth === 0 || this.#dialect === 'postgresql') depth += 1;
      if (depth > 0) continue;
      this.#position = BLOCK_COMMENT_PART.lastIndex;
      this.#spaced = true;
      return;
    }
    this.#stop();
  }

  /** A text in single quotes, a doubled one standing for itself. */
  #text(escapes: boolean): void {
    const end = this.#endOfQuoted("'", escapes);
    if (end === undefined) {
      this.#stop();
      return;
    }
    this.#position = end;
    this.#literal();
  }

  /** A name by the standard, a text in MySQL. */
  #doubleQuoted(): void {
    if (this.#dialect !== 'mysql') {
      this.#quotedName('"');
      return;
    }
    const end = this.#endOfQuoted('"', true);
    if (end === undefined) {
      this.#stop();
      return;
    }
    this.#position = end;
    this.#literal();
  }

  #quotedName(quote: string): void {
    const start = this.#position + 1;
    const end = this.#endOfQuoted(quote, false);
    if (end === undefined) {
      this.#stop();
      return;
    }
    this.#position = end;
    const kind = quote === '"' && this.#dialect === 'unknown' ? 'doubtful' : 'quoted';
    this.#push(kind, this.#sql.slice(start, end - 1).replaceAll(quote + quote, quote));
  }

  /** @returns the position after the closing quote; `undefined` if there is none, or if it is not certain which it is */
  #endOfQuoted(quote: string, escapes: boolean): number | undefined {
    const { length } = this.#sql;
    for (let i = this.#sql.indexOf(quote, this.#position) + 1; i < length; i++) {
      const character = this.#sql.charAt(i);
      if (character === '\\') {
        if (escapes) i += 1;
        // Whether this escapes the quote depends on the database, and in PostgreSQL on a setting of the session.
        else if (this.#dialect === 'unknown' || quote === "'") {
          const following = this.#sql.charAt(i + 1);
          if (following === quote) return undefined;
          if (following === '\\') i += 1;
        }
      } else if (character === quote) {
        if (this.#sql.charAt(i + 1) !== quote) return i + 1;
        i += 1;
      }
    }
    return undefined;
  }

  #dollar(): void {
    const parameter = this.#match(PARAMETER);
    if (parameter !== undefined) {
      this.#push('symbol', parameter);
      return;
    }
    const tag = this.#dialect === 'mysql' ? undefined : this.#match(DOLLAR_QUOTE);
    if (tag === undefined) {
      this.#position += 1;
      this.#push('symbol', '$');
      return;
    }
    const end = this.#sql.indexOf(tag, this.#position);
    if (end === -1) {
      this.#stop();
      return;
    }
    this.#position = end + tag.length;
    this.#literal();
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#sql)?.[0];
    if (match !== undefined) this.#position += match.length;
    return match;
  }

  #literal(): void {
    this.#push('literal', '?');
  }

  #push(kind: SqlToken['kind'], text: string): void {
    this.#tokens.push({ kind, text, lower: kind === 'word' ? text.toLowerCase() : text, spaced: this.#spaced });
    this.#spaced = false;
  }

  /** The rest is taken for one literal. */
  #stop(): void {
    this.#literal();
    this.#cut = true;
    this.#position = this.#sql.length;
  }
}

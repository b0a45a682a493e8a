import type { SqlToken } from './sql-tokens.ts';

/** What a run over the pieces of a text finds. */
export interface ScannedTables {
  /** First keyword of each statement; of one that begins with `with`, what it does. Lower case. */
  readonly verbs: readonly string[];
  /** Every table and view named, as written, parts joined by dots; with repetitions. */
  readonly tables: readonly string[];
}

/**
 * Finds the tables that SQL names, by the words they follow: `from`, `join`, `into`, `update`, `table` and the like, in statements in which
 * those words mean that. Follows parentheses, so `extract(day from d)` names no table, and the scope of names that `with` makes up, so
 * `with payments as (select * from payments) …` names one. One pass over the pieces, no recursion.
 */
export function scanTables(tokens: readonly SqlToken[]): ScannedTables {
  return new Scanner(tokens).run();
}

/** What stands between two parentheses, or a whole statement. */
interface Frame {
  /** What is being done here; decides what `from` means. */
  verb: string;
  /** Where the next name is a table's: `relation` may turn out to be a function instead. */
  expects: 'nothing' | 'relation' | 'table';
  /** A comma leads to another of them. */
  isList: boolean;
  /** Names made up by `with`, usable in here from where they stand. */
  madeUp: Set<string> | undefined;
  /** Where in `with a as (…), b as (…)` the scan is. */
  with: 'none' | 'name' | 'heading' | 'done';
  isRecursive: boolean;
  /** A name that is made up once the parenthesis after it has closed. */
  pending: string | undefined;
}

/** Queries and what may stand inside of other statements. */
const ALWAYS_VERBS: ReadonlySet<string> = new Set(['select', 'values']);
const NESTED_VERBS: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'merge']);
/** What a verb inside of a statement can follow; after other words it is a part of a clause (`for update`, `on delete`). */
const BEFORE_VERBS: ReadonlySet<string> = new Set(['(', ')', 'as', 'explain', 'analyze', 'verbose']);
/** Verbs with which `from` names tables. */
const READING: ReadonlySet<string> = new Set(['select', 'delete', 'update', 'merge']);
/** Verbs whose object is named behind the kind of object. */
const ON_OBJECTS: ReadonlySet<string> = new Set([
  'create',
  'drop',
  'alter',
  'rename',
  'comment',
  'truncate',
  'lock',
  'refresh',
  'describe',
  'desc',
]);
/** Kinds of objects that stand `on` a table. */
const ON_TABLES: ReadonlySet<string> = new Set(['index', 'trigger', 'policy', 'rule']);
/** What a grant is about if it is no table. */
const NO_TABLES: ReadonlySet<string> = new Set([
  ...['schema', 'database', 'sequence', 'function', 'procedure', 'routine', 'all', 'type', 'domain', 'language'],
  ...['tablespace', 'foreign', 'large', 'parameter'],
]);
/** Stand between the word that announces a table and its name. */
const SKIPPED: ReadonlySet<string> = new Set([
  ...['only', 'lateral', 'table', 'if', 'not', 'exists', 'concurrently', 'ignore', 'low_priority', 'high_priority'],
  ...['delayed', 'quick', 'temporary', 'temp', 'unlogged', 'overwrite'],
]);
/** End a list of tables. */
const ENDING: ReadonlySet<string> = new Set([
  ...['where', 'group', 'order', 'having', 'limit', 'offset', 'fetch', 'for', 'union', 'intersect', 'except', 'minus'],
  ...['window', 'set', 'returning', 'values', 'default', 'cascade', 'restrict', 'to', 'qualify', 'when', 'in'],
]);

class Scanner {
  readonly #tokens: readonly SqlToken[];
  readonly #tables: string[] = [];
  readonly #verbs: string[] = [];
  readonly #frames: Frame[] = [newFrame()];
  #frame: Frame = this.#frames[0] ?? newFrame();
  #index = 0;
  /** The statement begins with `with`, and what it does is not known yet. */
  #verbAwaited = true;

  constructor(tokens: readonly SqlToken[]) {
    this.#tokens = tokens;
  }

  run(): ScannedTables {
    while (this.#index < this.#tokens.length) {
      const token = this.#tokens[this.#index];
      this.#index += 1;
      if (token === undefined) break;
      if (token.kind === 'symbol') this.#symbol(token.text);
      else if (token.kind === 'word') this.#word(token);
      else if (token.kind === 'literal') this.#frame.expects = 'nothing';
      else this.#name(token);
    }
    return { verbs: this.#verbs, tables: this.#tables };
  }

  #symbol(text: string): void {
    const frame = this.#frame;
    if (text === '(') {
      this.#open();
      return;
    }
    if (text === ')') {
      this.#close();
      return;
    }
    if (text === ';') {
      this.#endStatement();
      return;
    }
    if (text !== ',') return;
    if (frame.with === 'done') frame.with = 'name';
    else if (frame.isList) frame.expects = 'relation';
  }

  #open(): void {
    const outer = this.#frame;
    const inner = newFrame();
    // A parenthesis in place of a table: a query, or a join in parentheses.
    if (outer.expects === 'relation' || (outer.expects === 'table' && outer.verb === 'copy')) {
      inner.expects = 'relation';
      inner.isList = true;
      inner.verb = 'select';
    }
    outer.expects = 'nothing';
    this.#frames.push(inner);
    this.#frame = inner;
  }

  #close(): void {
    if (this.#frames.length === 1) return;
    this.#frames.pop();
    this.#frame = this.#frames.at(-1) ?? newFrame();
    const frame = this.#frame;
    // The list of columns before `as` closes too, but only the query may be followed by anything but `as`.
    if (frame.with !== 'heading' || frame.pending === undefined || this.#peek() === 'as') return;
    makeUp(frame, frame.pending);
    frame.pending = undefined;
    frame.with = 'done';
  }

  #endStatement(): void {
    // Within parentheses it is no end, but nothing is worth reading on with either.
    this.#frames.length = 0;
    this.#frame = newFrame();
    this.#frames.push(this.#frame);
    this.#verbAwaited = true;
  }

  #word(token: SqlToken): void {
    const frame = this.#frame;
    const word = token.lower;
    if (word === 'with' && this.#startsWith()) {
      frame.with = 'name';
      frame.isRecursive = this.#peek() === 'recursive';
      if (frame.isRecursive) this.#index += 1;
      return;
    }
    if (frame.with === 'name') {
      this.#name(token);
      return;
    }
    if (frame.with === 'heading') return;
    if (this.#isVerb(word)) {
      this.#verb(word);
      return;
    }
    if (this.#announces(word)) return;
    if (frame.expects === 'nothing' || SKIPPED.has(word)) return;
    if (ENDING.has(word)) frame.expects = 'nothing';
    else this.#name(token);
  }

  /** Whether a `with` at this place makes up names: `with [recursive] name [(columns)] as [not] [materialized] (`. */
  #startsWith(): boolean {
    let i = this.#index;
    if (this.#tokens[i]?.lower === 'recursive') i += 1;
    i += 1;
    if (this.#tokens[i]?.text === '(') {
      while (i < this.#tokens.length && this.#tokens[i]?.text !== ')') i += 1;
      i += 1;
    }
    const next = this.#tokens[i + 1];
    return (
      this.#tokens[i]?.lower === 'as' && (next?.text === '(' || next?.lower === 'not' || next?.lower === 'materialized')
    );
  }

  #isVerb(word: string): boolean {
    const { verb } = this.#frame;
    if (verb === '' && this.#frames.length === 1) return true;
    if (verb === 'grant' || verb === 'revoke') return false;
    const before = this.#tokens[this.#index - 2]?.lower ?? '';
    if (ALWAYS_VERBS.has(word)) return before !== 'on';
    if (!NESTED_VERBS.has(word)) return false;
    return BEFORE_VERBS.has(before) && this.#peek() !== '(' && this.#frame.expects === 'nothing';
  }

  #verb(word: string): void {
    const frame = this.#frame;
    const isFirst = frame.verb === '' && this.#frames.length === 1;
    if (this.#verbAwaited && (isFirst || NESTED_VERBS.has(word))) {
      if (isFirst) this.#verbAwaited = false;
      this.#verbs.push(word);
    }
    frame.verb = word;
    frame.with = 'none';
    frame.isList = ['truncate', 'lock', 'table', 'update', 'drop'].includes(word);
    frame.expects = 'nothing';
    if (['truncate', 'lock', 'table', 'copy', 'describe', 'desc'].includes(word)) frame.expects = 'table';
    else if (word === 'update') frame.expects = 'relation';
  }

  /** Whether the word says that a table's name follows, or that the list of them has ended. */
  #announces(word: string): boolean {
    const frame = this.#frame;
    if (word === 'join' || word === 'straight_join' || word === 'apply') this.#expect('relation', true);
    else if (word === 'from') this.#from();
    else if (word === 'using' && ['delete', 'merge'].includes(frame.verb)) this.#using();
    else if (word === 'into' && frame.verb !== 'load' && !this.#intoFile()) this.#expect('table', false);
    else if (word === 'references' && !['grant', 'revoke'].includes(frame.verb)) this.#expect('table', false);
    else if (word === 'on') return this.#on();
    else if (word === 'table' || word === 'view') return this.#object();
    else if (ENDING.has(word)) {
      frame.isList = false;
      frame.expects = 'nothing';
    } else return false;
    return true;
  }

  #from(): void {
    const before = this.#tokens[this.#index - 2]?.lower;
    const beforeThat = this.#tokens[this.#index - 3]?.lower;
    if (before === 'distinct' && (beforeThat === 'is' || beforeThat === 'not')) return;
    if (READING.has(this.#frame.verb)) this.#expect('relation', true);
    else {
      this.#frame.expects = 'nothing';
      this.#frame.isList = false;
    }
  }

  /** After `join`, `using (…)` lists columns. */
  #using(): void {
    const inside = this.#tokens[this.#index + 1]?.lower ?? '';
    if (this.#peek() === '(' && !['select', 'with', 'values', '('].includes(inside)) return;
    this.#expect('relation', true);
  }

  #intoFile(): boolean {
    const next = this.#peek() ?? '';
    return next === 'outfile' || next === 'dumpfile' || next.startsWith('@');
  }

  #on(): boolean {
    const { verb } = this.#frame;
    if (verb === 'grant' || verb === 'revoke') {
      if (!NO_TABLES.has(this.#peek() ?? '')) this.#expect('table', true);
      return true;
    }
    const object = this.#tokens
      .slice(Math.max(0, this.#index - 60), this.#index)
      .some(({ lower }) => ON_TABLES.has(lower));
    if (!['create', 'drop', 'alter', 'comment'].includes(verb) || !object) return false;
    if (!['select', 'insert', 'update', 'delete'].includes(this.#peek() ?? '')) this.#expect('table', false);
    return true;
  }

  #object(): boolean {
    const { verb } = this.#frame;
    if (verb === 'grant' || verb === 'revoke' || !ON_OBJECTS.has(verb)) return false;
    this.#expect('table', ['drop', 'truncate', 'lock'].includes(verb));
    return true;
  }

  #expect(what: 'relation' | 'table', isList: boolean): void {
    this.#frame.expects = what;
    this.#frame.isList = isList || (this.#frame.isList && what === 'relation');
  }

  /** A name, with what is joined to it by dots. */
  #name(first: SqlToken): void {
    const frame = this.#frame;
    if (frame.with === 'name') {
      frame.with = 'heading';
      if (frame.isRecursive) makeUp(frame, first.lower.toLowerCase());
      frame.pending = first.lower.toLowerCase();
      return;
    }
    const parts = [first.text];
    while (this.#peek() === '.') {
      const part = this.#tokens[this.#index + 1];
      if (part === undefined || part.kind === 'literal') break;
      // Two dots leave a part out; a star stands for a table's descendants.
      if (part.text !== '.') parts.push(part.text);
      this.#index += part.text === '.' ? 1 : 2;
    }
    if (frame.expects === 'nothing') return;
    const isFunction = frame.expects === 'relation' && this.#peek() === '(';
    frame.expects = 'nothing';
    if (isFunction || (parts.length === 1 && this.#isMadeUp(first.lower.toLowerCase()))) return;
    this.#tables.push(parts.join('.'));
  }

  #isMadeUp(name: string): boolean {
    return this.#frames.some(({ madeUp }) => madeUp?.has(name) ?? false);
  }

  /** The next piece, in lower case. */
  #peek(): string | undefined {
    return this.#tokens[this.#index]?.lower;
  }
}

function newFrame(): Frame {
  return {
    verb: '',
    expects: 'nothing',
    isList: false,
    madeUp: undefined,
    with: 'none',
    isRecursive: false,
    pending: undefined,
  };
}

function makeUp(frame: Frame, name: string): void {
  frame.madeUp ??= new Set();
  frame.madeUp.add(name);
}

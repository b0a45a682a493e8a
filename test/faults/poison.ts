import type { Random } from '../../src/domain/random.ts';

/** Lines that an attacker, or a broken agent, may write among honest ones. */
export interface Poison {
  readonly name: string;
  readonly lines: readonly (string | Buffer)[];
  /** What each of them has to become. */
  readonly becomes: 'event' | 'dead letter';
}

/** Longer than any record may be. */
const HUGE_BYTES = 10_000_000;
const TIME = '2026-09-16T10:00:00.000Z';
const YEAR_FIRST = 1970;
const YEAR_LAST = 2200;

function record(token: string, more: object = {}): string {
  return JSON.stringify({ time: TIME, token, source_ip: '192.0.2.7', tables: ['public.poison'], ...more });
}

/** Every kind once, with what is drawn drawn anew. */
export function poisonOf(random: Random): readonly Poison[] {
  return [...oversized(), ...unreadable(), ...strangeTexts(), ...strangeTimes(random), ...strangeNumbers()];
}

function oversized(): readonly Poison[] {
  const statement = `SELECT * FROM a WHERE b IN (${'1234567,'.repeat(HUGE_BYTES / 8)}1)`;
  const large = `SELECT ${"('a', b, (".repeat(90_000)}`;
  const tables = (count: number, charsEach: number) =>
    Array.from({ length: count }, (_, i) => i.toString(36).padStart(charsEach, 't'));
  return [
    { name: 'a statement of 10 MB', lines: [record('huge', { statement })], becomes: 'dead letter' },
    { name: 'a line of 10 MB', lines: ['x'.repeat(HUGE_BYTES)], becomes: 'dead letter' },
    { name: 'a million tables', lines: [record('huge', { tables: tables(1_000_000, 8) })], becomes: 'dead letter' },
    { name: 'as large as it may be', lines: [record('large', { statement: large })], becomes: 'event' },
    { name: 'as many tables as fit', lines: [record('large', { tables: tables(130_000, 4) })], becomes: 'event' },
    { name: 'a token of 900 kB', lines: [record('k'.repeat(900_000))], becomes: 'event' },
  ];
}

function unreadable(): readonly Poison[] {
  const latin = Buffer.from(record('caf\u00e9'), 'latin1');
  const cut = record('cut').slice(0, -1);
  const broken = [cut, 'null', '[]', '"text"', '1e999', '{"time"', '{}', 'NaN', record('nul').replace('p', '\0')];
  const deep = ['['.repeat(400_000), `${'{"a":'.repeat(150_000)}1`, record('deep', { more: nested(33) })];
  const wrong = [
    record('', {}),
    record('wrong', { time: 'yesterday' }),
    record('wrong', { time: '1969-12-31T23:59:59Z' }),
    record('wrong', { rows: -1 }),
    record('wrong', { rows: 1.5 }),
    record('wrong', { tables: 'public.poison' }),
    record('wrong', { success: 'yes' }),
    record('wrong').replace('}', ',"rows":1e999}'),
  ];
  return [
    { name: 'no JSON', lines: [...broken, latin, Buffer.from([0xff, 0xfe, 0])], becomes: 'dead letter' },
    { name: 'nested deeply', lines: deep, becomes: 'dead letter' },
    { name: 'fields that are none', lines: wrong, becomes: 'dead letter' },
  ];
}

function nested(depth: number): unknown {
  return depth === 0 ? [] : [nested(depth - 1)];
}

function strangeTexts(): readonly Poison[] {
  const texts = [
    '\0',
    '\0\0layout',
    'a\0b',
    '\ud800',
    '\udc00\ud800',
    '__proto__',
    'constructor',
    '\u202egnp.exe',
    '\n{}',
  ];
  const half = String.raw`{"time":"${TIME}","token":"\ud800","statement":"select '\udfff","tables":["\ud83d"]}`;
  const lines = texts.flatMap((text) => [
    record(text),
    record('texts', { principal: text, database: text, app: text, session: text, tables: [text], statement: text }),
  ]);
  const keys = `{"__proto__":{"token":"p"},"constructor":1,"toString":{},"time":"${TIME}","token":"keys"}`;
  return [{ name: 'texts that are hardly any', lines: [...lines, half, keys], becomes: 'event' }];
}

function strangeTimes(random: Random): readonly Poison[] {
  const years = [YEAR_FIRST, YEAR_LAST, ...Array.from({ length: 20 }, () => 1971 + random.below(229))];
  const lines = years.map((year) => record('times', { time: `${year}-0${1 + random.below(9)}-01T00:00:00Z` }));
  const edges = ['1970-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '2026-09-16T23:59:60Z'];
  return [{ name: 'any time', lines: [...lines, ...edges.map((time) => record('times', { time }))], becomes: 'event' }];
}

function strangeNumbers(): readonly Poison[] {
  const counts = [0, Number.MAX_SAFE_INTEGER, 2 ** 32, 2 ** 31];
  return [
    {
      name: 'any count',
      lines: counts.map((count) => record('counts', { rows: count, bytes: count })),
      becomes: 'event',
    },
  ];
}

/** A record like one of a token's own, dated 1970 and 2200. */
export function redated(line: string): readonly string[] {
  return [YEAR_FIRST, YEAR_LAST].map((year) => line.replace(/"time":"\d{4}/, `"time":"${year}`));
}

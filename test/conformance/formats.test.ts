import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditEvent, LIMITS, OPERATIONS } from '../../src/domain/audit-event.ts';
import type { Format, Outcome, RawRecord } from '../../src/normalise/format.ts';
import { DEAD_LETTER_CODES } from '../../src/normalise/format.ts';
import { FORMATS } from '../../src/normalise/formats.ts';
import { decodeStoredEvent, encodeStoredEvent, lanePlaceIn } from '../../src/normalise/stored-event.ts';

const FOLDER = new URL('../../src/normalise/formats/', import.meta.url);
const SEED = 20_261_124;
/** Records a format may hold back, however many it is given. */
const HELD_MAX = 1 << 18;

/** Set by enrichment or by ourselves: nothing a source could be believed about. */
const NOT_FROM_THE_SOURCE: ReadonlySet<string> = new Set([
  ...['id', 'format', 'network', 'asn', 'country', 'owner', 'environment'],
]);

function record(index: number, value: string | Uint8Array): RawRecord {
  return { id: `source/0/${index}`, value: typeof value === 'string' ? Buffer.from(value) : value };
}

/** Gives a fresh normaliser everything, flushing also after the records at `flushes`. */
function run(format: Format, values: readonly (string | Uint8Array)[], flushes: ReadonlySet<number> = new Set()) {
  const normaliser = format.open();
  const outcomes: Outcome[] = [];
  values.forEach((value, i) => {
    outcomes.push(...normaliser.push(record(i, value)));
    if (flushes.has(i)) outcomes.push(...normaliser.flush());
  });
  outcomes.push(...normaliser.flush());
  expect(normaliser.flush(), 'nothing is left after a flush').toEqual([]);
  return outcomes;
}

function textsOf(event: AuditEvent): readonly string[] {
  return Object.values(event).flatMap((value: unknown) => [value].flat().filter((one) => typeof one === 'string'));
}

function checkEvent(event: AuditEvent, format: Format): void {
  expect(event.format).toBe(format.id);
  expect(event.token).not.toBe('');
  expect(Number.isSafeInteger(event.at) && event.at >= 0, `at ${event.at}`).toBe(true);
  if (event.operation !== null) expect(OPERATIONS).toContain(event.operation);
  for (const count of [event.rows, event.bytes]) {
    if (count !== null) expect(Number.isSafeInteger(count) && count >= 0, `count ${count}`).toBe(true);
  }
  expect(event.tables.length).toBeLessThanOrEqual(LIMITS.tablesMax);
  expect(new Set(event.tables).size).toBe(event.tables.length);
  for (const table of event.tables) expect(table).toBe(table.toLowerCase());
  for (const [field, value] of Object.entries(event) as [string, unknown][]) {
    const charsMax = field === 'statement' ? LIMITS.statementCharsMax : LIMITS.nameCharsMax;
    for (const one of [value].flat())
      if (typeof one === 'string') expect(one.length, field).toBeLessThanOrEqual(charsMax);
  }
  for (const text of textsOf(event)) {
    expect(text.isWellFormed()).toBe(true);
    expect(/\p{Cc}/u.test(text), `control character in ${JSON.stringify(text)}`).toBe(false);
  }
  const decoded = decodeStoredEvent(Buffer.from(encodeStoredEvent(event, null)), 'none');
  expect(decoded).toEqual({ ...event, ...lanePlaceIn(event.id), settledTo: null });
}

/** Every record is settled once, by an outcome that is well formed; ids of events are those of the records that opened them. */
function check(format: Format, outcomes: readonly Outcome[], recordCount: number): void {
  const settled = outcomes.flatMap(({ settles }) => settles);
  expect([...settled].sort()).toEqual(Array.from({ length: recordCount }, (_, i) => `source/0/${i}`).sort());
  for (const outcome of outcomes) {
    expect(outcome.settles.length).toBeGreaterThan(0);
    if (outcome.kind === 'event') {
      expect(outcome.event.id).toBe(outcome.settles[0]);
      checkEvent(outcome.event, format);
    } else if (outcome.kind === 'dead-letter') {
      expect(DEAD_LETTER_CODES).toContain(outcome.code);
      expect(outcome.reason.length).toBeGreaterThan(5);
      expect(outcome.reason.length).toBeLessThan(300);
    } else expect(outcome.rule).toMatch(/^[a-z]+([-_][a-z]+)*$/);
  }
}

/** A sample's record with something changed about it, as an attacker or an accident would. */
function damaged(records: readonly string[]): fc.Arbitrary<string | Uint8Array> {
  const one = fc.constantFrom(...records);
  const odd = fc.oneof(
    fc.constantFrom<unknown>(null, true, -1, 1.5, 1e300, '', [], {}, '\u0000', '\ud800', "'", '"', '9'.repeat(400)),
    fc.string({ unit: 'binary', maxLength: 600 }),
    fc.jsonValue({ maxDepth: 3 }),
  );
  return fc.oneof(
    one,
    fc.tuple(one, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1))),
    fc.tuple(one, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([text, at, bytes]) => {
      const copy = Buffer.from(text);
      copy.set(bytes.subarray(0, copy.length - (at % copy.length)), at % copy.length);
      return copy;
    }),
    fc.tuple(one, fc.nat(), odd).map(([text, at, value]) => withField(text, at, value)),
    fc.uint8Array({ maxLength: 200 }),
  );
}

function withField(text: string, at: number, value: unknown): string {
  const fields = Object.entries(JSON.parse(text) as Record<string, unknown>);
  if (fields.length === 0) return text;
  const changed = fields.map(([name, old], i) => [name, i === at % fields.length ? value : old] as const);
  return JSON.stringify(Object.fromEntries(changed));
}

describe('formats', () => {
  it('the list and the folder agree, in order', async () => {
    const files = (await readdir(FOLDER)).sort();
    expect(FORMATS.map(({ id }) => `${id}.ts`)).toEqual(files);
  });
});

describe.each(FORMATS.map((format) => [format.id, format] as const))('format %s', (id, format) => {
  const records = format.samples.flatMap((sample) => sample.records);
  const sound = records.filter((text) => text.startsWith('{'));
  const assert = <T>(arbitrary: fc.Arbitrary<T>, law: (value: T) => void, numRuns = 200) =>
    fc.assert(fc.property(arbitrary, law), { seed: SEED, numRuns });

  it('is the default export of its file', async () => {
    const loaded = (await import(new URL(`${id}.ts`, FOLDER).href)) as { default: unknown };
    expect(loaded.default).toBe(format);
  });

  it.each(format.samples.map((sample) => [sample.name, sample] as const))('sample: %s', (_, sample) => {
    const outcomes = run(format, sample.records);
    check(format, outcomes, sample.records.length);
    expect(outcomes).toHaveLength(sample.expect.length);
    for (const [i, expected] of sample.expect.entries()) expect(outcomes[i]).toMatchObject(expected);
  });

  it('documents itself: what it needs, and how far each field can be believed', () => {
    expect(format.title.length).toBeGreaterThan(4);
    expect(format.description.length).toBeGreaterThan(120);
    const kinds = new Set(format.samples.flatMap(({ expect: outcomes }) => outcomes.map(({ kind }) => kind)));
    expect(kinds.has('event') && kinds.has('dead-letter')).toBe(true);
    const set = new Set<string>();
    for (const outcome of format.samples.flatMap((sample) => run(format, sample.records))) {
      if (outcome.kind !== 'event') continue;
      for (const [field, value] of Object.entries(outcome.event) as [string, unknown][]) {
        if (value !== null && !(Array.isArray(value) && value.length === 0)) set.add(field);
      }
    }
    const fromSource = [...set].filter((field) => !NOT_FROM_THE_SOURCE.has(field)).sort();
    expect(Object.keys(format.trust).sort()).toEqual(fromSource);
    for (const typed of ['statement', 'application'] as const) expect(format.trust[typed] ?? 'claimed').toBe('claimed');
  });

  it('settles every record once, whatever comes in whatever order, flushed whenever; the same twice', () => {
    const streams = fc.tuple(fc.array(damaged(sound), { maxLength: 40 }), fc.uniqueArray(fc.nat(40)));
    assert(streams, ([values, flushes]) => {
      const outcomes = run(format, values, new Set(flushes));
      check(format, outcomes, values.length);
      expect(run(format, values, new Set(flushes))).toEqual(outcomes);
    });
  });

  it('survives bytes of any kind', () => {
    assert(fc.uint8Array({ maxLength: 400 }), (bytes) => check(format, run(format, [bytes]), 1));
    for (const value of ['', ' ', 'null', '[]', '1', '"x"', '{}', '{"a":1}{}', '\ufeff{}', '{"a":'.repeat(9)]) {
      check(format, run(format, [value]), 1);
    }
  });

  it('refuses what is too large, too deep or not UTF-8', () => {
    const codes = [
      Buffer.alloc(10 << 20, 0x20),
      Buffer.from('['.repeat(500_000)),
      Buffer.from(`{"a":${'{"a":'.repeat(200)}1${'}'.repeat(201)}`),
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    ].map((value) => {
      const [outcome] = run(format, [value]);
      return outcome?.kind === 'dead-letter' ? outcome.code : outcome?.kind;
    });
    expect(codes).toEqual(['too-large', 'too-deep', 'too-deep', 'not-utf8']);
  });

  it('is not led astray by names that objects have by nature', () => {
    const nasty = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
    for (const text of sound) {
      const inner = nasty.map((name) => `"${name}":{"polluted":true,"token":"x"}`).join(',');
      check(format, run(format, [text.replace(/^\{/, `{${inner},`)]), 1);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('keeps no literal of a statement', () => {
    const secret = 'zq7SecretWord';
    let plantedCount = 0;
    for (const text of sound) {
      // Into every text literal of the record's SQL.
      const planted = text.replace(/'[^']*'/g, `'${secret}'`);
      if (planted === text) continue;
      plantedCount += 1;
      for (const outcome of run(format, [planted])) {
        expect(JSON.stringify(outcome)).not.toContain(secret);
      }
    }
    expect(plantedCount, 'a sample has SQL with a literal').toBeGreaterThan(0);
  });

  it('holds back a bounded number of records', () => {
    const normaliser = format.open();
    const settledCount = (outcomes: readonly Outcome[]) =>
      outcomes.reduce((sum, { settles }) => sum + settles.length, 0);
    let open = 0;
    let mostOpen = 0;
    const sessions = sound.filter((text) => text.includes('session_id'));
    const [text = sound[0] ?? ''] = sessions;
    for (let i = 0; i < 20_000; i++) {
      // Sessions without number, of which each says one thing.
      const value = text.replace(/("session_id":")[^"]*/, `$1session-${i}`);
      open += 1 - settledCount(normaliser.push(record(i, value)));
      mostOpen = Math.max(mostOpen, open);
    }
    expect(mostOpen).toBeLessThan(2000);
    for (let i = 20_000; i < 40_000; i++) {
      // One session that repeats itself.
      open += 1 - settledCount(normaliser.push(record(i, text)));
      mostOpen = Math.max(mostOpen, open);
    }
    expect(mostOpen).toBeLessThan(HELD_MAX / 64);
    expect(open - settledCount(normaliser.flush())).toBe(0);
  });

  it('cuts what is too long', () => {
    const long = 'x'.repeat(5000);
    for (const text of sound) {
      for (let at = 0; at < Object.keys(JSON.parse(text) as object).length; at++) {
        check(format, run(format, [withField(text, at, long)]), 1);
        check(
          format,
          run(format, [
            withField(
              text,
              at,
              Array.from({ length: 500 }, (_, i) => `table_${i}${long}`),
            ),
          ]),
          1,
        );
      }
    }
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS, TRUNCATION_MARK } from '../../src/domain/audit-event.ts';
import { addressOf, countOf, cut, nameOf, tablesOf, timeOf, tokenOf } from '../../src/normalise/fields.ts';
import { JSON_DEPTH_MAX, parseJsonObject } from '../../src/normalise/json.ts';

describe('names', () => {
  it('keep different names different, and show nothing that is not seen', () => {
    expect(nameOf('a\u202eb\u0000c\nd')).toBe('a\uFFFDb\uFFFDc\uFFFDd');
    expect(nameOf('')).toBeNull();
    expect([1, null, undefined, {}, ['a']].map(nameOf)).toEqual([null, null, null, null, null]);
  });

  it('are cut with a mark, never through a character', () => {
    for (let i = 0; i < 4; i++) {
      const name = nameOf('x'.repeat(i) + '😀'.repeat(500)) ?? '';
      expect(name.length).toBeLessThanOrEqual(LIMITS.nameCharsMax);
      expect(name.endsWith(TRUNCATION_MARK)).toBe(true);
      expect(name.isWellFormed()).toBe(true);
    }
    expect(cut('short', 10)).toBe('short');
  });

  it('of tokens stay apart however long they are', () => {
    const long = 'eyJhbGciOiJIUzI1NiJ9.'.repeat(50);
    const tokens = ['a', 'b', 'c'].map((end) => tokenOf(long + end));
    expect(new Set(tokens).size).toBe(3);
    for (const token of tokens) expect(token?.length).toBeLessThanOrEqual(LIMITS.nameCharsMax);
  });

  it('of tables are in lower case, each once, so many at most', () => {
    expect(tablesOf(['A', 'a', 'B', ''])).toEqual(['a', 'b']);
    expect(tablesOf(Array.from({ length: 500 }, (_, i) => `t${i}`))).toHaveLength(LIMITS.tablesMax);
  });
});

describe('counts', () => {
  it('are whole, exact and not negative', () => {
    expect([0, 7, '12', 2 ** 53 - 1].map(countOf)).toEqual([0, 7, 12, 2 ** 53 - 1]);
    expect([-1, 1.5, 2 ** 53, Number.NaN, '1e3', '-1', '', ' 1', null, true, [1]].map(countOf)).toEqual(
      Array(11).fill(null),
    );
  });
});

describe('times', () => {
  it.each([
    ['2026-09-07T09:14:00.123Z', Date.UTC(2026, 8, 7, 9, 14, 0, 123)],
    ['2026-09-07 09:14:00.123 UTC', Date.UTC(2026, 8, 7, 9, 14, 0, 123)],
    ['2026-09-07T09:14:00.123456+02:00', Date.UTC(2026, 8, 7, 7, 14, 0, 123)],
    ['2026-09-07 09:14:00-0330', Date.UTC(2026, 8, 7, 12, 44)],
    ['2016-12-31T23:59:60Z', Date.UTC(2016, 11, 31, 23, 59, 59)],
  ])('%s', (text, at) => {
    expect(timeOf(text)).toEqual({ at });
  });

  it.each([
    '2026-09-07T09:14:00',
    '2026-09-07 09:14:00 IST',
    '2026-02-30T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '24/12/2026',
    '',
    1e12,
    null,
  ])('refuses %s, and says why', (text) => {
    expect(timeOf(text)).toMatchObject({ reason: expect.stringMatching(/time/) });
  });

  it('agree with Date on every time since 1970', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        expect(timeOf(date.toISOString())).toEqual({ at: date.getTime() });
      }),
    );
  });
});

describe('addresses', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:5432', '192.0.2.7'],
    ['[2001:DB8::1]:443', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[local]', null],
    ['host.example.com', null],
    ['192.0.2.07', null],
    ['0x7f.1', null],
    ['192.0.2', null],
    ['', null],
    [`192.0.2.7${' '.repeat(100)}`, null],
    [7, null],
  ])('%j → %s', (value, expected) => {
    expect(addressOf(value)).toBe(expected);
  });
});

describe('parseJsonObject', () => {
  const parse = (text: string | Uint8Array) => parseJsonObject(typeof text === 'string' ? Buffer.from(text) : text);

  it.each([
    ['not JSON', 'not-json'],
    ['[1]', 'wrong-shape'],
    ['null', 'wrong-shape'],
    ['"x"', 'wrong-shape'],
    ['', 'not-json'],
    ['{"a":'.repeat(40), 'too-deep'],
  ])('%s: %s', (text, code) => {
    expect(parse(text)).toMatchObject({ ok: false, unreadable: { code } });
  });

  it('checks size and encoding before anything is built', () => {
    expect(parse(Buffer.alloc(LIMITS.recordBytesMax + 1, ' '))).toMatchObject({ unreadable: { code: 'too-large' } });
    expect(parse(Buffer.from([0x7b, 0xff, 0x7d]))).toMatchObject({ unreadable: { code: 'not-utf8' } });
  });

  it('counts depth outside of texts only', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(parse(nested(JSON_DEPTH_MAX)).ok).toBe(true);
    expect(parse(nested(JSON_DEPTH_MAX + 1)).ok).toBe(false);
    expect(parse(`{"a": "${'['.repeat(1000)}\\"${'{'.repeat(1000)}"}`).ok).toBe(true);
  });

  it('gives names that mean something to JavaScript no meaning', () => {
    const parsed = parse('{"__proto__": {"token": "x"}, "constructor": 1}');
    expect(parsed.ok && parsed.object['token']).toBeUndefined();
    expect(({} as Record<string, unknown>)['token']).toBeUndefined();
  });

  it('never quotes the record in its reason', () => {
    const parsed = parse('{"password": "hunter2" oops');
    expect(JSON.stringify(parsed)).not.toContain('hunter2');
  });
});

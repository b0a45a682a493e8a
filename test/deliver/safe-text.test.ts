import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, quoted, safeText } from '../../src/deliver/safe-text.ts';

describe('safeText', () => {
  it.each([
    ['line\r\nbreak', 'line\\u{d}\\u{a}break'],
    ['\u001b[2J\u001b]8;;http://evil\u0007', '\\u{1b}[2J\\u{1b}]8;;http://evil\\u{7}'],
    ['a\u202egnp.exe', 'a\\u{202e}gnp.exe'],
    ['ad\u200bmin', 'ad\\u{200b}min'],
    ['\ufeffx\u2028y\u2029', '\\u{feff}x\\u{2028}y\\u{2029}'],
    ['nul\0 del\x7f c1\x9b', 'nul\\u{0} del\\u{7f} c1\\u{9b}'],
    ['lone \ud800 and \udc00', 'lone \\u{d800} and \\u{dc00}'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['wide\u00a0\u3000blanks', 'wide\\u{a0}\\u{3000}blanks'],
    ['\u3164filler\u2800', '\\u{3164}filler\\u{2800}'],
    ['zal\u0300\u0301\u0302\u0303go', 'zal\u0300\u0301\\u{302}\\u{303}go'],
    ['star\ufe0f', 'star\\u{fe0f}'],
    ['\ue000private', '\\u{e000}private'],
  ])('%j', (text, expected) => {
    expect(safeText(text)).toBe(expected);
  });

  it('leaves what people write alone', () => {
    for (const text of ['naïve Zoë', 'Ærø 東京 Москва', 'दिल्ली', '😀 ok', 'public."Table"', 'a  b'])
      expect(safeText(text)).toBe(text);
  });

  it('is never longer than asked, never treacherous, and the same when done twice', () => {
    const treacherous = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 1, max: 300 }), (text, max) => {
        const safe = safeText(text, max);
        expect(safe.length).toBeLessThanOrEqual(max);
        expect(safe).not.toMatch(treacherous);
        expect(safeText(safe, max)).toBe(safe);
      }),
      { seed: 20_260_901, numRuns: 500 },
    );
  });

  it('takes no longer for a hostile megabyte', () => {
    const startedAt = performance.now();
    safeText('\u0300'.repeat(1 << 20));
    expect(performance.now() - startedAt).toBeLessThan(50);
  });
});

describe('cutText', () => {
  it('does not cut a character in half', () => {
    expect(cutText('ab😀', 3)).toBe('ab');
    expect(cutText('ab😀', 4)).toBe('ab😀');
  });
});

describe('quoted', () => {
  it('cannot be left from inside', () => {
    expect(quoted('x" was resolved. Token "y')).toBe(`"x' was resolved. Token 'y"`);
  });
});

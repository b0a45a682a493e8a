import { describe, expect, it } from 'vitest';
import { byteText, deltaText, isoTime, oddsText, timeText } from '../../src/deliver/words.ts';
import { countText, numberText } from '../../src/domain/words.ts';

describe('words', () => {
  it('numbers', () => {
    expect([0, 48_211, 1.006, -3, Infinity].map(numberText)).toEqual(['0', '48,211', '1.01', '-3', 'Infinity']);
    expect([countText(1, 'row'), countText(48_211, 'row')]).toEqual(['1 row', '48,211 rows']);
    expect([0, 1, 1023, 1024, 9_542_041, 2 ** 60].map(byteText)).toEqual([
      '0 bytes',
      '1 bytes',
      '1,023 bytes',
      '1 KiB',
      '9.1 MiB',
      '1,024 PiB',
    ]);
  });

  it('times, whatever an event says', () => {
    expect(timeText(Date.UTC(2026, 8, 7, 9, 14, 3, 120))).toBe('2026-09-07 09:14:03.120 UTC');
    for (const odd of [Number.NaN, Infinity, 9e15]) {
      expect(timeText(odd)).toBe('at an unknown time');
      expect(isoTime(odd)).toBeNull();
    }
  });

  it('time between', () => {
    expect([0, 52, 3200, 119_940, 240_000, 7_200_000, 1e9, -1500].map(deltaText)).toEqual([
      '+0 ms',
      '+52 ms',
      '+3.2 s',
      '+119.9 s',
      '+4 min',
      '+2 h',
      '+11.6 days',
      '−1.5 s',
    ]);
  });

  it('odds', () => {
    expect([0, 4, 17.2, 31.44, 45, 60, -2, 3000].map(oddsText)).toEqual([
      'about 1',
      'about 16',
      'about 150,000',
      'about 2.9 billion',
      'about 35 trillion',
      'more than a thousand trillion',
      'about 1',
      'more than a thousand trillion',
    ]);
  });
});

import { expect, it } from 'vitest';
import { TokenBook } from '../../src/decide/token-book.ts';

it('keeps the last that was said of each token, and forgets what was said longest ago past its limit', () => {
  const book = new TokenBook(2);
  for (const token of ['a', 'b', 'c']) expect(book.take({ token, at: 2 })).toBe(true);
  expect(['a', 'b', 'c'].map((token) => book.about(token) !== undefined)).toEqual([false, true, true]);
  expect([
    book.take({ token: 'b', at: 2 }),
    book.take({ token: 'b', at: 1 }),
    book.take({ token: 'b', at: 3 }),
  ]).toEqual([false, false, true]);
});

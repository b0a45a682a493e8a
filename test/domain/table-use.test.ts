import { expect, it } from 'vitest';
import { tableUse } from '../../src/domain/table-use.ts';

it('says what is done to a table, and what the source does not say is left out', () => {
  expect(tableUse('delete', 'public.orders')).toBe('delete public.orders');
  expect(tableUse('select', 'public.orders')).toBe('select public.orders');
  expect(tableUse(null, 'public.orders')).toBe('public.orders');
  expect(tableUse(null, 'public.users')).toBe('public.users');
});

it('is right about more uses than it keeps', () => {
  for (const round of [1, 2]) {
    for (let i = 0; i < 10_000; i++) expect(tableUse('select', `t${i}`), `round ${round}`).toBe(`select t${i}`);
  }
});

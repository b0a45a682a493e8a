import { expect, it } from 'vitest';
import { notice, type StoredNotice } from '../../src/baseline/notice.ts';
import { openField } from './open-field.ts';

it('keeps the last notice, once and in order, whether it stands or was withdrawn', () => {
  const { field, outside } = openField(notice('leaked'));
  const stored = field as StoredNotice;
  const seen = () => [stored.since, stored.isGiven];
  expect(seen()).toEqual([0, false]);
  expect(stored.take(100, true)).toBe(true);
  expect(seen()).toEqual([100, true]);
  expect([stored.take(100, false), stored.take(99, false)]).toEqual([false, false]);
  expect(stored.take(200, false)).toBe(true);
  expect(seen()).toEqual([0, true]);
  // A copy of the first, passed on late.
  expect([stored.take(100, true), stored.take(200, true)]).toEqual([false, false]);
  expect(seen()).toEqual([0, true]);
  expect(stored.take(300, true)).toBe(true);
  expect(stored.since).toBe(300);
  expect(outside()).toBe(false);
});

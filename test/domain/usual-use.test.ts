import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { UsualTally, usualPartOf, weekDistanceMs } from '../../src/domain/usual-use.ts';
import { sampleAlert } from '../store/sample.ts';

const HOUR_MS = 3_600_000;
const AT = Date.UTC(2026, 8, 20, 3, 2);
const AT_HOUR = Date.UTC(2026, 8, 20, 3) / HOUR_MS;

it('is usual what was done until six hours before, and not around other alerts of the token that nobody called expected', () => {
  const { alert } = sampleAlert(1, { openedAt: AT });
  const other = (hours: number, token = alert.token) =>
    sampleAlert(2, { token, openedAt: AT - hours * HOUR_MS, updatedAt: AT - (hours - 1) * HOUR_MS }).alert;
  const answered = (kind: 'expected' | 'noise' | 'true-positive') => ({
    ...{ kind, token: alert.token, episode: 'e', openedAt: 0, at: 0, until: null },
    ...{ alertId: 'alr_2', by: 'ann', why: '', score: 20, isCertain: false },
  });
  const part = usualPartOf(alert, [
    { alert },
    { alert: other(48) },
    { alert: other(72), verdicts: [answered('expected')] },
    { alert: other(96), verdicts: [answered('expected'), answered('true-positive')] },
    { alert: other(120, 'another token') },
    { alert: other(-24) },
  ]);
  expect(part).toMatchObject({ token: alert.token, before: AT - 6 * HOUR_MS, alertsLeftOut: 2 });
  const hoursAfterIt = (hour: number) => hour - AT_HOUR;
  // An hour each, and six before and after.
  const around = (hours: number) => Array.from({ length: 14 }, (_, i) => i - 6 - hours);
  expect([...part.hoursLeftOut].map(hoursAfterIt).sort((a, b) => a - b)).toEqual([...around(96), ...around(48)]);
});

it('is without alerts of any number and length, and looked at for no more than 400 days', () => {
  const { alert } = sampleAlert(1, { openedAt: AT });
  const long = sampleAlert(2, { token: alert.token, openedAt: 0, updatedAt: AT }).alert;
  const part = usualPartOf(
    alert,
    Array.from({ length: 1000 }, () => ({ alert: long })),
  );
  expect(part.alertsLeftOut).toBe(1000);
  expect(part.hoursLeftOut.size).toBe(400 * 24 + 1);
  const tally = new UsualTally(usualPartOf(alert, []), AT);
  const { from, before } = part;
  for (const at of [from - 1, from, before - 1, before]) tally.take(blankEvent(`e/${at}`, alert.token, at));
  expect(tally.usual).toMatchObject({ eventCount: 2, since: from });
});

it('knows how far apart two times are in the week, whichever is the earlier', () => {
  const anyTime = fc.integer({ min: 0, max: 4e12 });
  fc.assert(
    fc.property(anyTime, anyTime, fc.integer({ min: 0, max: 84 * HOUR_MS }), (a, b, apartMs) => {
      const week = 168 * HOUR_MS;
      expect(weekDistanceMs(a, b)).toBe(weekDistanceMs(b, a));
      expect(weekDistanceMs(a, b)).toBe(weekDistanceMs(a + week, b));
      expect(weekDistanceMs(a, b)).toBeLessThanOrEqual(week / 2);
      expect(weekDistanceMs(a, a + 5 * week + apartMs)).toBe(apartMs);
    }),
  );
});

it('counts events that are too many kinds to be told apart', () => {
  const tally = new UsualTally({ token: 'tok', from: 0, before: AT, hoursLeftOut: new Set(), alertsLeftOut: 0 }, AT);
  for (let n = 0; n < 10_050; n++) tally.take({ ...blankEvent(`e/${n}`, 'tok', n), tables: [`t${n}`] });
  expect(tally.usual).toMatchObject({ eventCount: 10_050, since: 0 });
  expect(tally.usual.uses).toHaveLength(10_000);
});

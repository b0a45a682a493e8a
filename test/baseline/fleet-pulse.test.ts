import { describe, expect, it } from 'vitest';
import { FleetPulse } from '../../src/baseline/fleet-pulse.ts';
import { hashName } from '../../src/baseline/hash.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';

const START = Date.UTC(2026, 8, 7);
const TOKENS = Array.from({ length: 60 }, (_, i) => hashName(`token ${i}`, 7));
/** Each token's uses in an hour of the day: more by day than at night. */
const usual = (hour: number): number => (hour % 24 >= 8 && hour % 24 < 18 ? 12 : 3);

/** Lets every token do in each of these hours what is said of it. */
function live(
  pulse: FleetPulse,
  hours: readonly [from: number, until: number],
  uses = (hour: number, _: number) => usual(hour),
) {
  for (let hour = hours[0]; hour < hours[1]; hour++) {
    for (let i = 0; i < 60; i++) {
      const at = START + hour * HOUR_MS + i * MINUTE_MS;
      TOKENS.forEach((user, token) => {
        const count = uses(hour, token);
        const now = Math.floor(((i + 1) * count) / 60) - Math.floor((i * count) / 60);
        for (let use = 0; use < now; use++) pulse.add(at, user);
      });
    }
  }
}

function afterThreeWeeks(): FleetPulse {
  const pulse = new FleetPulse();
  live(pulse, [0, 21 * 24]);
  return pulse;
}

const NOON = 21 * 24 + 12;

describe('the level of a fleet', () => {
  it('is 0 while all do what they usually do, by night and by day', () => {
    const pulse = afterThreeWeeks();
    for (let hour = 21 * 24; hour < 22 * 24; hour++) {
      live(pulse, [hour, hour + 1]);
      expect(pulse.level(MINUTE_MS)).toBe(0);
      expect(pulse.level(DAY_MS)).toBe(0);
    }
  });

  it('rises when all do four times as much: within the hour by minutes and hours, by days as the day goes on', () => {
    const pulse = afterThreeWeeks();
    live(pulse, [21 * 24, NOON]);
    live(pulse, [NOON, NOON + 8], (hour) => 4 * usual(hour));
    expect(pulse.level(MINUTE_MS)).toBeGreaterThan(1);
    expect(pulse.level(HOUR_MS)).toBeLessThan(2);
    expect(pulse.level(DAY_MS)).toBeGreaterThan(0.5);
    live(pulse, [NOON + 8, NOON + 11]);
    expect(pulse.level(MINUTE_MS)).toBe(0);
    // The day has been a full one nevertheless.
    expect(pulse.level(DAY_MS)).toBeGreaterThan(0.5);
    live(pulse, [22 * 24, 22 * 24 + 12]);
    expect(pulse.level(DAY_MS)).toBe(0);
  });

  it('is hardly moved by one token, whatever it does', () => {
    const pulse = afterThreeWeeks();
    live(pulse, [21 * 24, NOON + 1], (hour, token) => (token === 0 ? 1000 : usual(hour)));
    expect(pulse.level(MINUTE_MS)).toBe(0);
    expect(pulse.level(DAY_MS)).toBe(0);
  });

  it('is 0 where tokens are few, or known for less than days', () => {
    const few = new FleetPulse();
    live(few, [0, 21 * 24], (hour, token) => (token < 2 ? usual(hour) : 0));
    live(few, [21 * 24, NOON], (_, token) => (token < 1 ? 500 : 3));
    expect(few.level(MINUTE_MS)).toBeLessThan(0.5);
    const young = new FleetPulse();
    live(young, [0, 12], (hour) => usual(hour));
    live(young, [12, 14], (hour) => 8 * usual(hour));
    expect(young.level(MINUTE_MS)).toBe(0);
  });

  it('does not go by what comes late', () => {
    const pulse = afterThreeWeeks();
    live(pulse, [21 * 24, NOON]);
    live(pulse, [NOON - 30, NOON - 20], () => 500);
    expect(pulse.level(MINUTE_MS)).toBe(0);
    expect(pulse.level(DAY_MS)).toBe(0);
  });

  it('comes back as it was, and goes on to the same bytes', () => {
    const pulse = afterThreeWeeks();
    const restored = new FleetPulse();
    live(restored, [0, 3]);
    restored.restore(pulse.toBytes());
    for (const one of [pulse, restored]) live(one, [21 * 24, NOON + 1], (hour) => 3 * usual(hour));
    expect(restored.level(HOUR_MS)).toBe(pulse.level(HOUR_MS));
    expect(restored.level(HOUR_MS)).toBeGreaterThan(0);
    expect(Buffer.compare(restored.toBytes(), pulse.toBytes())).toBe(0);
  });

  it('is 0 after bytes of another version', () => {
    const pulse = afterThreeWeeks();
    live(pulse, [21 * 24, NOON + 1], (hour) => 4 * usual(hour));
    pulse.restore(Buffer.alloc(20, 1));
    expect(pulse.level(MINUTE_MS)).toBe(0);
    expect(pulse.toBytes().every((byte) => byte === 0)).toBe(true);
  });
});

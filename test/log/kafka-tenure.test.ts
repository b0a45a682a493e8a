import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/domain/clock.ts';
import { instantOf, Tenure } from '../../src/log/kafka-tenure.ts';

function handClock(): Clock & { pass(ms: number): void; setBy(ms: number): void } {
  let [elapsed, now] = [1_000, 1_795_481_195_000];
  return {
    elapsed: () => elapsed,
    now: () => now,
    sleep: async () => {},
    pass(ms) {
      [elapsed, now] = [elapsed + ms, now + ms];
    },
    /** Somebody sets the clock; or the machine was suspended, during which the monotonic one stands still. */
    setBy(ms) {
      now += ms;
    },
  };
}

function newTenure() {
  const clock = handClock();
  return { clock, tenure: new Tenure({ clock, leaseMs: 5_000, rejoinMs: 15_000 }, instantOf(clock)) };
}

describe('a tenure', () => {
  it('lasts for the lease after the coordinator last answered', () => {
    const { clock, tenure } = newTenure();
    clock.pass(4_999);
    expect(tenure.valid()).toBe(true);
    expect(tenure.renew(instantOf(clock))).toBe(true);
    clock.pass(4_999);
    expect(tenure.valid()).toBe(true);
    clock.pass(1);
    expect(tenure.valid()).toBe(false);
  });

  it('counts from when the request was sent, not from the answer', () => {
    const { clock, tenure } = newTenure();
    const sentAt = instantOf(clock);
    clock.pass(3_000);
    tenure.renew(sentAt);
    clock.pass(2_000);
    expect(tenure.valid()).toBe(false);
  });

  it('stays lapsed, even when nobody looked', () => {
    const { clock, tenure } = newTenure();
    clock.pass(5_000);
    expect(tenure.renew(instantOf(clock))).toBe(false);
    expect(tenure.valid()).toBe(false);
  });

  it('ends when the machine was suspended, and bears a clock that is set back', () => {
    const { clock, tenure } = newTenure();
    clock.setBy(-3_600_000);
    clock.pass(1_000);
    expect(tenure.valid()).toBe(true);
    expect(tenure.renew(instantOf(clock))).toBe(true);
    clock.setBy(60_000);
    expect(tenure.valid()).toBe(false);
  });

  it('ends when a call to join anew is not answered in time, though the coordinator still answers', () => {
    const { clock, tenure } = newTenure();
    tenure.call(instantOf(clock));
    for (let i = 0; i < 14; i++) {
      clock.pass(1_000);
      tenure.renew(instantOf(clock));
      tenure.call(instantOf(clock));
    }
    expect(tenure.valid()).toBe(true);
    clock.pass(1_000);
    expect(tenure.valid()).toBe(false);
  });

  it('goes on after joining anew', () => {
    const { clock, tenure } = newTenure();
    tenure.call(instantOf(clock));
    clock.pass(4_000);
    tenure.renew(instantOf(clock));
    tenure.joined();
    for (let i = 0; i < 20; i++) {
      clock.pass(1_000);
      tenure.renew(instantOf(clock));
    }
    expect(tenure.valid()).toBe(true);
  });
});

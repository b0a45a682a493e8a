import { describe, expect, it } from 'vitest';
import {
  deliverUntilSettled,
  NOTIFICATION_SCHEDULE_MS,
  REVOCATION_SCHEDULE_MS,
  type RetryOptions,
} from '../../src/deliver/retry.ts';
import type { Verification } from '../../src/deliver/revoker.ts';
import type { DeliveryOutcome } from '../../src/domain/action.ts';
import { ManualClock } from './manual-clock.ts';

const RETRY: DeliveryOutcome = { kind: 'retry', detail: 'answered 503' };
const DAY_MS = 86_400_000;

function options(clock: ManualClock, overrides: Partial<RetryOptions> = {}) {
  return {
    schedule: REVOCATION_SCHEDULE_MS,
    clock,
    random: () => 0.5,
    signal: new AbortController().signal,
    expiresAt: clock.now() + DAY_MS,
    ...overrides,
  };
}

/** Makes attempts that go as told and remembers when they were made, ms since the start. */
function scripted(clock: ManualClock, outcomeAt: (attempt: number) => DeliveryOutcome) {
  const startedAt = clock.now();
  const attemptedAt: number[] = [];
  const attempt = async () => {
    attemptedAt.push(clock.now() - startedAt);
    return outcomeAt(attemptedAt.length);
  };
  return { attempt, attemptedAt };
}

describe('deliverUntilSettled', () => {
  it('ends with the first final outcome', async () => {
    const clock = new ManualClock();
    const accepted: DeliveryOutcome = { kind: 'accepted', detail: 'answered 200' };
    const { attempt } = scripted(clock, () => accepted);
    expect(await deliverUntilSettled(attempt, options(clock))).toEqual({ outcome: accepted, attemptCount: 1 });
    const refused: DeliveryOutcome = { kind: 'refused', detail: 'answered 400' };
    const other = scripted(clock, (n) => (n < 3 ? RETRY : refused));
    const settling = deliverUntilSettled(other.attempt, options(clock));
    await clock.advance(5000);
    expect(await settling).toEqual({ outcome: refused, attemptCount: 3 });
  });

  it('keeps the schedules', async () => {
    for (const [schedule, expected] of [
      [REVOCATION_SCHEDULE_MS, [0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 60.5, 120.5, 180.5, 240.5]],
      [NOTIFICATION_SCHEDULE_MS, [0, 1, 6, 21, 81, 381, 681, 981]],
    ] as const) {
      const clock = new ManualClock();
      const { attempt, attemptedAt } = scripted(clock, (n) =>
        n < expected.length ? RETRY : { kind: 'accepted', detail: 'ok' },
      );
      const settling = deliverUntilSettled(attempt, options(clock, { schedule }));
      await clock.advance(1_000_000);
      await settling;
      expect(attemptedAt).toEqual(expected.map((seconds) => seconds * 1000));
    }
  });

  it('varies waits by a fifth to either side', async () => {
    for (const [random, secondAt] of [
      [0, 800],
      [0.5, 1000],
      [0.999_999, 1200],
    ] as const) {
      const clock = new ManualClock();
      const { attempt, attemptedAt } = scripted(clock, (n) => (n === 1 ? RETRY : { kind: 'accepted', detail: 'ok' }));
      const settling = deliverUntilSettled(attempt, options(clock, { schedule: [0, 1000], random: () => random }));
      await clock.advance(2000);
      await settling;
      expect(attemptedAt).toEqual([0, secondAt]);
    }
  });

  it('waits as long as the other side asks, for that once', async () => {
    const clock = new ManualClock();
    const { attempt, attemptedAt } = scripted(clock, (n) =>
      n === 1 ? { ...RETRY, afterMs: 7000 } : n < 4 ? RETRY : { kind: 'accepted', detail: 'ok' },
    );
    const settling = deliverUntilSettled(attempt, options(clock));
    await clock.advance(60_000);
    await settling;
    expect(attemptedAt).toEqual([0, 7000, 8000, 10_000]);
  });

  it('expires instead of beginning an attempt too late, and says what went wrong last', async () => {
    const clock = new ManualClock();
    const { attempt, attemptedAt } = scripted(clock, () => RETRY);
    const settling = deliverUntilSettled(attempt, options(clock, { expiresAt: clock.now() + 10_000 }));
    await clock.advance(20_000);
    expect(await settling).toEqual({ outcome: { kind: 'expired', detail: 'answered 503' }, attemptCount: 5 });
    expect(attemptedAt.at(-1)).toBeLessThan(10_000);
    const late = scripted(clock, () => RETRY);
    expect(await deliverUntilSettled(late.attempt, options(clock, { expiresAt: clock.now() }))).toMatchObject({
      outcome: { kind: 'expired' },
      attemptCount: 0,
    });
    expect(late.attemptedAt).toEqual([]);
  });

  it('stops when the signal aborts, in the middle of a wait', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const { attempt, attemptedAt } = scripted(clock, () => RETRY);
    const settling = deliverUntilSettled(attempt, options(clock, { signal: stop.signal }));
    await clock.advance(600);
    stop.abort();
    expect(await settling).toEqual({ outcome: { kind: 'stopped', detail: 'answered 503' }, attemptCount: 2 });
    expect(attemptedAt).toEqual([0, 500]);
  });

  it('does not swallow what is our own fault', async () => {
    const clock = new ManualClock();
    const fault = async (): Promise<DeliveryOutcome> => {
      throw new TypeError('a bug');
    };
    await expect(deliverUntilSettled(fault, options(clock))).rejects.toThrow('a bug');
  });

  it('repeats verifications too', async () => {
    const clock = new ManualClock();
    const answers: Verification[] = [
      { kind: 'retry', detail: 'no answer' },
      { kind: 'ineffective', detail: 'still active' },
    ];
    const { expiresAt, schedule, random, signal } = options(clock);
    const settling = deliverUntilSettled(async () => answers.shift(), { expiresAt, schedule, random, signal, clock });
    await clock.advance(1000);
    expect(await settling).toEqual({ outcome: { kind: 'ineffective', detail: 'still active' }, attemptCount: 2 });
  });
});

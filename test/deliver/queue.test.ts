import { describe, expect, it } from 'vitest';
import { type Delivery, DeliveryQueue, type DeliverySettlement, type QueueOptions } from '../../src/deliver/queue.ts';
import type { Action, DeliveryOutcome } from '../../src/domain/action.ts';
import { ManualClock } from './manual-clock.ts';
import { sampleAction } from './sample.ts';

const ACCEPTED: DeliveryOutcome = { kind: 'accepted', detail: 'ok' };
const RETRY: DeliveryOutcome = { kind: 'retry', detail: 'answered 503' };

/** A queue, a clock, and a target that answers as told, taking as long as told. */
function setUp(overrides: Partial<QueueOptions> = {}) {
  const clock = new ManualClock();
  const startedAt = clock.now();
  const stop = new AbortController();
  const queue = new DeliveryQueue({
    target: 'people',
    pace: { concurrentMax: 1, intervalMs: 1000 },
    notificationsMax: 100,
    clock,
    random: () => 0.5,
    stop: stop.signal,
    ...overrides,
  });
  const attempts: [at: number, id: string][] = [];
  const settlements = new Map<string, DeliverySettlement>();
  const answers = { of: (_id: string, _attempt: number): DeliveryOutcome => ACCEPTED, afterMs: 0 };
  let busyCount = 0;
  let busyMax = 0;
  const deliver = (id: string, action: Partial<Action> = {}, priority = 0): Promise<DeliverySettlement> => {
    let attemptCount = 0;
    const delivery: Delivery = {
      action: sampleAction({ id, alertId: id, decidedAt: clock.now(), expiresAt: clock.now() + 86_400_000, ...action }),
      priority,
      attempt: async (signal) => {
        attempts.push([clock.now() - startedAt, id]);
        busyMax = Math.max(busyMax, ++busyCount);
        if (answers.afterMs > 0) await clock.sleep(answers.afterMs, signal);
        busyCount--;
        return answers.of(id, ++attemptCount);
      },
    };
    const settling = queue.deliver(delivery);
    void settling.then((settlement) => settlements.set(id, settlement));
    return settling;
  };
  const kindOf = (id: string) => settlements.get(id)?.outcome.kind;
  return { queue, clock, stop, attempts, answers, deliver, kindOf, settlements, busyMax: () => busyMax };
}

describe('pace', () => {
  it('leaves the interval between two attempts, retries included', async () => {
    const { clock, deliver, attempts, answers } = setUp();
    answers.of = (id, attempt) => (id === 'b' && attempt === 1 ? RETRY : ACCEPTED);
    for (const id of ['a', 'b', 'c', 'd']) void deliver(id);
    await clock.advance(10_000);
    expect(attempts).toEqual([
      [0, 'a'],
      [1000, 'b'],
      [2000, 'c'],
      [3000, 'd'],
      [4000, 'b'],
    ]);
  });

  it('calls no more often at once than allowed', async () => {
    const { clock, deliver, answers, attempts, busyMax } = setUp({ pace: { concurrentMax: 3, intervalMs: 0 } });
    answers.afterMs = 500;
    for (let i = 0; i < 10; i++) void deliver(`n${i}`);
    await clock.advance(10_000);
    expect(busyMax()).toBe(3);
    expect(attempts.map(([at]) => at)).toEqual([0, 0, 0, 500, 500, 500, 1000, 1000, 1000, 1500]);
  });

  it('the other side’s wish to be left alone holds for everything on its way there', async () => {
    const { clock, deliver, answers, attempts } = setUp();
    answers.of = (id, attempt) => (id === 'a' && attempt === 1 ? { ...RETRY, afterMs: 30_000 } : ACCEPTED);
    void deliver('a');
    await clock.advance(100);
    void deliver('b');
    await clock.advance(60_000);
    expect(attempts).toEqual([
      [0, 'a'],
      [30_000, 'b'],
      [31_000, 'a'],
    ]);
  });
});

describe('a failing delivery', () => {
  it('does not keep others of the same target waiting while it waits', async () => {
    const { clock, deliver, answers, kindOf } = setUp({ pace: { concurrentMax: 1, intervalMs: 0 } });
    answers.of = (id) => (id === 'bad' ? RETRY : ACCEPTED);
    void deliver('bad');
    await clock.advance(60_000);
    void deliver('good');
    await clock.advance(10);
    expect(kindOf('good')).toBe('accepted');
    expect(kindOf('bad')).toBeUndefined();
  });

  it('yields to what is told for the first time', async () => {
    const { clock, deliver, answers, attempts } = setUp({ pace: { concurrentMax: 1, intervalMs: 10_000 } });
    answers.of = () => RETRY;
    void deliver('old', {}, 4);
    await clock.advance(1500); // "old" is due again and waits for its turn
    void deliver('new', {}, 0);
    await clock.advance(10_000);
    expect(attempts.slice(0, 2)).toEqual([
      [0, 'old'],
      [10_000, 'new'],
    ]);
  });

  it('expires while it waits for its turn', async () => {
    const { clock, deliver, attempts, kindOf } = setUp({ pace: { concurrentMax: 1, intervalMs: 60_000 } });
    void deliver('a');
    void deliver('b', { expiresAt: clock.now() + 30_000 });
    await clock.advance(61_000);
    expect(kindOf('b')).toBe('expired');
    expect(attempts).toEqual([[0, 'a']]);
  });
});

describe('order', () => {
  it('the more severe goes first', async () => {
    const { clock, deliver, attempts } = setUp();
    void deliver('first', {}, 0);
    void deliver('low', {}, 1);
    void deliver('critical', {}, 4);
    void deliver('high', {}, 3);
    await clock.advance(10_000);
    expect(attempts.map(([, id]) => id)).toEqual(['first', 'critical', 'high', 'low']);
  });
});

describe('notifications of the same alert', () => {
  it('only the newest of those that wait is sent', async () => {
    const { clock, deliver, attempts, settlements, queue } = setUp();
    void deliver('a');
    for (const id of ['x1', 'x2', 'x3']) void deliver(id, { alertId: 'x' });
    void deliver('y1', { alertId: 'y' });
    await clock.advance(10_000);
    expect(attempts.map(([, id]) => id)).toEqual(['a', 'x3', 'y1']);
    expect(settlements.get('x1')).toMatchObject({ outcome: { kind: 'superseded' }, attemptCount: 0 });
    expect(settlements.get('x2')?.outcome.detail).toContain('x3');
    expect(queue.size).toBe(0);
  });

  it('one that is being retried is replaced too', async () => {
    const { clock, deliver, attempts, answers, kindOf } = setUp();
    answers.of = (id) => (id === 'x1' ? RETRY : ACCEPTED);
    void deliver('x1', { alertId: 'x' });
    await clock.advance(3000);
    void deliver('x2', { alertId: 'x' });
    await clock.advance(60_000);
    expect(kindOf('x1')).toBe('superseded');
    expect(kindOf('x2')).toBe('accepted');
    expect(attempts.filter(([, id]) => id === 'x1').every(([at]) => at <= 3000)).toBe(true);
  });

  it('one in hand ends as it ends', async () => {
    for (const [outcome, expected] of [
      [ACCEPTED, 'accepted'],
      [RETRY, 'superseded'],
    ] as const) {
      const { clock, deliver, answers, kindOf } = setUp();
      answers.afterMs = 500;
      answers.of = (id) => (id === 'x1' ? outcome : ACCEPTED);
      void deliver('x1', { alertId: 'x' });
      await clock.advance(100);
      void deliver('x2', { alertId: 'x' });
      await clock.advance(20_000);
      expect(kindOf('x1')).toBe(expected);
      expect(kindOf('x2')).toBe('accepted');
    }
  });
});

describe('actions about the same alert', () => {
  it('do not replace notifications of it', async () => {
    const { clock, deliver, kindOf } = setUp();
    void deliver('told', { alertId: 'x' });
    void deliver('told again', { alertId: 'x' });
    void deliver('revoked', { alertId: 'x', kind: 'revoke' });
    await clock.advance(10_000);
    for (const id of ['told again', 'revoked']) expect(kindOf(id)).toBe('accepted');
  });
});

describe('a full queue', () => {
  it('pushes the least severe, then the oldest notification out', async () => {
    const { clock, deliver, kindOf, settlements, queue } = setUp({
      notificationsMax: 3,
      pace: { concurrentMax: 1, intervalMs: 1e6 },
    });
    void deliver('sent', {}, 0);
    await clock.advance(1);
    expect(kindOf('sent')).toBe('accepted');
    void deliver('critical', {}, 4);
    void deliver('low1', {}, 1);
    void deliver('low2', {}, 1);
    void deliver('high', {}, 3);
    void deliver('medium', {}, 2);
    await clock.advance(1);
    expect([...settlements.keys()]).toEqual(['sent', 'low1', 'low2']);
    expect(settlements.get('low1')).toMatchObject({
      outcome: { kind: 'crowded-out', detail: expect.stringContaining('"people"') },
    });
    expect(queue.size).toBe(3);
  });

  it('never pushes a revocation or an undo out, nor replaces one', async () => {
    const { clock, deliver, settlements, queue, attempts } = setUp({ notificationsMax: 2 });
    for (let i = 0; i < 20; i++) void deliver(`r${i}`, { kind: i % 2 ? 'undo' : 'revoke', alertId: 'same' });
    for (let i = 0; i < 5; i++) void deliver(`n${i}`);
    await clock.advance(0);
    expect(queue.size, 'one of 20 + 2 has gone through').toBe(21);
    await clock.advance(60_000);
    expect(attempts).toHaveLength(22);
    expect([...settlements.values()].filter(({ outcome }) => outcome.kind === 'accepted')).toHaveLength(22);
  });
});

describe('stopping', () => {
  it('settles everything as stopped and leaves nothing behind', async () => {
    const { clock, stop, deliver, answers, kindOf, queue } = setUp();
    answers.afterMs = 10_000;
    answers.of = () => RETRY;
    const all = ['inHand', 'waits1', 'waits2'].map((id) => deliver(id));
    await clock.advance(100);
    stop.abort();
    await Promise.all(all);
    for (const id of ['inHand', 'waits1', 'waits2']) expect(kindOf(id)).toBe('stopped');
    expect(await deliver('late')).toMatchObject({ outcome: { kind: 'stopped' }, attemptCount: 0 });
    expect(queue.size).toBe(0);
    expect(clock.sleeperCount).toBe(0);
  });
});

describe('queues', () => {
  it('a target that hangs delays only itself', async () => {
    const clock = new ManualClock();
    const slow = setUp({ clock });
    const fast = setUp({ clock });
    slow.answers.afterMs = 1e9;
    void slow.deliver('a');
    void fast.deliver('b');
    await clock.advance(10);
    expect(fast.kindOf('b')).toBe('accepted');
    expect(slow.kindOf('a')).toBeUndefined();
    slow.stop.abort();
  });
});

import { describe, expect, it } from 'vitest';
import { emptyBins } from '../../src/baseline/day-tail.ts';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { Fleet } from '../../src/detect/fleet.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { tableUse } from '../../src/domain/table-use.ts';

const START = Date.UTC(2026, 8, 7);

function event(day: number, token = 'a', tables: readonly string[] = ['orders']): AuditEvent {
  return { ...blankEvent(`e/${day}`, token, START + day * DAY_MS), tables };
}

/** A fleet that has taken events of its first day. */
function fleetAfter(eventCount: number): Fleet {
  const fleet = new Fleet(7);
  fleet.endDay(event(0), emptyBins());
  for (let offset = 0; offset < eventCount; offset++) fleet.take(event(0), offset, START);
  return fleet;
}

describe('how much is done at present', () => {
  const CENTURY_MS = 36_500 * DAY_MS;

  it('goes on after a clock that is a century fast', () => {
    const fleet = fleetAfter(100);
    const before = fleet.view.pulse.toBytes();
    fleet.take({ ...event(0), at: START + CENTURY_MS }, 100, START);
    expect(Buffer.compare(fleet.view.pulse.toBytes(), before)).toBe(0);
    fleet.take(event(0), 101, START);
    expect(Buffer.compare(fleet.view.pulse.toBytes(), before)).not.toBe(0);
  });

  it('has no hour end before the log’s clock says so, whatever a clock says that is some hours fast', () => {
    const [fast, right] = [fleetAfter(100), fleetAfter(100)];
    fast.take({ ...event(0), at: START + 20 * HOUR_MS }, 100, START);
    right.take({ ...event(0), at: START }, 100, START);
    expect(Buffer.compare(fast.view.pulse.toBytes(), right.view.pulse.toBytes())).toBe(0);
  });

  it('does not go by what is refused: anybody may try in the names of many', () => {
    const fleet = fleetAfter(100);
    const before = fleet.view.pulse.toBytes();
    fleet.take({ ...event(0), success: false }, 100, START);
    expect(Buffer.compare(fleet.view.pulse.toBytes(), before)).toBe(0);
  });

  it('comes back with the fleet', () => {
    const fleet = fleetAfter(100);
    const restored = new Fleet(7);
    restored.restore(fleet.snapshot());
    expect(Buffer.compare(restored.view.pulse.toBytes(), fleet.view.pulse.toBytes())).toBe(0);
  });
});

describe('the end of a day', () => {
  it('comes with the first event, and with a new date once enough has happened', () => {
    expect(new Fleet(7).isDayOver(event(0), 0, START)).toBe(true);
    expect(fleetAfter(1000).isDayOver(event(0), 1000, START)).toBe(false);
    expect(fleetAfter(100).isDayOver(event(1), 100, START + DAY_MS)).toBe(false);
    expect(fleetAfter(1000).isDayOver(event(1), 1000, START + DAY_MS)).toBe(true);
  });

  it('does not come with an event of the past, of the future, or that was taken', () => {
    const fleet = fleetAfter(1000);
    expect(fleet.isDayOver(event(-3), 1000, START)).toBe(false);
    expect(fleet.isDayOver(event(60_000), 1000, START + DAY_MS)).toBe(false);
    expect(fleet.isDayOver(event(1), 999, START + DAY_MS)).toBe(false);
  });

  it('does not come with an event of 1970, before there was any', () => {
    expect(new Fleet(7).isDayOver({ at: 0 }, 0, START)).toBe(false);
  });

  it('begins another, and comes to know its days', () => {
    const fleet = fleetAfter(1000);
    const before = [fleet.turn, fleet.days.bits(10)] as const;
    const bins = emptyBins();
    bins[60] = 20;
    fleet.endDay(event(1), bins);
    expect(fleet.turn).toBe(before[0] + 1);
    expect(fleet.days.bits(10)).toBeLessThan(before[1]);
    expect(fleet.isDayOver(event(1), 1000, START + DAY_MS)).toBe(false);
  });
});

describe('a snapshot', () => {
  it('is taken when something has changed, and comes back as it was', () => {
    const fleet = fleetAfter(10);
    fleet.take(event(0, 'b', ['users']), 10, START);
    const snapshot = fleet.takeSnapshot();
    expect(fleet.takeSnapshot()).toBeUndefined();
    const restored = new Fleet(7);
    expect(restored.restore(snapshot!)).toBe(true);
    expect(restored.takeSnapshot()).toBeUndefined();
    expect(restored.snapshot()).toEqual(snapshot);
    restored.view.turnTo(1);
    expect(restored.view.tables.isUsedByOthers('users')).toBe(true);
    const use = tableUse(null, 'users');
    expect(restored.view.mix.share(use)).toBe(fleet.view.mix.share(use));
    expect(restored.view.mix.share(use)).toBeGreaterThan(restored.view.mix.share('something else'));
  });

  it('passes over an older one, and is written once more after it', () => {
    const [old, fleet] = [fleetAfter(10).snapshot(), fleetAfter(20)];
    fleet.takeSnapshot();
    expect(fleet.restore(old)).toBe(false);
    expect(fleet.isChanged).toBe(true);
    fleet.takeSnapshot();
    fleet.writeOver(fleet.snapshot());
    expect(fleet.isChanged).toBe(false);
    fleet.writeOver(old);
    expect(fleet.isChanged).toBe(true);
  });

  it('takes each event once', () => {
    const fleet = fleetAfter(20);
    const before = fleet.snapshot();
    for (let offset = 0; offset < 20; offset++) fleet.take(event(0, 'b', ['users']), offset, START);
    expect(fleet.snapshot()).toEqual(before);
    fleet.reset();
    fleet.take(event(0, 'b', ['users']), 0, START);
    expect(fleet.snapshot()).not.toEqual(before);
  });
});

import { describe, expect, it } from 'vitest';
import { columnOf, FEATURES, Features } from '../../bench/detection/features.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/baseline/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';

const START = Date.UTC(2026, 0, 10, 6);

function event(afterMs: number, fields: Partial<AuditEvent> = {}): AuditEvent {
  return { ...blankEvent(`a/${afterMs}`, 'a', START + afterMs), tables: ['orders'], rows: 10, ...fields };
}

function valuesOf(events: readonly AuditEvent[], index: number): Readonly<Record<string, number>> {
  const row = new Features(events).row(index);
  return Object.fromEntries(FEATURES.map((name) => [name, row[columnOf(name)] as number]));
}

describe('the features that all methods share', () => {
  it('count what a token did within each span, this event included', () => {
    const events = [
      event(0),
      event(5 * MINUTE_MS, { token: 'b', rows: 1e6 }),
      event(30 * MINUTE_MS, { tables: ['customers'] }),
      event(30 * MINUTE_MS + 10 * SECOND_MS, { tables: [] }),
      event(70 * MINUTE_MS),
    ];
    const third = valuesOf(events, 3);
    expect(third['events 1 min']).toBeCloseTo(Math.log(3));
    expect(third['events 1 h']).toBeCloseTo(Math.log(4));
    expect(third['rows 1 h']).toBeCloseTo(Math.log(31));
    expect(third['tables 1 h']).toBeCloseTo(Math.log(3));
    expect(third['pause']).toBeCloseTo(Math.log(11));
    const last = valuesOf(events, 4);
    expect(last['events 1 min']).toBeCloseTo(Math.log(2));
    expect(last['events 1 h']).toBeCloseTo(Math.log(4));
    expect(last['events 1 d']).toBeCloseTo(Math.log(5));
    expect(last['tables 1 h']).toBeCloseTo(Math.log(3));
  });

  it('say what is new, and of several tables how rare the rarest is', () => {
    const events = [
      event(0),
      event(1),
      event(2, { tables: ['orders', 'customers'], network: '192.0.2.0/24' }),
      event(3),
    ];
    expect(valuesOf(events, 0)).toMatchObject({ 'new table': 0, 'new network': 0 });
    expect(valuesOf(events, 1)['frequency table']).toBeCloseTo(Math.log(1.5 / 2));
    // Its first network is its first past in that respect.
    expect(valuesOf(events, 2)).toMatchObject({ 'new table': 1, 'new network': 0, 'new hour': 0 });
    expect(valuesOf(events, 2)['frequency table']).toBeCloseTo(Math.log(0.5 / 3));
    expect(valuesOf(events, 3)).toMatchObject({ 'new table': 0, 'frequency network': 0 });
  });

  it('know nothing of what comes later', () => {
    const events = Array.from({ length: 50 }, (_, i) =>
      event(i * 7 * MINUTE_MS, { tables: [`t${i % 7}`], bytes: i * i }),
    );
    for (const index of [0, 10, 30])
      expect(valuesOf(events.slice(0, index + 1), index)).toEqual(valuesOf(events, index));
  });

  it('know the hour and the weekend', () => {
    expect(valuesOf([event(0)], 0)).toMatchObject({ 'hour sine': 1, weekend: 1 });
  });
});

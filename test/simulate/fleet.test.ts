import { describe, expect, it } from 'vitest';
import { createFleet, dayOfFleet, HABITS } from '../../src/simulate/fleet.ts';
import { theftOf } from '../../src/simulate/theft.ts';
import { canonicalSchemaFaults, replayFleet } from './replay-fleet.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 8, 7);

describe('made-up fleets', () => {
  const fleet = createFleet('test', 60);

  it('repeat themselves by their seed', () => {
    expect(createFleet('test', 60)).toEqual(fleet);
    expect(dayOfFleet(fleet, 'test', START)).toEqual(dayOfFleet(createFleet('test', 60), 'test', START));
    expect(createFleet('other', 60)).not.toEqual(fleet);
  });

  it('have every habit, and tokens of different names', () => {
    expect(new Set(fleet.tokens.map(({ habit }) => habit))).toEqual(new Set(HABITS));
    expect(new Set(fleet.tokens.map(({ token }) => token)).size).toBe(60);
  });

  it('write days in order, in the format we document', () => {
    const records = dayOfFleet(fleet, 'test', START + 2 * DAY_MS);
    const times = records.map(({ time }) => time);
    expect(times).toEqual(times.toSorted());
    expect(times.every((time) => Date.parse(time) >= START + 2 * DAY_MS && Date.parse(time) < START + 3 * DAY_MS)).toBe(
      true,
    );
    expect(canonicalSchemaFaults([...records, ...theftOf(fleet.tokens[0]!, 'test', START)])).toEqual([]);
  });

  it('rest at weekends, if they are people', () => {
    const people = new Set(fleet.tokens.filter(({ habit }) => habit === 'person').map(({ token }) => token));
    const count = (day: number) =>
      dayOfFleet(fleet, 'test', START + day * DAY_MS).filter(({ token }) => people.has(token)).length;
    expect(count(5)).toBeLessThan(0.2 * count(2));
  });
});

describe('detection of a made-up theft', () => {
  // A smoke alarm for the whole of detection: seeds that nothing was tuned on, thefts from services, jobs and people.
  it.each(['one', 'two'])('fleet %s: honest weeks are quiet, and thefts are found within a few statements', (seed) => {
    const { honestAlerts, thefts } = replayFleet(seed, { tokenCount: 60, days: 15 });
    expect(honestAlerts).toEqual([]);
    expect(thefts.length).toBeGreaterThan(40);
    expect(thefts.filter(({ revocable }) => revocable).length / thefts.length).toBeGreaterThan(0.95);
    const events = thefts.flatMap(({ foundAfter }) => foundAfter ?? []).sort((a, b) => a - b);
    expect(events[Math.floor(events.length / 2)]).toBeLessThanOrEqual(2);
  });
});

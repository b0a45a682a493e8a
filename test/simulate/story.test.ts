import { describe, expect, it } from 'vitest';
import type { Label } from '../../src/backtest/labels.ts';
import { DAY_MS } from '../../src/baseline/time.ts';
import {
  type CanonicalRecord,
  createFleet,
  dayOfFleet,
  dayOfToken,
  type SimulatedToken,
} from '../../src/simulate/fleet.ts';
import { createStory, SCENARIOS, type StoryOptions } from '../../src/simulate/story.ts';

/** The smallest fleet with every habit in it, for as many days as the longest scenario needs. */
const OPTIONS: StoryOptions = {
  seed: 'story',
  tokenCount: 13,
  fromAt: Date.UTC(2026, 0, 5),
  dayCount: 52,
  scenarios: [],
  castCount: 1,
};
const WITHOUT = keysOf(withoutAnything());

function withoutAnything(): readonly CanonicalRecord[] {
  const fleet = createFleet(OPTIONS.seed, OPTIONS.tokenCount);
  return Array.from({ length: OPTIONS.dayCount }, (_, day) =>
    dayOfFleet(fleet, OPTIONS.seed, OPTIONS.fromAt + day * DAY_MS),
  ).flat();
}

function keysOf(records: readonly CanonicalRecord[]): ReadonlyMap<string, readonly string[]> {
  const byToken = Map.groupBy(records, ({ token }) => token);
  return new Map([...byToken].map(([token, own]) => [token, own.map((record) => JSON.stringify(record))]));
}

function storyOf(...ids: readonly string[]) {
  const scenarios = SCENARIOS.filter(({ id }) => ids.includes(id));
  const { labels, days } = createStory({ ...OPTIONS, scenarios });
  return { labels, records: [...days()].flat() };
}

function timeOf({ time }: CanonicalRecord): number {
  return Date.parse(time);
}

function during({ token, from, until }: Label, records: readonly CanonicalRecord[]): readonly CanonicalRecord[] {
  return records.filter((record) => record.token === token && timeOf(record) >= from && timeOf(record) <= until);
}

/** What the token did that it would not have done. */
function changedOf(token: string, records: readonly CanonicalRecord[]): readonly CanonicalRecord[] {
  const usual = new Set(WITHOUT.get(token));
  return records.filter((record) => record.token === token && !usual.has(JSON.stringify(record)));
}

/** Whether CI makes one of a release's tables, or of an earlier one's. */
function isOfRelease({ operation, tables: [table] }: CanonicalRecord): boolean {
  return operation === 'create' && /_v[12]_\d+$/.test(table ?? '');
}

describe.each(SCENARIOS.map((scenario) => [scenario.id, scenario] as const))('the scenario %s', (id, scenario) => {
  const { labels, records } = storyOf(id);

  it('befalls whom it says it does, in what is labelled, and nobody else', () => {
    expect(labels.length).toBeGreaterThan(0);
    const cast = new Set(labels.map(({ token }) => token));
    const others = records.filter((record) => !(id === 'deploy' && isOfRelease(record)));
    for (const [token, own] of keysOf(others)) if (!cast.has(token)) expect(own).toEqual(WITHOUT.get(token));
    for (const label of labels) {
      expect(label).toMatchObject({ scenario: id, kind: scenario.kind });
      expect(label.from).toBeGreaterThanOrEqual(OPTIONS.fromAt + 0.6 * OPTIONS.dayCount * DAY_MS - DAY_MS);
      const changed = changedOf(label.token, records);
      for (const record of changed) {
        expect(timeOf(record)).toBeGreaterThanOrEqual(label.from);
        expect(timeOf(record)).toBeLessThan(label.until + 30 * DAY_MS);
      }
      if (scenario.kind === 'theft') expect(during(label, changed).length).toBe(changed.length);
    }
  });

  it('is written in order of time, unless it is late', () => {
    const times = records.map(timeOf);
    const isSorted = times.every((at, i) => i === 0 || at >= (times[i - 1] as number));
    expect(isSorted).toBe(id !== 'late-events');
  });

  it('is the same at every turn', () => {
    expect(storyOf(id)).toEqual({ labels, records });
  });
});

describe('a story', () => {
  it('gives a token one part at most', () => {
    const { labels } = storyOf(...SCENARIOS.map(({ id }) => id));
    const tokens = labels.map(({ token }) => token);
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  it('refuses days that are too few', () => {
    const scenarios = SCENARIOS.filter(({ id }) => id === 'slow-drain');
    expect(() => createStory({ ...OPTIONS, dayCount: 30, scenarios })).toThrow(
      'slow-drain takes 20 days after 18 calm ones: 30 are too few',
    );
  });

  it('makes late what is late: nothing is lost, and the rest does not wait', () => {
    const { labels, records } = storyOf('late-events');
    const [label] = labels as [Label];
    const own = records.filter(({ token }) => token === label.token);
    expect(own.map((record) => JSON.stringify(record)).sort()).toEqual([...(WITHOUT.get(label.token) ?? [])].sort());
    const others = records.filter(({ token }) => token !== label.token).map(timeOf);
    expect(others).toEqual(others.toSorted((a, b) => a - b));
  });

  it('has CI make the tables of a release, just before the service uses them', () => {
    const { labels, records } = storyOf('deploy');
    const [{ token, from }] = labels as [Label];
    const made = records.filter((record) => isOfRelease(record) && /_v2_/.test(record.tables[0] ?? ''));
    expect(made.map(timeOf).every((at) => at < from && at > from - DAY_MS / 24)).toBe(true);
    expect(new Set(made.map(({ token: maker }) => maker)).size).toBe(1);
    const used = new Set(changedOf(token, records).flatMap(({ tables }) => tables));
    expect(new Set(made.flatMap(({ tables }) => tables))).toEqual(used);
    expect(used.size).toBe(12);
  });

  it('has a key sleep before it wakes', () => {
    const { labels, records } = storyOf('dormant-key-wakes');
    const [{ token, from }] = labels as [Label];
    const before = records.filter((record) => record.token === token && timeOf(record) < from).map(timeOf);
    expect(from - Math.max(...before)).toBeGreaterThan(20 * DAY_MS);
  });

  it('steals no key that nobody has ever used', () => {
    // Of this fleet's keys, one is used for the first time in the month in which it is to sleep.
    const scenarios = SCENARIOS.filter(({ id }) => id === 'dormant-key-wakes');
    const options = { ...OPTIONS, seed: 'de', tokenCount: 120, dayCount: 75, scenarios, castCount: 120 };
    const { labels } = createStory(options);
    const tokens = new Map(createFleet(options.seed, options.tokenCount).tokens.map((token) => [token.token, token]));
    expect(labels.length).toBeGreaterThan(5);
    for (const { token, from } of labels) {
      const daysBefore = Math.floor((from - options.fromAt) / DAY_MS) - 25;
      const uses = Array.from({ length: daysBefore }, (_, day) =>
        dayOfToken(tokens.get(token) as SimulatedToken, options.seed, options.fromAt + day * DAY_MS),
      );
      expect(uses.flat().length).toBeGreaterThan(0);
    }
  });

  it('drains a fifth and more of what the token reads, in the end', () => {
    const { labels, records } = storyOf('slow-drain');
    const [label] = labels as [Label];
    const lastWeek = { ...label, from: label.until - 7 * DAY_MS };
    const usual = during(lastWeek, withoutAnything()).length;
    expect(during(lastWeek, records).length).toBeGreaterThan(2 * usual);
  });
});

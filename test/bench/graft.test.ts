import { describe, expect, it } from 'vitest';
import { graft, THEFTS, taughtUntil } from '../../bench/detection/graft.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';

const START = Date.UTC(2026, 0, 5);
const TOKENS = ['anna', 'bert', 'cleo'];

/** Three people, at work for 120 days from ten to four, each with tables of their own; new ones in the second half. */
function work(hasAddresses = true): readonly AuditEvent[] {
  const events: AuditEvent[] = [];
  for (let day = 0; day < 120; day++) {
    for (let i = 0; i < 72; i++) {
      const [person, at] = [i % TOKENS.length, START + day * DAY_MS + 10 * HOUR_MS + i * 5 * MINUTE_MS];
      const token = TOKENS[person] as string;
      const address = hasAddresses ? `192.0.2.${person + 1}` : null;
      events.push({
        ...blankEvent(`work/${events.length}`, token, at),
        address,
        network: address && '192.0.2.0/24',
        database: token,
        tables: [`${token}-${i % 5}${day > 110 ? '-new' : ''}`],
        rows: day,
      });
    }
  }
  return events;
}

describe('graft', () => {
  const events = work();
  const { events: all, labels } = graft(events, 'a', 4);
  const stolen = all.filter(({ id }) => id.startsWith('graft/'));
  const of = (scenario: string) =>
    labels
      .filter((label) => label.scenario === scenario)
      .map((label) => ({
        label,
        events: stolen.filter(({ token, at }) => token === label.token && at >= label.from && at <= label.until),
      }));
  const addressOf = (token: string) => `192.0.2.${TOKENS.indexOf(token) + 1}`;

  it('adds, in order, and changes nothing', () => {
    expect(all.filter(({ id }) => !id.startsWith('graft/'))).toEqual(events);
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((a, b) => a - b));
    expect(new Set(stolen.map(({ id }) => id)).size).toBe(stolen.length);
  });

  it('does the same again with the same seed, and something else with another', () => {
    expect(graft(events, 'a', 4).labels).toEqual(labels);
    expect(graft(events, 'b', 4).labels).not.toEqual(labels);
  });

  it('steals from nobody before baselines are of something, and leaves ten days in between', () => {
    expect(new Set(labels.map(({ scenario }) => scenario))).toEqual(new Set(THEFTS));
    for (const label of labels) expect(label.from).toBeGreaterThan(taughtUntil(events));
    for (const token of TOKENS) {
      const own = labels.filter((label) => label.token === token);
      for (const [i, label] of own.slice(1).entries())
        expect(label.from - (own[i]?.until ?? 0)).toBeGreaterThan(10 * DAY_MS);
    }
  });

  it('masquerade: a donor, from where the victim was', () => {
    for (const { label, events: taken } of of('masquerade')) {
      expect(taken.length).toBeGreaterThanOrEqual(10);
      for (const { address, database } of taken) {
        expect(address).toBe(addressOf(label.token));
        expect(database).not.toBe(label.token);
      }
    }
  });

  it('elsewhere: a donor, from where the donor was, at the very times', () => {
    for (const { events: taken } of of('elsewhere')) {
      for (const { at, address, database } of taken) {
        expect(address).toBe(addressOf(database as string));
        expect(events.some((real) => real.at === at && real.token === database)).toBe(true);
      }
    }
  });

  it('stealth: the first eight events', () => {
    for (const { label, events: taken } of of('stealth')) {
      expect(taken.length).toBeGreaterThanOrEqual(4);
      expect(taken.length).toBeLessThanOrEqual(8);
      expect(new Set(taken.map(({ address }) => address))).toEqual(new Set([addressOf(label.token)]));
    }
  });

  it('scraping: 300 events in twenty minutes, on nothing that the victim had not seen', () => {
    for (const { label, events: taken } of of('scraping')) {
      expect(taken).toHaveLength(300);
      expect(label.until - label.from).toBeLessThanOrEqual(20 * MINUTE_MS);
      const known = new Set(
        events.filter(({ token, at }) => token === label.token && at < label.from).flatMap(({ tables }) => tables),
      );
      for (const { address, database, tables } of taken) {
        expect(known).toContain(tables[0]);
        expect([address, database]).toEqual([addressOf(label.token), label.token]);
      }
    }
  });

  it('without addresses nobody comes from elsewhere', () => {
    const scenarios = graft(work(false), 'a', 4).labels.map(({ scenario }) => scenario);
    expect(new Set(scenarios)).toEqual(new Set(['masquerade', 'stealth', 'scraping']));
  });
});

import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { DAYS, engineOf, feed, ordinary, START, stolen, THEFT_AT } from './tokens-life.ts';

/** Somebody who holds nothing of the token tries to log in with it, from where its thief will come from. */
function refused(count: number, from: number, everyMs: number, network = (_: number) => '203.0.113.0/24') {
  return Array.from({ length: count }, (_, i): AuditEvent => {
    const login = { operation: 'connect', success: false, network: network(i) } as const;
    return { ...blankEvent(`refused/${from}/${i}`, 'svc', from + i * everyMs), ...login };
  });
}

/** Of a theft after what went before it. */
function scoresOfTheft(before: readonly AuditEvent[]): readonly number[] {
  const engine = engineOf();
  feed(
    engine,
    [...ordinary('svc'), ...before].toSorted((a, b) => a.at - b.at),
  );
  return stolen('svc').map((event, i) => {
    engine.observe(event, 10_000 + i, event.at);
    return engine.lastScore;
  });
}

describe('refused logins, which anyone can have written in a token’s name', () => {
  it('are told as what they are, and as nothing else', () => {
    const engine = engineOf();
    feed(engine, ordinary('svc'));
    const told = feed(engine, refused(60, THEFT_AT, 20_000), 1000);
    const findings = told.flatMap((assessment) => assessment.findings);
    expect(new Set(findings.map(({ detector, trust }) => `${detector} ${trust}`))).toEqual(
      new Set(['denied-burst claimed']),
    );
  });

  it.each([
    ['around midnight', refused(200, START + 9 * DAY_MS - 100_000, 1000)],
    ['from many networks', refused(16, START + 9 * DAY_MS, HOUR_MS, (i) => `203.0.${i}.0/24`)],
    ['for nights on end', refused(DAYS * 24, START + 30 * MINUTE_MS, HOUR_MS)],
  ])('teach nothing that would blind for a theft: %s', (_, before) => {
    const [untaught, taught] = [scoresOfTheft([]), scoresOfTheft(before)];
    // A refusal more is a refusal less odd: that is theirs to teach.
    for (const [i, score] of taught.entries()) expect(score).toBeGreaterThanOrEqual((untaught[i] ?? 0) - 1);
  });

  it('are no part of what an alert counts: its theft’s baseline stays as old as it was', () => {
    const engine = engineOf();
    feed(engine, ordinary('svc'));
    feed(engine, refused(200, THEFT_AT - 200_000, 1000), 1000);
    const known = engine.summary('svc')?.eventCount ?? 0;
    const told = feed(engine, stolen('svc'), 2000);
    const { baseline, since } = told.at(-1)!;
    expect(since.eventCount).toBeGreaterThan(1);
    expect(baseline.eventCount - since.eventCount).toBe(known - 1);
  });

  it('make none of the fleet’s days a loud one, though the tokens are used right after', () => {
    const tokens = Array.from({ length: 10 }, (_, i) => `svc-${i}`);
    const [quiet, flooded] = [false, true].map((isFlooded) => {
      const engine = engineOf();
      let offset = 0;
      for (let day = 0; day < DAYS; day++) {
        const begin = START + day * DAY_MS;
        const uses = tokens.flatMap((token) => ordinary(token).slice(36 * day, 36 * (day + 1)));
        const logins = tokens.flatMap((token) =>
          isFlooded && day === DAYS - 2
            ? refused(200, begin + 12 * HOUR_MS, 1000).map((each) => ({ ...each, token }))
            : [],
        );
        const events = [...uses, ...logins].toSorted((a, b) => a.at - b.at);
        feed(engine, events, offset);
        offset += events.length;
        engine.endFleetDay(events.at(-1)!);
      }
      return engine.fleet.days.bits(10);
    });
    expect(flooded).toBeCloseTo(quiet!, 1);
  });

  it('keep no sleeping token awake, and make no young one mature', () => {
    const quiet = engineOf();
    const disturbed = engineOf();
    const wakesAt = START + (DAYS + 60) * DAY_MS;
    for (const engine of [quiet, disturbed]) feed(engine, ordinary('svc'));
    feed(disturbed, refused(60, START + DAYS * DAY_MS, DAY_MS), 1000);
    const first = { ...ordinary('svc')[0]!, at: wakesAt };
    for (const engine of [quiet, disturbed]) engine.observe(first, 2000, wakesAt);
    expect(disturbed.lastScore).toBeCloseTo(quiet.lastScore, 0);
    expect(quiet.lastScore).toBeGreaterThan(3);
    expect(disturbed.summary('svc')?.eventCount).toBe(quiet.summary('svc')?.eventCount);
  });
});

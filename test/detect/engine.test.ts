import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { counter } from '../../src/baseline/counter.ts';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { BadAnswer } from '../../src/detect/answers.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import { type AnyDetector, defineDetector } from '../../src/detect/detector.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import { DAYS, detectors, engineOf, feed, ordinary, START, stolen } from './tokens-life.ts';

describe('Engine: judging', () => {
  const engine = engineOf();
  const quiet = feed(engine, ordinary('svc'));
  const assessments = feed(engine, stolen('svc'), 1000);

  it('says nothing about ordinary days, and speaks at the first stolen uses', () => {
    expect(quiet).toEqual([]);
    expect(Number(assessments[0]?.eventId.split('/').at(-1))).toBeLessThan(2);
    expect(assessments[0]?.at).toBe(assessments[0]?.openedAt);
  });

  it('asks ordinary events for no text that would have to be made of their bytes', () => {
    const asked = new Set<string>();
    const mature = engineOf();
    feed(mature, ordinary('svc'));
    const lazily = ['principal', 'address', 'statement', 'session', 'format', 'owner', 'environment'] as const;
    const watched = ordinary('svc').map((event) => {
      const later = { ...event, at: event.at + DAYS * DAY_MS };
      for (const name of lazily) {
        const get = () => {
          asked.add(name);
          return event[name];
        };
        Object.defineProperty(later, name, { get });
      }
      return later;
    });
    feed(mature, watched, 100_000);
    expect([...asked]).toEqual([]);
  });

  it('gives contributions that add up to the score, largest first', () => {
    for (const { score, findings } of assessments) {
      const contributions = findings.map(({ contribution }) => contribution);
      expect(contributions.reduce((sum, each) => sum + each, 0)).toBeCloseTo(score, 6);
      expect(contributions).toEqual(contributions.toSorted((a, b) => b - a));
    }
  });

  it('says what the score would be without each finding', () => {
    for (const { score, findings } of assessments) {
      for (const { scoreWithout, contribution } of findings) {
        expect(scoreWithout).toBeLessThan(score);
        expect(scoreWithout).toBeGreaterThanOrEqual(0);
        if (contribution > 2) expect(score - scoreWithout).toBeGreaterThan(0.5);
      }
    }
  });

  it('keeps one episode, and tells again only when there is something new', () => {
    expect(new Set(assessments.map(({ episode }) => episode)).size).toBe(1);
    for (let i = 1; i < assessments.length; i++) {
      const [before, now] = [assessments[i - 1]!, assessments[i]!];
      const named = (assessment: Assessment) =>
        assessment.findings.filter(({ contribution }) => contribution >= 1).length;
      expect(
        now.score >= before.score + 1 ||
          now.at >= before.at + 10_000 ||
          named(now) > named(before) ||
          now.score > now.revokeThreshold,
      ).toBe(true);
    }
    // Each detector that joins in is something new.
    expect(assessments.length).toBeLessThan(3 + detectors.length);
  });

  it('counts what left since it began, and spells out what was touched', () => {
    const last = assessments.at(-1)!;
    const index = Number(last.eventId.split('/').at(-1));
    const opened = Number(last.episode.split('/').at(-1));
    expect(last.since).toEqual({
      eventCount: index - opened + 1,
      rowCount: 20_000 * (index - opened + 1),
      byteCount: 0,
    });
    const tables = last.findings.find(({ detector }) => detector === 'new-table')?.evidence[0]?.observed;
    expect(tables).toEqual(expect.arrayContaining(['auth.users']));
    expect(last.baseline).toMatchObject({ firstSeenAt: ordinary('svc')[0]?.at });
  });

  it('opens another episode after six quiet hours', () => {
    const later = stolen('svc').map((event) => ({ ...event, id: `later/${event.id}`, at: event.at + 8 * HOUR_MS }));
    const [next] = feed(engine, later, 2000);
    expect(next).toBeDefined();
    expect(next?.episode).not.toBe(assessments[0]?.episode);
  });

  it('tells once of what goes on for days, and again of whatever is news beside it', () => {
    const scores = (tables: (night: number) => readonly string[], night2: Partial<AuditEvent> = {}) => {
      const days = engineOf();
      feed(days, ordinary('svc'));
      return [0, 1].map((night) => {
        const events = stolen('svc').map((event, i) => {
          const id = `${night}/${i}`;
          const at = event.at + night * DAY_MS;
          const facts = { network: '192.0.2.0/24', rows: 10, tables: tables(10 * night + i) };
          return { ...event, ...facts, id, at, ...(night === 1 ? night2 : {}) };
        });
        feed(days, events, 1000 * (night + 1));
        return days.lastScore;
      });
    };
    const [first = 0, second = 0] = scores((i) => [`release_${i}`]);
    expect(second).toBeLessThan(first / 2);
    const [, fromElsewhere = 0] = scores((i) => [`release_${i}`], { network: '203.0.113.0/24', rows: 20_000 });
    expect(fromElsewhere).toBeGreaterThan(thresholdsOf({ alarms: 1, tokenMonths: 1000 }).revoke);
  });

  it('does not blame one token for another', () => {
    const both = engineOf();
    feed(both, ordinary('a'));
    feed(both, ordinary('b'), 1000);
    feed(both, stolen('a'), 2000);
    expect(
      feed(
        both,
        ordinary('b').map((event) => ({ ...event, at: event.at + DAYS * DAY_MS })),
        3000,
      ),
    ).toEqual([]);
  });
});

describe('Engine: learning', () => {
  it('learns little from a thief: a second visit is nearly as strange as if it were the first', () => {
    const visits = (...hours: readonly number[]) => {
      const engine = engineOf();
      feed(engine, ordinary('svc'));
      return hours.map((hour, i) => {
        const events = stolen('svc').map((event) => ({ ...event, at: event.at + hour * HOUR_MS }));
        feed(engine, events, 1000 * (i + 1));
        return engine.lastScore;
      });
    };
    const [first, second] = visits(0, 9);
    const [onlyThen] = visits(9);
    expect(first).toBeGreaterThan(thresholdsOf({ alarms: 1, tokenMonths: 1000 }).revoke);
    expect(second).toBeGreaterThan(0.7 * (onlyThen ?? Number.NaN));
  });

  it('gets used to a new habit in the end', () => {
    const engine = engineOf();
    feed(engine, ordinary('svc'));
    const moved = (day: number) =>
      ordinary('svc')
        .slice(0, 36)
        .map((event) => ({ ...event, at: event.at + (DAYS + day) * DAY_MS, network: '198.51.100.0/24' }));
    for (let day = 0; day < 20; day++) feed(engine, moved(day), 1000 + 100 * day);
    expect(feed(engine, moved(20), 9000)).toEqual([]);
    expect(engine.lastScore).toBe(0);
  });
});

describe('Engine: exactly once', () => {
  const events = [...ordinary('a'), ...stolen('a')];

  it('skips what its token has already, wherever the replay begins', () => {
    const once = engineOf();
    feed(once, events);
    const replayed = engineOf();
    feed(replayed, events.slice(0, 300));
    expect(feed(replayed, events.slice(0, 300))).toEqual([]);
    expect(replayed.takeReplayedCount()).toBe(300);
    feed(replayed, events.slice(200), 200);
    expect(Buffer.compare(replayed.snapshot('a')!, once.snapshot('a')!)).toBe(0);
  });

  it('comes back from a snapshot at any event, with the same words to come', () => {
    const whole = engineOf();
    const expected = feed(whole, events);
    for (const cut of [1, 36, 200, events.length - 9, events.length - 3]) {
      const before = engineOf();
      const said = [...feed(before, events.slice(0, cut))];
      const after = engineOf();
      expect(after.restore('a', before.snapshot('a')!, () => undefined)).toBe(true);
      expect(after.fleet.restore(before.fleet.snapshot())).toBe(true);
      said.push(...feed(after, events.slice(cut), cut));
      expect(said).toEqual(expected);
      expect(Buffer.compare(after.snapshot('a')!, whole.snapshot('a')!)).toBe(0);
    }
  });

  it('keeps what it knows when a snapshot is older, and takes none of an unknown layout', () => {
    const engine = engineOf();
    feed(engine, events.slice(0, 100));
    const old = engine.snapshot('a')!;
    feed(engine, events.slice(100, 200), 100);
    const now = engine.snapshot('a')!;
    expect(engine.restore('a', old, () => undefined)).toBe(false);
    expect(Buffer.compare(engine.snapshot('a')!, now)).toBe(0);
    const fewer = engineOf({}, detectors.slice(1));
    expect(fewer.restore('a', now, () => undefined)).toBe(false);
    expect(fewer.restore('a', now, () => engine.layout)).toBe(true);
    expect(fewer.summary('a')?.eventCount).toBe(200);
  });

  it('goes on with the evidence that is open after detectors were put in another order', () => {
    const whole = engineOf();
    feed(whole, events);
    const before = engineOf();
    feed(before, events.slice(0, -3));
    const after = engineOf({}, detectors.toReversed());
    expect(after.restore('a', before.snapshot('a')!, () => before.layout)).toBe(true);
    expect(after.fleet.restore(before.fleet.snapshot())).toBe(true);
    feed(after, events.slice(-3), events.length - 3);
    expect(whole.lastScore).toBeGreaterThan(15);
    expect(after.lastScore).toBeCloseTo(whole.lastScore, 6);
  });

  it('counts from the start again when the log was made anew', () => {
    const engine = engineOf();
    feed(engine, events.slice(0, 50));
    engine.resetStamps();
    feed(engine, events.slice(50, 60));
    expect(engine.takeReplayedCount()).toBe(0);
    expect(engine.summary('a')?.eventCount).toBe(60);
  });

  it('hands out each changed token once', () => {
    const engine = engineOf();
    feed(engine, [...ordinary('a').slice(0, 5), ...ordinary('b').slice(0, 5)]);
    expect(engine.dirtyCount).toBe(2);
    expect([...engine.takeDirty()].map(({ token }) => token)).toEqual(['a', 'b']);
    expect([...engine.takeDirty()]).toEqual([]);
  });
});

describe('Engine: bounds and failures', () => {
  it('counts events of tokens that find no place, and keeps judging those it knows', () => {
    const engine = engineOf({ tokensMax: 1 });
    feed(engine, ordinary('a'));
    feed(engine, ordinary('b').slice(0, 10), 1000);
    expect(engine.takeUnadmittedCount()).toBe(10);
    expect(engine.tokenCount).toBe(1);
    expect(feed(engine, stolen('a'), 2000).length).toBeGreaterThan(0);
  });

  it('isolates a detector that throws: told, and without a say', () => {
    const failures: string[] = [];
    const broken = (where: string) => {
      const answer = <T>(name: string, value: T): T => {
        if (name === where) throw new Error(where);
        return value;
      };
      return defineDetector({
        ...(detectors[0] as AnyDetector),
        id: 'broken',
        config: z.strictObject({}),
        remembers: { seen: counter() },
        score: (_, { rows }) => answer('score', (rows ?? 0) > 1000 ? 3 : 0),
        learn: () => answer('learn', undefined),
        evidence: () => answer('evidence', []),
        explain: () => answer('explain', 'was odd'),
      }) as AnyDetector;
    };
    for (const where of ['score', 'learn', 'evidence', 'explain']) {
      failures.length = 0;
      const engine = engineOf({ onFailure: (id) => failures.push(id) }, [...detectors, broken(where)]);
      feed(engine, ordinary('a'));
      expect(feed(engine, stolen('a'), 1000).length, where).toBeGreaterThan(0);
      expect(new Set(failures), where).toEqual(new Set(['broken']));
    }
  });

  it('tells those who learn what they have said: as it was counted, and 0 where they had no opinion', () => {
    const told: unknown[] = [];
    const answers = [undefined, 2, 1000, -1000];
    const asked = {
      ...(detectors[0] as AnyDetector),
      id: 'asked',
      remembers: { seen: counter() },
      bitsMax: 3,
      score: (_: unknown, { rows }: { readonly rows: number | null }) => answers[rows ?? 0],
      learn: (_fields: unknown, _event: unknown, _config: unknown, bits?: number) => void told.push(bits),
    };
    const engine = engineOf({}, [asked]);
    feed(
      engine,
      [0, 1, 2, 3].map((rows, i) => ({ ...(ordinary('a')[i] as AuditEvent), rows })),
    );
    expect(told).toEqual([0, 2, 3, -1]);
  });

  it.each([Number.NaN, '7', 'much', {}, [], null, 10n, Symbol('much'), true, () => Promise.reject(new Error('later'))])(
    'takes an opinion that is no number for none, and tells: %s',
    (answer) => {
      const told: unknown[] = [];
      const odd = {
        ...(detectors[0] as AnyDetector),
        id: 'odd',
        score: () => (typeof answer === 'function' ? answer() : answer) as number,
      };
      const engine = engineOf({ onFailure: (_, cause) => told.push(cause) }, [...detectors, odd]);
      expect(feed(engine, ordinary('a'))).toEqual([]);
      expect(engine.summary('a')?.suspicions).toContainEqual({ detector: 'odd', sum: 0, days: expect.any(Number) });
      expect(told[0]).toBeInstanceOf(BadAnswer);
      expect(feed(engine, stolen('a'), 1000).length).toBeGreaterThan(0);
    },
  );

  const circular: unknown[] = [];
  circular.push(circular);
  const good = { what: 'rows', observed: 1, expected: 2, sampleSize: 3 };
  it.each([
    undefined,
    'rows',
    circular,
    [null],
    [{ ...good, sampleSize: Number.NaN }],
    [{ ...good, observed: 10n }],
    [{ ...good, observed: [{}] }],
    [{ ...good, expected: 'x'.repeat(1_000_000) }],
  ])('keeps no evidence that cannot be written down: %#', (answer) => {
    const told: unknown[] = [];
    const odd = { ...(detectors[0] as AnyDetector), id: 'odd', evidence: () => answer, explain: () => 7 } as never;
    const loud = { ...(odd as AnyDetector), score: (_: unknown, { rows }: AuditEvent) => ((rows ?? 0) > 1000 ? 4 : 0) };
    const engine = engineOf({ onFailure: (_, cause) => told.push(cause) }, [...detectors, loud]);
    feed(engine, ordinary('a'));
    const assessments = feed(engine, stolen('a'), 1000);
    expect(told[0]).toBeInstanceOf(BadAnswer);
    const finding = assessments.flatMap(({ findings }) => findings).find(({ detector }) => detector === 'odd');
    expect(finding).toMatchObject({ evidence: [], explanation: loud.title.toLowerCase() });
  });
});

describe('Engine: what must not happen at all', () => {
  const canary = detectors.find(({ id }) => id === 'canary') as AnyDetector;
  const others = detectors.filter((detector) => detector !== canary);
  const watching = () =>
    engineOf({
      installed: [canary, ...others].map((detector) => ({
        detector,
        config: detector.config.parse(detector === canary ? { tables: ['public.vip'] } : {}),
        weight: 1,
      })),
    });
  const touch = (at: number, id = 'touch'): AuditEvent => ({ ...blankEvent(id, 'svc', at), tables: ['public.vip'] });

  it('is told at once, of a token of which nothing is known, and worth what revoking takes', () => {
    const [assessment] = feed(watching(), [touch(START)]);
    expect(assessment).toMatchObject({ findings: [{ detector: 'canary', isCertain: true, scoreWithout: 0 }] });
    expect(assessment?.score).toBe(assessment?.revokeThreshold);
  });

  it('adds to what odds say, and leaves them as they are', () => {
    const [engine, without] = [watching(), engineOf({}, others)];
    const theft = stolen('svc');
    const touched = theft.map((event, i) => (i === 4 ? { ...event, tables: [...event.tables, 'public.vip'] } : event));
    for (const each of [engine, without]) feed(each, ordinary('svc'));
    const told = feed(engine, touched, 1000);
    feed(without, touched, 1000);
    const certain = told.find(({ eventId }) => eventId === theft[4]?.id) as Assessment;
    expect(certain.findings.find(({ isCertain }) => isCertain)?.contribution).toBe(certain.revokeThreshold);
    expect(certain.findings.reduce((sum, { contribution }) => sum + contribution, 0)).toBeCloseTo(certain.score, 6);
    expect(engine.lastScore - without.lastScore).toBeCloseTo(certain.revokeThreshold, 6);
  });

  it('is over when it is no longer fresh', () => {
    const engine = watching();
    const later = ordinary('svc').map((event) => ({ ...event, at: event.at + DAY_MS }));
    expect(feed(engine, [touch(START), ...later])).toHaveLength(1);
  });
});

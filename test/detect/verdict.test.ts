import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import type { Engine } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import type { Verdict } from '../../src/domain/verdict.ts';
import { engineOf, feed, ordinary, stolen, THEFT_AT } from './tokens-life.ts';

const { alert: ALERT } = thresholdsOf({ alarms: 1, tokenMonths: 1000 });

/** A token that was stolen, with what was told of it last. */
function suspected(): { readonly engine: Engine; readonly told: Assessment } {
  const engine = engineOf();
  feed(engine, ordinary('svc'));
  const told = feed(engine, stolen('svc'), 1000).at(-1) as Assessment;
  return { engine, told };
}

function verdictOf(kind: Verdict['kind'], { episode, openedAt }: Assessment, more: Partial<Verdict> = {}): Verdict {
  const until = kind === 'true-positive' ? null : THEFT_AT + DAY_MS;
  return { kind, token: 'svc', episode, openedAt, at: THEFT_AT + HOUR_MS, until, ...more };
}

/** The same again, later. */
function again(afterMs: number): readonly AuditEvent[] {
  return stolen('svc').map((event) => ({ ...event, id: `${event.id}+${afterMs}`, at: event.at + afterMs }));
}

const sumsOf = (engine: Engine) => engine.summary('svc')?.suspicions.map(({ sum }) => sum) ?? [];
const bytesOf = (engine: Engine) => Buffer.from(engine.snapshot('svc') as Uint8Array).toString('hex');

/** What a token's next day looks like after a verdict, or without one. */
function nextDay(kind?: Verdict['kind']): { readonly score: number; readonly told: readonly Assessment[] } {
  const { engine, told } = suspected();
  if (kind) engine.takeAside({ verdict: verdictOf(kind, told) }, 2000);
  const later = feed(engine, again(DAY_MS / 2), 3000);
  return { score: engine.lastScore, told: later };
}

describe('Engine: verdicts', () => {
  it('expected: sets sums back, knows what was used, and learns the new habit at once', () => {
    const { engine, told } = suspected();
    expect(Math.max(...sumsOf(engine))).toBeGreaterThan(4);
    engine.takeAside({ verdict: verdictOf('expected', told) }, 2000);
    expect(Math.max(...sumsOf(engine))).toBe(0);
    feed(engine, again(DAY_MS / 2), 3000);
    feed(engine, again(1.5 * DAY_MS), 4000);
    const expected = engine.lastScore;
    expect(nextDay().score).toBeGreaterThan(ALERT);
    expect(expected).toBeLessThan(ALERT);
  });

  it('expected: what comes after the stated time teaches no more than before', () => {
    const weight = (until: number) => {
      const { engine, told } = suspected();
      engine.takeAside({ verdict: verdictOf('expected', told, { until }) }, 2000);
      const odd = again(3 * DAY_MS).map((event) => ({
        ...event,
        network: '198.51.100.0/24',
        tables: ['never', 'seen'],
      }));
      feed(engine, odd, 3000);
      return bytesOf(engine);
    };
    expect(weight(THEFT_AT + DAY_MS)).not.toBe(weight(THEFT_AT + 9 * DAY_MS));
  });

  it('true-positive: judges what comes then as if it had not been', () => {
    const { engine, told } = suspected();
    engine.takeAside({ verdict: verdictOf('true-positive', told) }, 2000);
    expect(Math.max(...sumsOf(engine))).toBe(0);
    const [next] = feed(engine, again(HOUR_MS), 3000);
    const untouched = engineOf();
    feed(untouched, ordinary('svc'));
    const [first] = feed(untouched, again(HOUR_MS), 1000);
    expect(next?.episode).not.toBe(told.episode);
    expect(next?.episode).toBe(first?.episode);
    // Weak weights are left: no more.
    expect(next?.score).toBeGreaterThan(0.9 * (first?.score ?? Number.NaN));
    const names = (assessment: Assessment | undefined) =>
      assessment?.findings.filter(({ detector }) => detector.startsWith('new-')).map(({ detector }) => detector);
    expect(names(next)).toEqual(names(first));
  });

  it('expected makes names the owner’s for good: true-positive, given later, does not take them back', () => {
    const { engine, told } = suspected();
    engine.takeAside({ verdict: verdictOf('expected', told, { until: 0 }) }, 2000);
    engine.takeAside({ verdict: verdictOf('true-positive', told, { at: THEFT_AT + 2 * HOUR_MS }) }, 2001);
    const assessments = feed(engine, again(HOUR_MS), 3000);
    const named = assessments.flatMap(({ findings }) => findings.map(({ detector }) => detector));
    expect(named).not.toContain('new-table');
    expect(named).not.toContain('new-network');
  });

  it('noise: changes nothing of what is learned, suspected or told', () => {
    const [with_, without] = [nextDay('noise'), nextDay()];
    expect(with_.told).toEqual(without.told);
    expect(with_.score).toBe(without.score);
  });

  it('noise, given later, ends what expected began', () => {
    const { engine, told } = suspected();
    const other = suspected();
    engine.takeAside({ verdict: verdictOf('expected', told) }, 2000);
    other.engine.takeAside({ verdict: verdictOf('expected', told, { until: 0 }) }, 2000);
    for (const each of [engine, other.engine])
      each.takeAside({ verdict: verdictOf('noise', told, { at: THEFT_AT + 2 * HOUR_MS }) }, 2001);
    expect(bytesOf(engine)).toBe(bytesOf(other.engine));
  });

  it('is taken once: read again, sent twice, or overtaken by a later one', () => {
    const { engine, told } = suspected();
    const verdict = verdictOf('true-positive', told);
    engine.takeAside({ verdict }, 2000);
    feed(engine, again(9 * HOUR_MS), 3000);
    const before = bytesOf(engine);
    engine.takeAside({ verdict }, 2000);
    expect(bytesOf(engine)).toBe(before);
    // A second copy in the log only moves the stamp, and an old one that comes late does too.
    const moved = suspected();
    moved.engine.takeAside({ verdict }, 2000);
    feed(moved.engine, again(9 * HOUR_MS), 3000);
    moved.engine.takeAside({ verdict }, 4000);
    engine.takeAside({ verdict: verdictOf('expected', told, { at: verdict.at - 1 }) }, 4000);
    expect(bytesOf(engine)).toBe(bytesOf(moved.engine));
    expect(sumsOf(engine)).toEqual(sumsOf(moved.engine));
    expect(Math.max(...sumsOf(engine))).toBeGreaterThan(1);
  });

  it('leaves another episode alone, and learns nothing from it', () => {
    const { engine, told } = suspected();
    feed(engine, again(9 * HOUR_MS), 3000);
    const sums = sumsOf(engine);
    engine.takeAside({ verdict: verdictOf('expected', told) }, 4000);
    expect(sumsOf(engine)).toEqual(sums);
    const [later] = feed(engine, again(9.1 * HOUR_MS).slice(0, 3), 5000);
    expect(later?.episode ?? '').not.toBe(told.episode);
  });

  it('is nobody’s business for a token that is not known', () => {
    const { engine, told } = suspected();
    engine.takeAside({ verdict: verdictOf('expected', told, { token: 'nobody' }) }, 2000);
    expect(engine.tokenCount).toBe(1);
  });

  it.each(['expected', 'noise', 'true-positive'] as const)(
    '%s comes through a snapshot before and after it',
    (kind) => {
      const whole = suspected();
      whole.engine.takeAside({ verdict: verdictOf(kind, whole.told) }, 2000);
      const expected = feed(whole.engine, again(DAY_MS / 2), 3000);
      for (const cut of ['before', 'after'] as const) {
        const { engine, told } = suspected();
        if (cut === 'after') engine.takeAside({ verdict: verdictOf(kind, told) }, 2000);
        const next = engineOf();
        expect(next.restore('svc', engine.snapshot('svc') as Uint8Array, () => undefined)).toBe(true);
        expect(next.fleet.restore(engine.fleet.snapshot())).toBe(true);
        next.takeAside({ verdict: verdictOf(kind, told) }, 2000);
        expect(feed(next, again(DAY_MS / 2), 3000)).toEqual(expected);
        expect(bytesOf(next)).toBe(bytesOf(whole.engine));
      }
    },
  );
});

import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import type { Engine } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { Notice } from '../../src/domain/notice.ts';
import { engineOf, feed, ordinary, START } from './tokens-life.ts';

const { alert: ALERT } = thresholdsOf({ alarms: 1, tokenMonths: 1000 });
const AT = START + 20 * DAY_MS;

function say(engine: Engine, offset: number, notice: Partial<Notice> = {}): void {
  engine.takeAside({ notice: { kind: 'leaked', token: 'svc', at: AT, stands: true, ...notice } }, offset);
}

const use = (at: number, facts: Partial<AuditEvent> = {}): AuditEvent => ({
  ...blankEvent(`use/${at}`, 'svc', at),
  success: true,
  ...facts,
});
const told = (engine: Engine, events: readonly AuditEvent[], from: number) =>
  feed(engine, events, from).map(({ findings: [first] }) => first?.detector);

describe('Engine: notices', () => {
  it('leaked: holds from the first event ever, with nothing known of the token', () => {
    const engine = engineOf();
    say(engine, 0);
    expect(engine.summary('svc')).toMatchObject({ eventCount: 0, firstSeenAt: 0 });
    expect(told(engine, [use(AT - 1), use(AT)], 1)).toEqual([]);
    const [assessment] = feed(engine, [use(AT + 1)], 3);
    expect(assessment).toMatchObject({
      score: assessment?.revokeThreshold,
      findings: [{ detector: 'leaked-report', isCertain: true, trust: 'reported', status: 'stable' }],
    });
    expect(assessment?.findings[0]?.explanation).toContain(new Date(AT).toISOString());
  });

  it('counts no use that fails, and lets nobody fail in somebody’s name', () => {
    const engine = engineOf();
    say(engine, 0);
    say(engine, 1, { kind: 'revoked' });
    const failures = Array.from({ length: 20 }, (_, i) =>
      use(AT + HOUR_MS + i, { success: false, operation: 'connect' }),
    );
    expect(told(engine, failures, 2)).toEqual([]);
  });

  it('is over at once when it is withdrawn, whatever was summed up', () => {
    const engine = engineOf();
    feed(engine, ordinary('svc'));
    say(engine, 1000);
    const uses = Array.from({ length: 10 }, (_, i) => use(AT + (i + 1) * MINUTE_MS, { tables: ['orders'] }));
    expect(told(engine, uses, 1001)).toContain('leaked-report');
    say(engine, 1011, { at: AT + HOUR_MS, stands: false });
    feed(engine, [use(AT + 2 * HOUR_MS, { tables: ['orders'] })], 1012);
    expect(engine.lastScore).toBeLessThan(ALERT);
    // Whoever has lost the office passes the first one on late.
    say(engine, 1013);
    feed(engine, [use(AT + 3 * HOUR_MS, { tables: ['orders'] })], 1014);
    expect(engine.lastScore).toBeLessThan(ALERT);
  });

  it('revoked: counts what comes after the grace, until it is undone', () => {
    const engine = engineOf();
    feed(engine, ordinary('svc'));
    say(engine, 1000, { kind: 'revoked' });
    expect(told(engine, [use(AT + MINUTE_MS)], 1001)).toEqual([]);
    expect(told(engine, [use(AT + MINUTE_MS + 1)], 1002)).toContain('use-after-revoke');
    say(engine, 1003, { kind: 'revoked', at: AT + HOUR_MS, stands: false });
    feed(engine, [use(AT + 2 * HOUR_MS)], 1004);
    expect(engine.lastScore).toBeLessThan(ALERT);
  });

  it('is applied once, by the stamp, and outlives a restart', () => {
    const engine = engineOf();
    feed(engine, ordinary('svc'));
    say(engine, 1000);
    const bytes = engine.snapshot('svc') as Uint8Array;
    say(engine, 1000, { at: AT + 1 });
    expect(Buffer.compare(engine.snapshot('svc') as Buffer, bytes)).toBe(0);
    const next = engineOf();
    next.restore('svc', bytes, () => undefined);
    expect(told(next, [use(AT + 1)], 1001)).toContain('leaked-report');
  });

  it('keeps its token in a flood of invented ones, however young it is', () => {
    const engine = engineOf({ tokensMax: 100 });
    const invented = (from: number) =>
      Array.from({ length: 5000 }, (_, i) => blankEvent(`i/${from + i}`, `invented ${from + i}`, START + i));
    feed(engine, invented(0), 0);
    // It makes room for itself, as an event would.
    say(engine, 5000);
    feed(engine, invented(5001), 5001);
    expect(told(engine, [use(AT + 1)], 20_000)).toEqual(['leaked-report']);
    expect(engine.takeUnadmittedCount()).toBe(0);
  });

  it('makes no record where it only withdraws', () => {
    const engine = engineOf();
    say(engine, 0, { stands: false });
    expect(engine.tokenCount).toBe(0);
  });
});

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import type { AnyDetector } from '../../src/detect/detector.ts';
import { Engine, type EngineOptions } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import { createRandom } from '../../src/domain/random.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';

/** A Monday. */
export const START = Date.UTC(2026, 8, 7);
export const DAYS = 12;
export const THEFT_AT = START + DAYS * DAY_MS + 3 * HOUR_MS;
export const detectors = await loadDetectors();

export function engineOf(options: Partial<EngineOptions> = {}, installed: readonly AnyDetector[] = detectors): Engine {
  return new Engine({
    installed: installed.map((detector) => ({ detector, config: detector.config.parse({}), weight: 1 })),
    thresholds: thresholdsOf({ alarms: 1, tokenMonths: 1000 }),
    hashSeed: 7,
    tokensMax: 100,
    onFailure: (id, cause) => {
      throw new Error(id, { cause });
    },
    ...options,
  });
}

/** A service's working days: two tables, one network, few rows. */
export function ordinary(token: string, seed = token): readonly AuditEvent[] {
  const random = createRandom(seed);
  return Array.from({ length: DAYS * 9 * 4 }, (_, i) => ({
    ...blankEvent(`${token}/${i}`, token, START + Math.floor(i / 36) * DAY_MS + (8 * 60 + (i % 36) * 15) * MINUTE_MS),
    network: '192.0.2.0/24',
    tables: [random.pick(['orders', 'customers'])],
    rows: 1 + random.below(20),
    success: true,
  }));
}

/** Whole tables that the token never read, from elsewhere, at night. */
export function stolen(token: string, count = 10): readonly AuditEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    ...blankEvent(`${token}/stolen/${i}`, token, THEFT_AT + i * 400),
    network: '203.0.113.0/24',
    tables: [['auth.users', 'hr.salaries', 'payment_cards', 'addresses'][i % 4] ?? ''],
    rows: 20_000,
    success: true,
  }));
}

export function feed(engine: Engine, events: readonly AuditEvent[], from = 0): readonly Assessment[] {
  return events.flatMap((event, i) => engine.observe(event, from + i, event.at + 40) ?? []);
}

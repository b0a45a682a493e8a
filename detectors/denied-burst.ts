import { z } from 'zod';
import { counter } from '../src/baseline/counter.ts';
import { rateWindow } from '../src/baseline/rate-window.ts';
import { HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);

const clean: readonly CaseEvent[] = Array.from({ length: 300 }, (_, i) => ({ at: START + i * HOUR_MS, success: true }));

/** A job whose every fifth statement fails, as many in the world do. */
const flaky: readonly CaseEvent[] = Array.from({ length: 300 }, (_, i) => ({
  at: START + i * HOUR_MS,
  success: i % 5 !== 0,
}));

export default defineDetector({
  id: 'denied-burst',
  title: 'Refused more often than ever',
  description:
    'Compares the token’s own rate of refused or failed statements with that of somebody who tries doors (`strangerRate`). Every refusal adds what it is worth against the owner’s rate; every success takes a little back. Failed logins count here, since they are worth knowing, but anyone can fail in somebody’s name: this dimension alone never revokes.',
  status: 'stable',
  severity: 'medium',
  dimension: 'failures',
  trust: 'claimed',
  attack: ['T1110', 'T1069'],
  falsePositives: [
    'A permission removed from a service that is still in use',
    'A release with a broken query',
    'A rotated password that not all instances know',
  ],
  runbook:
    'See what was refused. Permission errors on unknown tables point to somebody looking around; one statement that fails again and again points to a broken release.',
  config: z.strictObject({
    strangerRate: z
      .number()
      .min(0.05)
      .max(0.99)
      .default(0.5)
      .describe('Share of refused statements of somebody who tries doors.'),
    priorRate: z
      .number()
      .min(0.0001)
      .max(0.5)
      .default(0.03)
      .describe('Share of refusals expected of a token about which nothing is known yet.'),
    priorWeight: z.number().min(1).max(10_000).default(40).describe('How many statements that expectation is worth.'),
  }),
  remembers: { total: counter(), failed: counter(), perMinute: rateWindow({ windowMs: MINUTE_MS }) },
  judgesFailedLogins: true,
  bitsMax: 3,

  score({ total, failed }, event, config) {
    if (event.success === null) return undefined;
    const ownRate = (failed.value + config.priorRate * config.priorWeight) / (total.value + config.priorWeight);
    if (!event.success) return Math.log2(config.strangerRate / ownRate);
    return Math.log2((1 - config.strangerRate) / (1 - ownRate));
  },

  learn({ total, failed, perMinute }, event) {
    if (event.success === null) return;
    total.add();
    if (event.success) return;
    failed.add();
    perMinute.add(1, event.at);
  },

  evidence({ total, failed, perMinute }, event) {
    const share = total.value === 0 ? 0 : (100 * failed.value) / total.value;
    return [
      {
        what: 'refused in this minute',
        observed: perMinute.open(event.at) + (event.success === false ? 1 : 0),
        expected: `${share.toFixed(1)} % of statements`,
        sampleSize: Math.round(total.value),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'was refused often';
    const { observed, expected, sampleSize } = evidence;
    return `was refused ${observedText(observed)} × within a minute; so far ${expected} failed (${countText(sampleSize, 'statement')} known)`;
  },

  cases: [
    {
      name: 'a clean service is refused five times in a row',
      history: clean,
      events: Array.from({ length: 5 }, (_, i) => ({ at: START + 301 * HOUR_MS + i * 1000, success: false })),
      expect: 'fires',
    },
    {
      name: 'one refusal',
      history: flaky,
      events: [
        { at: START + 301 * HOUR_MS, success: false },
        { at: START + 301 * HOUR_MS + 1000, success: true },
      ],
      expect: 'silent',
    },
    { name: 'success', history: clean, events: [{ at: START + 301 * HOUR_MS, success: true }], expect: 'silent' },
  ],
});

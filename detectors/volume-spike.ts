import { z } from 'zod';
import type { Prior } from '../src/baseline/moments.ts';
import { type RateWindowRead, rateWindow } from '../src/baseline/rate-window.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import type { AuditEvent } from '../src/domain/audit-event.ts';
import { countText, numberText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7);

type Measure = 'rows' | 'bytes' | 'statements';
type WindowKey = `${Measure}PerMinute` | `${Measure}PerHour` | `${Measure}PerDay`;

/** What is taken for granted before a token has shown its own: log₂(1 + amount) in one window with any activity. */
const WINDOWS: readonly {
  readonly key: WindowKey;
  readonly measure: Measure;
  readonly label: string;
  readonly prior: Prior;
}[] = [
  { key: 'rowsPerMinute', measure: 'rows', label: 'rows in 1 minute', prior: { mean: 6, deviation: 4, weight: 5 } },
  { key: 'rowsPerHour', measure: 'rows', label: 'rows in 1 hour', prior: { mean: 8, deviation: 4, weight: 4 } },
  { key: 'rowsPerDay', measure: 'rows', label: 'rows in 1 day', prior: { mean: 11, deviation: 4, weight: 3 } },
  { key: 'bytesPerMinute', measure: 'bytes', label: 'bytes in 1 minute', prior: { mean: 14, deviation: 4, weight: 5 } },
  { key: 'bytesPerHour', measure: 'bytes', label: 'bytes in 1 hour', prior: { mean: 16, deviation: 4, weight: 4 } },
  { key: 'bytesPerDay', measure: 'bytes', label: 'bytes in 1 day', prior: { mean: 19, deviation: 4, weight: 3 } },
  {
    key: 'statementsPerMinute',
    measure: 'statements',
    label: 'statements in 1 minute',
    prior: { mean: 3, deviation: 2, weight: 5 },
  },
  {
    key: 'statementsPerHour',
    measure: 'statements',
    label: 'statements in 1 hour',
    prior: { mean: 5, deviation: 2.5, weight: 4 },
  },
  {
    key: 'statementsPerDay',
    measure: 'statements',
    label: 'statements in 1 day',
    prior: { mean: 8, deviation: 3, weight: 3 },
  },
];

/** Two weeks of a service: 20 statements an hour in office hours, 10 rows each. */
const steady: readonly CaseEvent[] = Array.from({ length: 14 * 8 * 20 }, (_, i) => {
  const hour = Math.floor(i / 20);
  return {
    at: START + Math.floor(hour / 8) * DAY_MS + (9 + (hour % 8)) * HOUR_MS + (i % 20) * 3 * MINUTE_MS,
    rows: 5 + (i % 11),
    bytes: 900 + (i % 200),
  };
});

/** A report tool whose results are anything from ten rows to a hundred thousand. */
const heavyTailed: readonly CaseEvent[] = Array.from({ length: 600 }, (_, i) => ({
  at: START + i * HOUR_MS,
  rows: Math.round(10 * 10 ** ((i * 7) % 5)),
  bytes: null,
}));

export default defineDetector({
  id: 'volume-spike',
  title: 'More rows, bytes or statements than ever',
  description:
    'Keeps the running minute, hour and day of rows, bytes and statements beside the token’s own closed ones (log-normal with an exponential tail, shrunk towards those of most tokens while few are known), and tests the open window at every event, so a burst is caught inside it. An event is charged with what it adds to the surprise of the most surprising window, so that a window counts once however many events fill it.',
  status: 'stable',
  severity: 'high',
  dimension: 'how-much',
  trust: 'reported',
  attack: ['T1530', 'T1048', 'T1567'],
  falsePositives: ['A backfill or export that was announced', 'Quarter-end batches', 'A cache that was emptied'],
  runbook:
    'See which tables the rows came from and where they went. Ask the owner whether an export was planned; if not, revoke first and ask later.',
  config: z.strictObject({
    ignoreBits: z
      .number()
      .min(0)
      .max(20)
      .default(4)
      .describe('Surprise of a window below which nothing is charged: the noise of ordinary days.'),
  }),
  remembers: {
    rowsPerMinute: rateWindow({ windowMs: MINUTE_MS }),
    rowsPerHour: rateWindow({ windowMs: HOUR_MS }),
    rowsPerDay: rateWindow({ windowMs: DAY_MS }),
    bytesPerMinute: rateWindow({ windowMs: MINUTE_MS }),
    bytesPerHour: rateWindow({ windowMs: HOUR_MS }),
    bytesPerDay: rateWindow({ windowMs: DAY_MS }),
    statementsPerMinute: rateWindow({ windowMs: MINUTE_MS }),
    statementsPerHour: rateWindow({ windowMs: HOUR_MS }),
    statementsPerDay: rateWindow({ windowMs: DAY_MS }),
  },
  bitsMax: 12,

  score(fields, event, config) {
    let before = config.ignoreBits;
    let after = config.ignoreBits;
    for (const { key, measure, prior } of WINDOWS) {
      const amount = amountOf(event, measure);
      if (amount === null) continue;
      const window = fields[key];
      const open = window.open(event.at);
      const bits = window.surprise(open + amount, prior);
      // What the window held before was no more surprising, so nearly always there is nothing to compare.
      if (bits <= config.ignoreBits) continue;
      after = Math.max(after, bits);
      if (open > 0) before = Math.max(before, window.surprise(open, prior));
    }
    return after > before ? after - before : -0.1;
  },

  learn(fields, event) {
    for (const { key, measure } of WINDOWS) {
      const amount = amountOf(event, measure);
      if (amount !== null) fields[key].add(amount, event.at);
    }
  },

  evidence(fields, event) {
    return WINDOWS.flatMap(({ key, measure, label, prior }) => {
      const amount = amountOf(event, measure);
      if (amount === null) return [];
      const window: RateWindowRead = fields[key];
      const total = window.open(event.at) + amount;
      return [{ total, bits: window.surprise(total, prior), label, window, prior }];
    })
      .sort((a, b) => b.bits - a.bits)
      .slice(0, 2)
      .map(({ total, label, window, prior }) => ({
        what: label,
        observed: Math.round(total),
        expected: `up to ${numberText(Math.round(window.usual(prior, 2)))}`,
        sampleSize: Math.round(window.closedCount),
      }));
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'did more than ever';
    const { what, observed, expected, sampleSize } = evidence;
    return `reached ${observedText(observed)} ${what}; usual is ${expected} (${countText(sampleSize, 'such window')} known)`;
  },

  cases: [
    {
      name: 'a steady service reads 50,000 rows at once',
      history: steady,
      events: [{ at: START + 14 * DAY_MS + 10 * HOUR_MS, rows: 50_000, bytes: 9_000_000 }],
      expect: 'fires',
    },
    {
      name: 'many small reads add up inside the open minute',
      history: steady,
      events: Array.from({ length: 200 }, (_, i) => ({
        at: START + 14 * DAY_MS + 10 * HOUR_MS + i * 250,
        rows: 10,
        bytes: 1000,
      })),
      expect: 'fires',
    },
    {
      name: 'an ordinary statement',
      history: steady,
      events: [{ at: START + 14 * DAY_MS + 10 * HOUR_MS, rows: 12, bytes: 950 }],
      expect: 'silent',
    },
    {
      name: 'a large result of a tool that often has large results',
      history: heavyTailed,
      events: [{ at: START + 601 * HOUR_MS, rows: 120_000, bytes: null }],
      expect: 'silent',
    },
  ],
});

function amountOf(event: AuditEvent, measure: Measure): number | null {
  return measure === 'statements' ? 1 : event[measure];
}

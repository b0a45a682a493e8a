import { z } from 'zod';
import { type FleetPulseRead, fleetPulse } from '../src/baseline/fleet-pulse.ts';
import type { Prior } from '../src/baseline/moments.ts';
import { type PeakRead, peak } from '../src/baseline/peak.ts';
import { type RateWindowRead, type RateWindowsRead, rateWindows } from '../src/baseline/rate-window.ts';
import { deviationsOf } from '../src/baseline/tail.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import type { AuditEvent } from '../src/domain/audit-event.ts';
import { countText, numberText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7);

const WINDOWS_MS = [MINUTE_MS, HOUR_MS, DAY_MS];
/** A window that is as loud as another was lately is mostly more of the same: it counts by this share only. */
const AGAIN_SHARE = 0.5;
const LATELY_MS = 4 * HOUR_MS;
const ORDINARY_BITS = -0.1;
const WINDOW_NAMES = ['1 minute', '1 hour', '1 day'];

/**
 * What is taken for granted before a token has shown its own: log₂(1 + amount) in one window with any activity, a minute, an hour and a day
 * long.
 */
const ROWS: readonly Prior[] = [
  { mean: 6, deviation: 4, weight: 2 },
  { mean: 8, deviation: 4, weight: 1.6 },
  { mean: 11, deviation: 4, weight: 1.2 },
];
const BYTES: readonly Prior[] = [
  { mean: 14, deviation: 4, weight: 2 },
  { mean: 16, deviation: 4, weight: 1.6 },
  { mean: 19, deviation: 4, weight: 1.2 },
];
const STATEMENTS: readonly Prior[] = [
  { mean: 3, deviation: 2, weight: 2 },
  { mean: 5, deviation: 2.5, weight: 1.6 },
  { mean: 8, deviation: 3, weight: 1.2 },
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
    'Keeps the running minute, hour and day of rows, bytes and statements beside the token’s own closed ones (log-normal with an exponential tail, shrunk towards those of most tokens while few are known), and tests the open window at every event, so a burst is caught inside it. An event is charged with what it adds to the surprise of the most surprising window, so that a window counts once however many events fill it; and by half of it while that is no louder than a window was within the last hours, since a minute that is as loud as the one before is mostly more of the same. When most tokens do more than usual at the same time (a sale, a backlog that everybody works off), so much more is no surprise of any of them.',
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
      .default(5)
      .describe('Surprise of a window below which nothing is charged: the noise of ordinary days.'),
  }),
  remembers: {
    rows: rateWindows({ windowsMs: WINDOWS_MS }),
    bytes: rateWindows({ windowsMs: WINDOWS_MS }),
    statements: rateWindows({ windowsMs: WINDOWS_MS }),
    loudest: peak({ halfLifeMs: LATELY_MS }),
    fleet: fleetPulse(),
  },
  bitsMax: 12,

  score: (fields, event, { ignoreBits }) => chargeOf(fields, event, ignoreBits),

  learn(fields, event, { ignoreBits }, charge = chargeOf(fields, event, ignoreBits)) {
    const { at } = event;
    const { rows, bytes, statements, loudest } = fields;
    // What adds nothing to the surprise of a window makes none louder.
    if (charge > 0) loudest.raise(surpriseAfter(fields, event, ignoreBits), at);
    if (event.rows !== null) rows.add(event.rows, at);
    if (event.bytes !== null) bytes.add(event.bytes, at);
    statements.add(1, at);
  },

  evidence({ rows, bytes, statements, fleet }, event) {
    return [
      ...measured(rows, ROWS, event.at, event.rows, 'rows', fleet),
      ...measured(bytes, BYTES, event.at, event.bytes, 'bytes', fleet),
      ...measured(statements, STATEMENTS, event.at, 1, 'statements', fleet),
    ]
      .sort((a, b) => b.bits - a.bits)
      .slice(0, 2)
      .map(({ total, what, window, prior, level }) => ({
        what,
        observed: Math.round(total),
        expected: `up to ${numberText(Math.round(window.usual(prior, 2)))}${busyText(level)}`,
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

interface Volumes {
  readonly fleet: FleetPulseRead;
  readonly rows: RateWindowsRead;
  readonly bytes: RateWindowsRead;
  readonly statements: RateWindowsRead;
}

/** What an event adds to each; `null`: it does not say. */
interface Amounts {
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly statements: number;
}

function amountsOf({ rows, bytes }: Pick<AuditEvent, 'rows' | 'bytes'>, share: 0 | 1): Amounts {
  return { rows: rows === null ? null : share * rows, bytes: bytes === null ? null : share * bytes, statements: share };
}

/** What an event is charged with: what it adds to the surprise of the most surprising window, bits. */
function chargeOf(volumes: Volumes & { readonly loudest: PeakRead }, event: AuditEvent, ignoreBits: number): number {
  const after = surpriseAfter(volumes, event, ignoreBits);
  // What the windows held before was no more surprising, so nearly always there is nothing to compare.
  if (after === 0) return ORDINARY_BITS;
  const before = surpriseOf(volumes, event.at, ignoreBits, amountsOf(event, 0));
  if (after <= before) return ORDINARY_BITS;
  const higher = after - Math.max(before, volumes.loudest.of(event.at));
  return Math.max(higher, AGAIN_SHARE * (after - before));
}

/** By how many bits the most surprising window is above what is ignored, with the event in it. */
function surpriseAfter(volumes: Volumes, event: AuditEvent, ignoreBits: number): number {
  const { at, rows, bytes } = event;
  const ignored = deviationsOf(ignoreBits);
  // Nearly always all there is to know.
  const isOrdinary =
    volumes.statements.areOrdinary(1, at, STATEMENTS, ignored) &&
    (rows === null || volumes.rows.areOrdinary(rows, at, ROWS, ignored)) &&
    (bytes === null || volumes.bytes.areOrdinary(bytes, at, BYTES, ignored));
  return isOrdinary ? 0 : surpriseOf(volumes, at, ignoreBits, amountsOf(event, 1));
}

function surpriseOf(volumes: Volumes, at: number, ignoreBits: number, amounts: Amounts): number {
  const { rows, bytes, statements, fleet } = volumes;
  const ignored = deviationsOf(ignoreBits);
  const most = Math.max(
    mostBits(rows, ROWS, at, amounts.rows, ignored, fleet),
    mostBits(bytes, BYTES, at, amounts.bytes, ignored, fleet),
    mostBits(statements, STATEMENTS, at, amounts.statements, ignored, fleet),
  );
  return Math.max(0, most - ignoreBits);
}

/**
 * Surprise of the most surprising window when this amount is added to it, beside what all tokens do at present. 0 when the event does not say the amount,
 * and when no window gets more than `ignored` standard deviations above what is usual.
 */
function mostBits(
  { windows }: RateWindowsRead,
  priors: readonly Prior[],
  at: number,
  amount: number | null,
  ignored: number,
  fleet: FleetPulseRead,
): number {
  let most = 0;
  if (amount === null) return most;
  for (let i = 0; i < windows.length; i++) {
    const window = windows[i] as RateWindowRead;
    const prior = priors[i] as Prior;
    const total = window.open(at) + amount;
    // Nearly always all there is to know, and much cheaper than to say how surprising it is.
    if (window.isOrdinary(total, prior, ignored)) continue;
    most = Math.max(most, window.surprise(total, prior, fleet.level(WINDOWS_MS[i] as number)));
  }
  return most;
}

function measured(
  { windows }: RateWindowsRead,
  priors: readonly Prior[],
  at: number,
  amount: number | null,
  measure: string,
  fleet: FleetPulseRead,
) {
  if (amount === null) return [];
  return windows.map((window, i) => {
    const prior = priors[i] as Prior;
    const total = window.open(at) + amount;
    const level = fleet.level(WINDOWS_MS[i] as number);
    const bits = window.surprise(total, prior, level);
    return { total, bits, what: `${measure} in ${WINDOW_NAMES[i]}`, window, prior, level };
  });
}

function busyText(level: number): string {
  return level === 0 ? '' : `, and others do ${(2 ** level).toFixed(1)} × as much as usual`;
}

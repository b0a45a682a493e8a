import { z } from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type WeeklyDriftRead, weeklyDrift } from '../src/baseline/weekly-drift.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { countText, observedText } from '../src/domain/words.ts';

/** A Monday. */
const START = Date.UTC(2026, 8, 7, 9);

/** How much seldomer a drift is with each deviation more: measured on honest tokens, made-up ones and those of recorded logs. */
const BITS_A_DEVIATION = 1.2 * Math.LOG2E;

/** A job's working days of forty statements, which grow by `growth` a day from the fifth week on. */
function job(days: number, growth = 1): readonly CaseEvent[] {
  return Array.from({ length: days }, (_, day) => {
    const count = Math.round((38 + ((day * 7) % 5)) * growth ** Math.max(0, day - 27));
    return Array.from({ length: day % 7 >= 5 ? Math.round(count / 2) : count }, (_, i) => ({
      at: START + day * DAY_MS + i * MINUTE_MS,
      rows: 200 + ((i * 37) % 100),
    }));
  }).flat();
}

export default defineDetector({
  id: 'slow-drain',
  title: 'A little more every day',
  description:
    'Compares each day’s rows and statements with what is usual on that weekday, by how much the token’s days vary (log-normal, shrunk towards those of most tokens), and sums what stays above (CUSUM). So growth is found that no single day shows: somebody who takes a few per cent more each day, in the token’s own hours and tables. It is looked at when a day is over, at the first use of the next.',
  status: 'experimental',
  severity: 'medium',
  dimension: 'how-much',
  trust: 'reported',
  attack: ['T1020', 'T1030'],
  falsePositives: [
    'A service that gains users',
    'A job that is rolled out step by step',
    'A backlog that is caught up with',
  ],
  runbook:
    'Ask the owner whether the growth is theirs, and since when. Compare where the rows go with three weeks ago; look for statements that come twice.',
  config: z.strictObject({
    ignoreBits: z
      .number()
      .min(0)
      .max(30)
      .default(14)
      .describe('Drift below which nothing is charged: the comings and goings of ordinary weeks.'),
    observationsMin: z
      .number()
      .min(7)
      .max(60)
      .default(20)
      .describe('Days that must have been compared with their weekday before there is anything to say.'),
  }),
  remembers: { rows: weeklyDrift(), statements: weeklyDrift() },
  bitsMax: 18,

  score({ rows, statements }, event, { ignoreBits, observationsMin }) {
    // Nearly always: the day goes on.
    if (statements.closing(event.at) === undefined) return undefined;
    const drifts = endedWith(rows, statements).map(({ field }) =>
      field.observations < observationsMin ? 0 : (field.closing(event.at) ?? 0),
    );
    const bits = BITS_A_DEVIATION * Math.max(...drifts);
    return bits < ignoreBits ? undefined : bits;
  },

  learn({ rows, statements }, event) {
    if (event.rows !== null) rows.add(event.rows, event.at);
    statements.add(1, event.at);
  },

  evidence({ rows, statements }, event) {
    const drifting = endedWith(rows, statements).toSorted(
      (a, b) => (b.field.closing(event.at) ?? 0) - (a.field.closing(event.at) ?? 0),
    );
    return drifting.slice(0, 1).map(({ what, field }) => ({
      what,
      observed: `${field.growth.toFixed(2)} × what is usual on that weekday, after days of growth`,
      expected: 'about 1 ×',
      sampleSize: Math.round(field.observations),
    }));
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'has done more day by day';
    const { what, observed, expected, sampleSize } = evidence;
    return `has done more day by day: ${what} are ${observedText(observed)}; usual is ${expected} (${countText(sampleSize, 'day')} compared)`;
  },

  cases: [
    {
      name: 'eight per cent more each day, for ten days',
      history: job(38, 1.08),
      events: [{ at: START + 38 * DAY_MS, rows: 200 }],
      expect: 'fires',
    },
    {
      name: 'the same job without growth, after its weekend',
      history: job(37),
      events: [{ at: START + 37 * DAY_MS, rows: 200 }],
      expect: 'silent',
    },
    {
      name: 'a source that no longer says how many rows, after days of growth',
      history: [
        ...job(38, 1.08),
        ...job(46, 1)
          .filter(({ at }) => at >= START + 38 * DAY_MS)
          .map(({ at }) => ({ at })),
      ],
      events: [{ at: START + 46 * DAY_MS }],
      expect: 'silent',
    },
    {
      name: 'one loud day',
      history: [
        ...job(36),
        ...Array.from({ length: 400 }, (_, i) => ({ at: START + 35 * DAY_MS + 2 * HOUR_MS + i * 1000, rows: 200 })),
      ],
      events: [{ at: START + 36 * DAY_MS, rows: 200 }],
      expect: 'silent',
    },
  ],
});

/** What was counted on the day that is over. Not rows of an earlier one: a source may stop telling them, and its drift is not to be charged again and again. */
function endedWith(rows: WeeklyDriftRead, statements: WeeklyDriftRead) {
  const counted = { what: 'statements a day', field: statements };
  return rows.openDay === statements.openDay ? [{ what: 'rows a day', field: rows }, counted] : [counted];
}

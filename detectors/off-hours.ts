import { z } from 'zod';
import { hourOfWeek } from '../src/baseline/hour-of-week.ts';
import { DAY_MS, HOUR_MS, hourOfWeekOf } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { countText, observedText } from '../src/domain/words.ts';

/** A Monday. */
const START = Date.UTC(2026, 8, 7);
const DAY_NAMES = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** Three weeks of office hours, Monday to Friday. */
const officeHours: readonly CaseEvent[] = Array.from({ length: 15 * 9 }, (_, i) => {
  const workday = Math.floor(i / 9);
  return { at: START + (Math.floor(workday / 5) * 7 + (workday % 5)) * DAY_MS + (9 + (i % 9)) * HOUR_MS };
});

/** Three weeks around the clock. */
const always: readonly CaseEvent[] = Array.from({ length: 21 * 24 }, (_, i) => ({ at: START + i * HOUR_MS }));

export default defineDetector({
  id: 'off-hours',
  title: 'Hour of the week at which it never works',
  description:
    'Compares how likely this hour of the week is for the token, from a smoothed and fading histogram of its active hours, with a stranger to whom all 168 hours are alike. Each active hour is judged once, at its first event, so that a busy hour is not a hundred pieces of evidence. Hours are UTC.',
  status: 'stable',
  severity: 'medium',
  dimension: 'when',
  trust: 'reported',
  attack: ['T1078'],
  falsePositives: ['On-call work at night', 'A batch that was started late', 'Daylight-saving change', 'Quarter-end'],
  runbook:
    'Ask the owner who worked or what ran at that hour. By itself this is weak evidence; it strengthens other findings.',
  config: z.strictObject({
    priorWeight: z
      .number()
      .min(1)
      .max(1000)
      .default(12)
      .describe(
        'How many active hours it is worth how often the token works at that hour of the day, whatever the weekday; that one is shrunk towards all hours alike.',
      ),
  }),
  remembers: { hours: hourOfWeek() },

  score({ hours }, event, config) {
    if (hours.counted(event.at)) return undefined;
    return Math.log2(1 / 168 / hours.probability(event.at, config.priorWeight));
  },

  learn({ hours }, event) {
    hours.add(event.at);
  },

  evidence({ hours }, event, config) {
    const perWeek = hours.probability(event.at, config.priorWeight) * 168;
    return [
      {
        what: 'hour of the week (UTC)',
        observed: [hourName(event.at)],
        expected: `${perWeek.toFixed(2)} × as often as an average hour`,
        sampleSize: Math.round(hours.observations),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'was active at an hour at which it hardly ever is';
    const { observed, expected, sampleSize } = evidence;
    return `was active at ${observedText(observed)}, an hour it uses ${expected} (${countText(sampleSize, 'active hour')} known)`;
  },

  cases: [
    {
      name: 'office work on a Sunday night',
      history: officeHours,
      events: [
        { at: START + 27 * DAY_MS + 3 * HOUR_MS },
        { at: START + 27 * DAY_MS + 4 * HOUR_MS },
        { at: START + 27 * DAY_MS + 5 * HOUR_MS },
      ],
      expect: 'fires',
    },
    {
      name: 'Monday at ten',
      history: officeHours,
      events: [{ at: START + 28 * DAY_MS + 10 * HOUR_MS }],
      expect: 'silent',
    },
    {
      name: 'a service that never sleeps',
      history: always,
      events: [{ at: START + 22 * DAY_MS + 3 * HOUR_MS }],
      expect: 'silent',
    },
    {
      name: 'a token with one day of history',
      history: officeHours.slice(0, 9),
      events: [{ at: START + DAY_MS + 20 * HOUR_MS }],
      expect: 'silent',
    },
  ],
});

function hourName(at: number): string {
  const hour = hourOfWeekOf(at);
  return `${DAY_NAMES[Math.floor(hour / 24)]} ${String(hour % 24).padStart(2, '0')}:00`;
}

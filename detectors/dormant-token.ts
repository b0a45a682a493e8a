import { z } from 'zod';
import { moments } from '../src/baseline/moments.ts';
import { tailBits } from '../src/baseline/tail.ts';
import { DAY_MS, HOUR_MS } from '../src/baseline/time.ts';
import { timestamp } from '../src/baseline/timestamp.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { countText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 2, 2, 9);
/** Pauses in log₂ hours, before any is known: days. What is far from those of a weekly job would make its own seem to vary. */
const PRIOR = { mean: 7, deviation: 1.3, weight: 1 };
/** Shorter pauses are the rhythm of the day, not dormancy. */
const GAP_MIN_MS = 6 * HOUR_MS;

const daily: readonly CaseEvent[] = Array.from({ length: 30 }, (_, i) => ({ at: START + i * DAY_MS }));
const monthly: readonly CaseEvent[] = Array.from({ length: 8 }, (_, i) => ({ at: START + i * 30 * DAY_MS }));

export default defineDetector({
  id: 'dormant-token',
  title: 'Awake after a long sleep',
  description:
    'Judges the pause before an event against the token’s own pauses of six hours and more (log-normal, shrunk towards those of most tokens). Forgotten credentials are a favourite of thieves because nobody misses them. A quarterly job that wakes every quarter is no news.',
  status: 'stable',
  severity: 'medium',
  dimension: 'when',
  trust: 'reported',
  attack: ['T1078.001'],
  falsePositives: ['A yearly job', 'Somebody back from a long leave', 'A disaster-recovery test'],
  runbook: 'Ask whether anybody still needs the token. If nobody does, revoke it whatever this use was.',
  config: z.strictObject({
    dormantAfterDays: z
      .number()
      .min(1)
      .max(3650)
      .default(10)
      .describe('Pauses shorter than this many days are never news.'),
  }),
  remembers: { lastUsed: timestamp(), pauses: moments({ weightMax: 60, told: pauseText }) },

  score({ lastUsed, pauses }, event, config) {
    const pauseMs = event.at - lastUsed.value;
    if (lastUsed.value === 0 || pauseMs < config.dormantAfterDays * DAY_MS) return undefined;
    const z = (Math.log2(pauseMs / HOUR_MS) - pauses.mean(PRIOR)) / pauses.deviation(PRIOR, 0.7);
    return tailBits(z) - 1;
  },

  learn({ lastUsed, pauses }, event) {
    const pauseMs = event.at - lastUsed.value;
    if (lastUsed.value > 0 && pauseMs >= GAP_MIN_MS) pauses.add(Math.log2(pauseMs / HOUR_MS));
    lastUsed.advance(event.at);
  },

  evidence({ lastUsed, pauses }, event) {
    return [
      {
        what: 'pause before this use (days)',
        observed: Math.round((event.at - lastUsed.value) / DAY_MS),
        expected: pauseText(pauses.mean(PRIOR)),
        sampleSize: Math.round(pauses.weight),
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'woke after a long sleep';
    const { observed, expected, sampleSize } = evidence;
    return `woke after ${observedText(observed)} days; its pauses usually last ${expected} (${countText(sampleSize, 'pause')} known)`;
  },

  cases: [
    {
      name: 'a daily token after four months',
      history: daily,
      events: [{ at: START + 150 * DAY_MS }],
      expect: 'fires',
    },
    { name: 'a monthly job, monthly', history: monthly, events: [{ at: START + 241 * DAY_MS }], expect: 'silent' },
    { name: 'a long weekend', history: daily, events: [{ at: START + 33 * DAY_MS }], expect: 'silent' },
    { name: 'the first use ever', history: [], events: [{ at: START }], expect: 'silent' },
  ],
});

/** `20 hours`, `7 days`. @param pause log₂ hours */
function pauseText(pause: number): string {
  const hours = 2 ** pause;
  return hours < 48 ? `${hours.toFixed(0)} hours` : `${(hours / 24).toFixed(0)} days`;
}

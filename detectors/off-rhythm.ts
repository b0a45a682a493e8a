import { z } from 'zod';
import { type RhythmRead, rhythm } from '../src/baseline/rhythm.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { clockText, countText, numberText, observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7);

/** Three weeks of a clerk: a dozen statements a day, between eight and two. */
const clerk: readonly CaseEvent[] = Array.from({ length: 21 * 12 }, (_, i) => ({
  at: START + Math.floor(i / 12) * DAY_MS + 8 * HOUR_MS + (i % 12) * 30 * MINUTE_MS,
}));

/** Three weeks of a job that runs every hour, around the clock. */
const hourly: readonly CaseEvent[] = Array.from({ length: 21 * 24 }, (_, i) => ({ at: START + i * HOUR_MS }));

const AFTER = START + 21 * DAY_MS;

const HOUR = 'hour of the day (UTC)';

export default defineDetector({
  id: 'off-rhythm',
  title: 'Use after use at unusual hours, or in an unusual number',
  description:
    'Compares the hour of each use, and how many uses came within a day, with the mean and the spread of both over the token’s own uses, together. One odd use says little, and each of many in a row says a little: their mean counts, over the latest sixteen. Finds who is somebody else in everything by a bit, where no single use is worth telling of. Hours are UTC. Where the number is odder than the hour, the finding is one of `how-much`: `volume-spike` sees the same uses, and they are no second dimension.',
  status: 'stable',
  severity: 'medium',
  dimension: 'when',
  trust: 'reported',
  attack: ['T1078'],
  falsePositives: ['A job that was moved to another hour', 'On-call work', 'A service that gets many more users'],
  runbook:
    'Ask the owner who worked or what ran then. By itself this is weak evidence; it strengthens other findings, above all of new or seldom used tables.',
  config: z.strictObject({
    ordinaryBits: z
      .number()
      .min(0)
      .max(20)
      .default(2)
      .describe('Surprise of a use below which it speaks for the owner: that of ordinary days.'),
    observationsMin: z
      .number()
      .min(1)
      .max(400)
      .default(10)
      .describe('Uses that must be known before there is a rhythm to speak of.'),
  }),
  remembers: { rhythm: rhythm() },
  // Hours that follow each other are alike.
  gathers: { halfLife: 16, worth: 5 },
  bitsMax: 9,

  score({ rhythm }, { at }, { ordinaryBits, observationsMin }) {
    if (rhythm.observations < observationsMin) return undefined;
    return rhythm.surprise(at) - ordinaryBits;
  },

  learn({ rhythm }, { at }) {
    rhythm.add(at);
  },

  evidence({ rhythm }, { at }) {
    const ofHour = {
      what: HOUR,
      observed: clockText(at),
      expected: `around ${clockText(rhythm.usualHour * HOUR_MS)}`,
      sampleSize: Math.round(rhythm.observations),
    };
    const ofUses = {
      what: 'uses within a day',
      observed: Math.round(rhythm.usesWithinDay(at)),
      expected: `about ${numberText(Math.round(rhythm.usualUses))}`,
      sampleSize: Math.round(rhythm.observations),
    };
    return isOfHour(rhythm, at) ? [ofHour, ofUses] : [ofUses, ofHour];
  },

  dimensionOf({ rhythm }, { at }) {
    return isOfHour(rhythm, at) ? 'when' : 'how-much';
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'was used otherwise than ever';
    const { what, observed, expected, sampleSize } = evidence;
    const seen = what === HOUR ? `at ${observedText(observed)} UTC` : `${observedText(observed)} times within a day`;
    return `was used again and again as it hardly ever is: ${seen}; usual is ${expected} (${countText(sampleSize, 'use')} known)`;
  },

  cases: [
    {
      name: 'somebody works with a clerk’s token at night',
      history: clerk,
      events: Array.from({ length: 6 }, (_, i) => ({ at: AFTER + 23 * HOUR_MS + i * 5 * MINUTE_MS })),
      expect: 'fires',
    },
    {
      name: 'somebody works beside the clerk, ten times as much',
      history: clerk,
      events: Array.from({ length: 120 }, (_, i) => ({ at: AFTER + 8 * HOUR_MS + i * 3 * MINUTE_MS })),
      expect: 'fires',
    },
    {
      name: 'the clerk’s next day',
      history: clerk,
      events: clerk.slice(0, 12).map(({ at }) => ({ at: at + 21 * DAY_MS })),
      expect: 'silent',
    },
    {
      name: 'the next hour of a job that runs every hour',
      history: hourly,
      events: Array.from({ length: 6 }, (_, i) => ({ at: AFTER + i * HOUR_MS })),
      expect: 'silent',
    },
  ],
});

/** Whether the hour is odder than the number. */
function isOfHour(rhythm: RhythmRead, at: number): boolean {
  return rhythm.hourSurprise(at) >= rhythm.surprise(at) / 2;
}

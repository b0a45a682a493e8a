import { dayOf, HOUR_MS } from '../../src/baseline/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { columnOf, FEATURES } from './features.ts';
import type { Method, Scores, SharedLog } from './scored-log.ts';

/** What rules on amounts look at. */
const VOLUMES = [
  'events 1 min',
  'events 10 min',
  'events 1 h',
  'events 1 d',
  'rows 1 h',
  'bytes 1 h',
  'tables 1 h',
].map(columnOf);
/** On a logarithmic scale: a token that always does exactly the same is not infinitely surprised by a tenth more. */
const DEVIATION_MIN = 0.1;
/** Before that, a token has no ordinary amount. */
const EVENTS_MIN = 30;
/** How many of its latest events a token's ordinary amounts are of. */
const MEMORY_EVENTS = 2000;

/** Limits for the whole fleet, as most monitoring has them. */
export const staticThresholds: Method = {
  name: 'static thresholds',
  async score(log) {
    const column = (name: string) => perEvent(log, () => (_, row) => row[columnOf(name)] as number);
    return new Map([
      ['statements an hour', column('events 1 h')],
      ['rows an hour', column('rows 1 h')],
    ]);
  },
};

/** Deviations from the token's own mean, of logarithms: the kindest form of it. */
export const zScore: Method = {
  name: 'z-score',
  score: async (log) => combined(log, meansAndDeviations),
};

/** The same by median and median absolute deviation of the latest events, taken anew each day. */
export const medianDeviation: Method = {
  name: 'median/MAD',
  score: async (log) => combined(log, mediansAndDeviations),
};

type Standardise = (event: AuditEvent, row: Float32Array) => readonly number[];

function combined(log: SharedLog, start: () => Standardise): ReadonlyMap<string, Scores> {
  const max = new Float64Array(log.events.length);
  const sum = perEvent(log, () => {
    const standardise = start();
    return (event, row, index) => {
      const deviations = standardise(event, row);
      max[index] = Math.max(0, ...deviations);
      return deviations.reduce((total, deviation) => total + Math.max(0, deviation), 0);
    };
  });
  return new Map([
    ['highest', max],
    ['sum', sum],
  ]);
}

function meansAndDeviations(): Standardise {
  const means = VOLUMES.map(() => 0);
  const variances = VOLUMES.map(() => 0);
  let count = 0;
  return (_, row) => {
    const isYoung = count < EVENTS_MIN;
    count += 1;
    const share = 1 / Math.min(count, MEMORY_EVENTS);
    return VOLUMES.map((column, i) => {
      const difference = (row[column] as number) - (means[i] as number);
      const deviation = Math.sqrt(variances[i] as number) + DEVIATION_MIN;
      means[i] = (means[i] as number) + share * difference;
      variances[i] = (1 - share) * ((variances[i] as number) + share * difference ** 2);
      return isYoung ? 0 : difference / deviation;
    });
  };
}

function mediansAndDeviations(): Standardise {
  const past: number[][] = VOLUMES.map(() => []);
  let learnt: readonly { readonly middle: number; readonly deviation: number }[] = [];
  let day = Number.NaN;
  return ({ at }, row) => {
    if (dayOf(at) !== day) {
      day = dayOf(at);
      learnt = past.map((values) => {
        const middle = middleOf(values);
        return {
          middle,
          deviation: 1.4826 * middleOf(values.map((value) => Math.abs(value - middle))) + DEVIATION_MIN,
        };
      });
    }
    const isYoung = (past[0] as number[]).length < EVENTS_MIN;
    return VOLUMES.map((column, i) => {
      const value = row[column] as number;
      const values = past[i] as number[];
      values.push(value);
      if (values.length > 2 * MEMORY_EVENTS) values.splice(0, MEMORY_EVENTS);
      const { middle = Number.NaN, deviation = 1 } = learnt[i] ?? {};
      return isYoung || Number.isNaN(middle) ? 0 : (value - middle) / deviation;
    });
  };
}

/** Sorting numbers as numbers takes a tenth of the time, which here is nearly all of it. */
function middleOf(values: readonly number[]): number {
  return Float64Array.from(values).sort()[Math.floor(values.length / 2)] ?? Number.NaN;
}

const NEW = FEATURES.flatMap((name, column) => (name.startsWith('new ') ? [column] : []));

/** In the manner of "rare value" and "high count" jobs: what was first seen within the last hour, and how much was done in it. */
export const firstSeen: Method = {
  name: 'first seen',
  async score(log) {
    const rare = new Float64Array(log.events.length);
    const both = new Float64Array(log.events.length);
    const count = perEvent(log, () => {
      const surprises = surprisesOfAnHour();
      const deviations = meansAndDeviations();
      return (event, row, index) => {
        const { newCount, bits } = surprises(event, row);
        rare[index] = bits;
        both[index] = bits + Math.max(0, ...deviations(event, row));
        return newCount;
      };
    });
    return new Map([
      ['count', count],
      ['by rarity', rare],
      ['rare or many', both],
    ]);
  },
};

/** Something new counts by how rarely the token does what is new in that respect. */
function surprisesOfAnHour() {
  const newCounts = NEW.map(() => 0);
  let eventCount = 0;
  let latest: { readonly at: number; readonly bits: number }[] = [];
  return ({ at }: AuditEvent, row: Float32Array) => {
    latest = latest.filter((surprise) => surprise.at > at - HOUR_MS);
    for (const [i, column] of NEW.entries()) {
      if (row[column] !== 1) continue;
      latest.push({ at, bits: -Math.log2(((newCounts[i] as number) + 1) / (eventCount + 2)) });
      newCounts[i] = (newCounts[i] as number) + 1;
    }
    eventCount += 1;
    return { newCount: latest.length, bits: latest.reduce((sum, { bits }) => sum + bits, 0) };
  };
}

type ScoreEvent = (event: AuditEvent, row: Float32Array, index: number) => number;

/** @param start begins with a token */
function perEvent({ events, features }: SharedLog, start: () => ScoreEvent): Scores {
  const byToken = new Map<string, ScoreEvent>();
  return Float64Array.from(events, (event, index) => {
    const score = byToken.get(event.token) ?? start();
    byToken.set(event.token, score);
    return score(event, features.row(index), index);
  });
}

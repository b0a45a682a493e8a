import type { Label } from '../../src/backtest/labels.ts';
import { type Judged, type Measured, Measurement } from '../../src/backtest/measure.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { median } from '../quantile.ts';
import type { Scores } from './scored-log.ts';

/** False alerts a token-month at which methods are compared, unless others are asked for. */
export const BUDGETS: readonly number[] = [1, 0.1];
/** Below the median of all events no budget is kept. */
const HIGHEST_SHARE = 0.5;
/** Each step towards the tail leaves so much of the events above; the last ones are taken one by one. */
const STEP = 0.96;

interface Scored {
  readonly events: readonly AuditEvent[];
  readonly scores: Scores;
}

/** Some thefts at one price. */
export interface Caught {
  /** False alerts a token-month. */
  readonly budget: number;
  readonly threshold: number;
  readonly share: number;
  /** Of those that are caught: the token's events from the theft's beginning until then. */
  readonly medianEvents: number;
}

/** How one way of scoring did. */
export interface Verdict {
  readonly untouched: Measured;
  /** By scenario, and `all`. */
  readonly caught: Readonly<Record<string, { readonly theftCount: number; readonly at: readonly Caught[] }>>;
}

/**
 * Judges scores of whatever scale: thresholds are quantiles of the scores of the log as it was, on which false alerts are counted; thefts are
 * looked for on the grafted ones.
 *
 * @param budgets false alerts a token-month
 * @param extraThresholds which are of interest by themselves
 */
export function judge(
  before: Scored,
  afters: readonly (Scored & { readonly labels: readonly Label[] })[],
  countedFrom: number,
  budgets = BUDGETS,
  extraThresholds: readonly number[] = [],
): Verdict {
  const thresholds = [...new Set([...tailOf(before, countedFrom), ...extraThresholds])].sort((a, b) => a - b);
  const untouched = measure(before, [], countedFrom, thresholds);
  const judged = afters.flatMap((after) => measure(after, after.labels, countedFrom, thresholds).judged);
  const caughtOf = (some: readonly Judged[]) => ({
    theftCount: some.length,
    at: budgets.map((budget) => caughtAt(budget, untouched, some)),
  });
  const byScenario = Map.groupBy(judged, ({ label }) => label.scenario);
  return {
    untouched,
    caught: {
      all: caughtOf(judged),
      ...Object.fromEntries([...byScenario].map(([scenario, some]) => [scenario, caughtOf(some)])),
    },
  };
}

/** Rising; the last lies just above everything, so that there always is one that costs nothing. */
function tailOf({ events, scores }: Scored, countedFrom: number): readonly number[] {
  const counted = scores
    .filter((score, index) => !Number.isNaN(score) && (events[index]?.at ?? 0) > countedFrom)
    .sort();
  const thresholds: number[] = [];
  let above = Math.floor(counted.length * HIGHEST_SHARE);
  while (above > 0) {
    thresholds.push(counted[counted.length - above] as number);
    above = Math.min(above - 1, Math.floor(above * STEP));
  }
  const highest = counted.at(-1) ?? 0;
  return [...thresholds, highest + Math.max(1e-9, Math.abs(highest) * 1e-9)];
}

function measure(
  { events, scores }: Scored,
  labels: readonly Label[],
  countedFrom: number,
  thresholds: readonly number[],
): Measured {
  const measurement = new Measurement(labels, thresholds);
  for (const [index, event] of events.entries()) {
    const score = scores[index] ?? Number.NaN;
    if (event.at > countedFrom) measurement.observe(event, Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score);
  }
  return measurement.finish();
}

/** The lowest threshold from which on the budget is kept: far below it alerts melt into one, which would look cheap. */
function caughtAt(budget: number, { thresholds, falseAlerts, tokenMonths }: Measured, some: readonly Judged[]): Caught {
  const level = falseAlerts.findLastIndex((count) => count / tokenMonths > budget) + 1;
  const crossings = some.flatMap(({ crossings }) => crossings[level] ?? []);
  return {
    budget,
    threshold: thresholds[level] ?? Number.NaN,
    share: crossings.length / some.length,
    medianEvents: median(crossings.map(({ eventCount }) => eventCount)),
  };
}

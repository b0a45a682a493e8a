import type { Judged } from './measure.ts';

/** How long something went on before an alert was raised of it, that event included. */
export interface Delay {
  readonly events: number;
  readonly seconds: number;
  readonly rows: number;
  /** Of all its rows, 0 to 1. */
  readonly shareOfRows: number;
}

/** Each figure for itself: the worst delay in seconds may be another one's than the worst in rows. */
export interface Delays {
  readonly median: Delay;
  readonly worst: Delay;
}

/** @returns the delay at a threshold, by its index; `null`: no alert */
export function delayOf({ crossings, rowCount }: Judged, level: number): Delay | null {
  const crossing = crossings[level];
  if (crossing === undefined) return null;
  return {
    events: crossing.eventCount,
    seconds: crossing.afterMs / 1000,
    rows: crossing.rowCount,
    shareOfRows: crossing.rowCount / Math.max(1, rowCount),
  };
}

/** Of those that were told; `null` where none was. */
export function delaysOf(judged: readonly Judged[], level: number): Delays | null {
  const delays = judged.flatMap((one) => delayOf(one, level) ?? []);
  if (delays.length === 0) return null;
  const each = (pick: (values: readonly number[]) => number): Delay => ({
    events: pick(delays.map(({ events }) => events)),
    seconds: pick(delays.map(({ seconds }) => seconds)),
    rows: pick(delays.map(({ rows }) => rows)),
    shareOfRows: pick(delays.map(({ shareOfRows }) => shareOfRows)),
  });
  return { median: each(median), worst: each((values) => Math.max(...values)) };
}

/** Of an even number, the lower of the middle two: one that was measured. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

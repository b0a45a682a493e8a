import { DAY_MS } from '../../src/baseline/time.ts';
import { type CanonicalRecord, createFleet, dayOfFleet } from '../../src/simulate/fleet.ts';
import { theftOf } from '../../src/simulate/theft.ts';

/** Lines for a source: a small fleet's days, with thefts and lines that are no events in between, whenever they are asked for. */
export interface Traffic {
  /** Handed out so far, all of them and the bad ones. */
  readonly lineCount: number;
  readonly badCount: number;
  readonly theftCount: number;
  /** The fleet's next lines. */
  take(count: number): string[];
  /** All that the fleet does on one day more. */
  takeDay(): string[];
  /** The next service's token is stolen now. */
  takeTheft(): string[];
  takeBad(): string[];
}

export function createTraffic(seed: string, tokenCount: number): Traffic {
  const fleet = createFleet(seed, tokenCount);
  const services = fleet.tokens.filter(({ habit }) => habit === 'service');
  let day = Date.UTC(2026, 8, 7);
  let records: readonly CanonicalRecord[] = [];
  let next = 0;
  const counts = { lineCount: 0, badCount: 0, theftCount: 0 };
  const counted = (lines: string[]) => {
    counts.lineCount += lines.length;
    return lines;
  };
  const more = () => {
    records = [...dayOfFleet(fleet, seed, day)].sort((a, b) => (a.time < b.time ? -1 : 1));
    next = 0;
    day += DAY_MS;
  };
  const take = (count: number) => {
    const lines: string[] = [];
    while (lines.length < count) {
      if (next === records.length) more();
      lines.push(JSON.stringify(records[next++]));
    }
    return counted(lines);
  };
  return {
    get lineCount() {
      return counts.lineCount;
    },
    get badCount() {
      return counts.badCount;
    },
    get theftCount() {
      return counts.theftCount;
    },
    take,
    takeDay() {
      if (next === records.length) more();
      return take(records.length - next);
    },
    takeTheft() {
      const token = services[counts.theftCount % services.length]!;
      const at = Date.parse(records[Math.max(0, next - 1)]?.time ?? new Date(day).toISOString());
      const theft = theftOf(token, `${seed}/${counts.theftCount++}`, at);
      return counted(theft.map((record) => JSON.stringify(record)));
    },
    takeBad: () => counted([`{"bad": ${counts.badCount++}}`]),
  };
}

import { DAY_MS } from '../../src/baseline/time.ts';
import { type CanonicalRecord, createFleet, dayOfFleet, type SimulatedToken } from '../../src/simulate/fleet.ts';
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
  /** A token of those kept for it is stolen now, the first one that will do; `undefined`: none is left. */
  takeKept(willDo: (token: string) => boolean): { readonly token: string; readonly lines: string[] } | undefined;
  takeBad(): string[];
}

/** @param keptCount services whose tokens are stolen only when asked for */
export function createTraffic(seed: string, tokenCount: number, keptCount = 0): Traffic {
  const fleet = createFleet(seed, tokenCount);
  const services = fleet.tokens.filter(({ habit }) => habit === 'service');
  const kept = services.splice(services.length - keptCount);
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
  const steal = (token: SimulatedToken) => {
    const at = Date.parse(records[Math.max(0, next - 1)]?.time ?? new Date(day).toISOString());
    const theft = theftOf(token, `${seed}/${counts.theftCount++}`, at);
    return counted(theft.map((record) => JSON.stringify(record)));
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
    takeTheft: () => steal(services[counts.theftCount % services.length]!),
    takeKept(willDo) {
      const found = kept.findIndex(({ token }) => willDo(token));
      const [stolen] = found === -1 ? [] : kept.splice(found, 1);
      return stolen && { token: stolen.token, lines: steal(stolen) };
    },
    takeBad: () => counted([`{"bad": ${counts.badCount++}}`]),
  };
}

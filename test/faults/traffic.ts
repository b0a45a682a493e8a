import { DAY_MS } from '../../src/baseline/time.ts';
import {
  type CanonicalRecord,
  createFleet,
  dayOfFleet,
  type Fleet,
  type SimulatedToken,
} from '../../src/simulate/fleet.ts';
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
  /** Whether every service has been stolen from: what is told of open alerts is not told again. */
  isUsedUp(): boolean;
  /** Other tokens from now on: begins with days of theirs. */
  renew(dayCount: number): string[];
  /** A token of those kept for it is stolen now, the first one that will do; `undefined`: none is left. */
  takeKept(willDo: (token: string) => boolean): { readonly token: string; readonly lines: string[] } | undefined;
  takeBad(): string[];
}

const BEGINS_AT = Date.UTC(2026, 8, 7);

/** @param keptCount services whose tokens are stolen only when asked for */
export function createTraffic(seed: string, tokenCount: number, keptCount = 0): Traffic {
  let fleet = createFleet(seed, tokenCount);
  let services = servicesOf(fleet);
  const kept = services.splice(services.length - keptCount);
  let renewals = 0;
  let theftsBefore = 0;
  let day = BEGINS_AT;
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
  const takeDay = () => {
    if (next === records.length) more();
    return take(records.length - next);
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
    takeDay,
    takeTheft: () => steal(services[counts.theftCount % services.length]!),
    isUsedUp: () => counts.theftCount - theftsBefore >= services.length,
    renew(dayCount) {
      fleet = createFleet(`${seed}/${++renewals}`, tokenCount);
      services = servicesOf(fleet);
      theftsBefore = counts.theftCount;
      // Not in the future: who is used after today was used after being revoked.
      [records, next, day] = [[], 0, BEGINS_AT];
      return Array.from({ length: dayCount }, takeDay).flat();
    },
    takeKept(willDo) {
      const found = kept.findIndex(({ token }) => willDo(token));
      const [stolen] = found === -1 ? [] : kept.splice(found, 1);
      return stolen && { token: stolen.token, lines: steal(stolen) };
    },
    takeBad: () => counted([`{"bad": ${counts.badCount++}}`]),
  };
}

function servicesOf({ tokens }: Fleet): SimulatedToken[] {
  return tokens.filter(({ habit }) => habit === 'service');
}

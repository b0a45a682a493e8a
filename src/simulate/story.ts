import type { Label, Taken } from '../backtest/labels.ts';
import { DAY_MS } from '../baseline/time.ts';
import type { Notice } from '../domain/notice.ts';
import { createRandom } from '../domain/random.ts';
import { ATTACKS } from './attacks.ts';
import { CERTAIN } from './certain.ts';
import { CONTROLS } from './controls.ts';
import { type CanonicalRecord, createFleet, dayOfToken, type Fleet, type SimulatedToken } from './fleet.ts';
import type { Play, Scenario } from './scenario.ts';
import { TOGETHER } from './together.ts';

/** New ones come last: whom the others befall stays as it was. */
export const SCENARIOS: readonly Scenario[] = [...ATTACKS, ...CONTROLS, ...CERTAIN, ...TOGETHER];

export interface StoryOptions {
  readonly seed: string;
  readonly tokenCount: number;
  /** The UTC midnight on which it begins, ms since the epoch. */
  readonly fromAt: number;
  readonly dayCount: number;
  readonly scenarios: readonly Scenario[];
  /** Tokens that each scenario of one token befalls, where there are so many. */
  readonly castCount: number;
}

/** The life of a fleet with what befalls it, and labels that say so. */
export interface Story {
  readonly labels: readonly Label[];
  readonly notices: readonly Notice[];
  /** Each day's records in the order in which they are written, which is that of time unless they are late. */
  readonly days: () => Generator<readonly CanonicalRecord[]>;
}

/** Whose part is whose: one at most for each token, so that what is seen is that scenario's doing. */
interface Part {
  readonly token: SimulatedToken;
  readonly scenario: Scenario;
  readonly play: Play;
}

/** The share of the days before which nothing happens: baselines need a life to be of. */
const CALM_SHARE = 0.6;

/** @throws RangeError when the days are too few for a scenario */
export function createStory(options: StoryOptions): Story {
  const fleet = createFleet(options.seed, options.tokenCount);
  const parts = castParts(options, fleet);
  // Of whom nothing is written meanwhile, nothing can be told.
  const labels = [...parts.values()].filter((part) => isSeen(options, part)).map(labelOf);
  const notices = [...parts.values()].flatMap(({ play }) => play.notices ?? []);
  // Parts throw dice while they are played: each time anew.
  return { labels, notices, days: () => daysOf(options, fleet, castParts(options, fleet)) };
}

/** What a thief does is what is added: the rest the owner does, theft or not. */
function labelOf({ token: { token }, scenario: { id, kind }, play: { fromAt, untilAt, added = [] } }: Part): Label {
  const label: Label = { scenario: id, kind, token, from: fromAt, until: untilAt };
  if (kind !== 'theft') return label;
  const taken = added.map(({ time, rows }): Taken => [Date.parse(time), rows]);
  return { ...label, taken: taken.sort(([a], [b]) => a - b) };
}

function castParts(options: StoryOptions, fleet: Fleet): ReadonlyMap<string, Part> {
  const parts = new Map<string, Part>();
  // Whoever has a part of their own has no part in what befalls everybody.
  for (const scenario of options.scenarios.toSorted(
    (a, b) => Number(a.scope === 'fleet') - Number(b.scope === 'fleet'),
  )) {
    const random = createRandom(`${options.seed}/cast/${scenario.id}`);
    const free = fleet.tokens.filter((token) => !parts.has(token.token) && scenario.befalls(token));
    const dayOfAll = pickDay(
      daysFor(options, scenario, () => []),
      random.next(),
    );
    const count = scenario.scope === 'fleet' ? free.length : options.castCount;
    for (let left = count; left > 0 && free.length > 0; ) {
      const [token] = free.splice(random.below(free.length), 1) as [SimulatedToken];
      const ordinary = (at: number) => dayOfToken(token, options.seed, at);
      const share = random.next();
      const dayAt = scenario.scope === 'fleet' ? dayOfAll : pickDay(daysFor(options, scenario, ordinary), share);
      if (dayAt === undefined) continue;
      const own = createRandom(`${options.seed}/play/${scenario.id}/${token.token}`);
      const part = { token, scenario, play: scenario.play({ token, fleet, random: own, dayAt, ordinary }) };
      if (scenario.kind === 'theft' && !wasUsedBefore(options, part)) continue;
      left -= 1;
      parts.set(token.token, part);
    }
  }
  return parts;
}

/** The days on which a scenario can begin. @throws RangeError when the story is too short for any */
function daysFor(
  { fromAt, dayCount }: StoryOptions,
  { id, scope, days, daysBefore = 0, isDay }: Scenario,
  ordinary: (dayAt: number) => readonly CanonicalRecord[],
): readonly number[] {
  const first = Math.max(Math.ceil(CALM_SHARE * dayCount), daysBefore);
  const last = dayCount - days;
  if (last < first) throw new RangeError(`${id} takes ${days} days after ${first} calm ones: ${dayCount} are too few`);
  const all = Array.from({ length: last - first + 1 }, (_, i) => fromAt + (first + i) * DAY_MS);
  if (isDay === undefined) return all;
  return all.filter((dayAt) => isDay(dayAt, scope === 'fleet' ? 0 : ordinary(dayAt).length));
}

function pickDay(days: readonly number[], share: number): number | undefined {
  return days[Math.floor(share * days.length)];
}

/** Whether the token was used before its label holds: from a key that nobody ever used, an owner is not told apart. */
function wasUsedBefore(options: StoryOptions, part: Part): boolean {
  return isUsed(options, part, options.fromAt, part.play.fromAt - 1);
}

/** Whether anything of the token is written while its label holds. */
function isSeen(options: StoryOptions, part: Part): boolean {
  const { fromAt, untilAt, added = [] } = part.play;
  const isWithin = ({ time }: CanonicalRecord) => Date.parse(time) >= fromAt && Date.parse(time) <= untilAt;
  return added.some(isWithin) || isUsed(options, part, fromAt, untilAt);
}

/** Whether its owner uses the token between two instants, both included. */
function isUsed({ seed }: StoryOptions, { token, play }: Part, fromAt: number, untilAt: number): boolean {
  for (let dayAt = Math.floor(fromAt / DAY_MS) * DAY_MS; dayAt <= untilAt; dayAt += DAY_MS) {
    const own = ownOf(play, dayOfToken(token, seed, dayAt));
    if (own.some(({ at }) => at >= fromAt && at <= untilAt)) return true;
  }
  return false;
}

function* daysOf(
  options: StoryOptions,
  fleet: Fleet,
  parts: ReadonlyMap<string, Part>,
): Generator<readonly CanonicalRecord[]> {
  const { seed, fromAt, dayCount } = options;
  let later: Written[] = addedOf(parts);
  for (let day = 0; day < dayCount; day++) {
    const dayAt = fromAt + day * DAY_MS;
    for (const token of fleet.tokens)
      later.push(...ownOf(parts.get(token.token)?.play, dayOfToken(token, seed, dayAt)));
    const isDue = ({ writtenAt }: Written) => writtenAt < dayAt + DAY_MS || day === dayCount - 1;
    const due = later.filter(isDue);
    later = later.filter((one) => !isDue(one));
    // Stable: what is written at the same moment stays in order.
    yield due.sort((a, b) => a.writtenAt - b.writtenAt || a.at - b.at).map(({ record }) => record);
  }
}

interface Written {
  readonly record: CanonicalRecord;
  readonly at: number;
  readonly writtenAt: number;
}

function addedOf(parts: ReadonlyMap<string, Part>): Written[] {
  return [...parts.values()].flatMap(({ play }) => (play.added ?? []).map((record) => writtenOf(play, record)));
}

function ownOf(play: Play | undefined, records: readonly CanonicalRecord[]): readonly Written[] {
  return records.flatMap((record) => {
    const changed = play?.change ? play.change(record, Date.parse(record.time)) : record;
    return changed === null ? [] : [writtenOf(play, changed)];
  });
}

function writtenOf(play: Play | undefined, record: CanonicalRecord): Written {
  const at = Date.parse(record.time);
  return { record, at, writtenAt: at + (play?.delay?.(at) ?? 0) };
}

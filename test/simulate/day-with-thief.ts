import type { Assessment } from '../../src/domain/finding.ts';
import { type CanonicalRecord, createFleet } from '../../src/simulate/fleet.ts';
import { createStory, SCENARIOS } from '../../src/simulate/story.ts';
import { theftOf } from '../../src/simulate/theft.ts';
import { createEngine, eventOf } from './replay-fleet.ts';

const DAY_MS = 86_400_000;
const FROM_AT = Date.UTC(2026, 8, 7);
const DAY_COUNT = 26;

/** What was told of a day. */
export interface DayWithThief {
  readonly thief: string;
  readonly assessments: readonly Assessment[];
}

/** The day on which something befalls a whole made-up fleet, and one token is stolen, as detection sees it after weeks of ordinary ones. */
export function dayWithThief(scenario: string, seed: string, tokenCount: number): DayWithThief {
  const scenarios = SCENARIOS.filter(({ id }) => id === scenario);
  const story = createStory({ seed, tokenCount, fromAt: FROM_AT, dayCount: DAY_COUNT, scenarios, castCount: 1 });
  const dayAt = Math.floor(story.labels[0]!.from / DAY_MS) * DAY_MS;
  const victim = createFleet(seed, tokenCount).tokens.find(({ habit }) => habit === 'service')!;
  const stolen = theftOf(victim, seed, dayAt + DAY_MS / 2);
  const engine = createEngine();
  const assessments: Assessment[] = [];
  let offset = 0;
  const take = (record: CanonicalRecord) => {
    const event = eventOf(record, offset);
    const assessment = engine.observe(event, offset++, event.at);
    if (assessment && event.at >= dayAt) assessments.push(assessment);
  };
  for (const records of story.days()) {
    const isToday = Date.parse(records[0]!.time) >= dayAt;
    const all = isToday ? [...records, ...stolen].sort((a, b) => (a.time < b.time ? -1 : 1)) : records;
    for (const record of all) take(record);
    if (isToday) break;
  }
  return { thief: victim.token, assessments };
}

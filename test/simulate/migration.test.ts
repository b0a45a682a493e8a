import { beforeAll, describe, expect, it } from 'vitest';
import type { ActionEntry } from '../../src/decide/entries.ts';
import type { Policy } from '../../src/decide/policy.ts';
import { Responder } from '../../src/decide/responder.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import { type CanonicalRecord, createFleet } from '../../src/simulate/fleet.ts';
import { createStory, SCENARIOS } from '../../src/simulate/story.ts';
import { theftOf } from '../../src/simulate/theft.ts';
import { samplePolicy } from '../decide/policy.ts';
import { createEngine, eventOf } from './replay-fleet.ts';

const DAY_MS = 86_400_000;
const SEED = 'migration';
const TOKEN_COUNT = 60;
const FROM_AT = Date.UTC(2026, 8, 7);
/** Neither brake nor budget has a part in what is shown. */
const MANY = { tokenCount: 1_000_000, revocationCount: 1_000_000, windowMs: DAY_MS };

interface Day {
  readonly thief: string;
  readonly assessments: readonly Assessment[];
}

/** The day on which a whole fleet moves to another schema, and one token is stolen, as detection sees it. */
function dayOfMigration(): Day {
  const scenarios = SCENARIOS.filter(({ id }) => id === 'migration');
  const options = { seed: SEED, tokenCount: TOKEN_COUNT, fromAt: FROM_AT, dayCount: 26, scenarios, castCount: 1 };
  const story = createStory(options);
  const dayAt = story.labels[0]!.from;
  const victim = createFleet(SEED, TOKEN_COUNT).tokens.find(({ habit }) => habit === 'service')!;
  const stolen = theftOf(victim, SEED, dayAt + DAY_MS / 2);
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

function decide({ assessments }: Day, overrides: Partial<Policy>) {
  const responder = new Responder(samplePolicy(overrides, { brake: MANY, budget: MANY }));
  const decided = assessments.map((assessment, i) => responder.onAssessment(assessment, i, assessment.at));
  const actions = decided.flatMap((one) => one?.actions ?? []);
  const told = actions.filter(({ action }) => action.kind === 'notify');
  return { told, actions, toldTokens: new Set(told.map(({ action }) => action.token)) };
}

const approved = (actions: readonly ActionEntry[]) =>
  actions.filter(({ action, state }) => action.kind === 'revoke' && state === 'approved');

describe('a migration of the whole fleet, and a thief on the same day', () => {
  let day: Day;
  beforeAll(() => {
    day = dayOfMigration();
  }, 300_000);

  it('is told token by token where nothing is taken for shared', () => {
    const { toldTokens } = decide(day, { sharedCause: { tokenCount: 1_000_000, windowMs: DAY_MS } });
    expect(toldTokens.size).toBeGreaterThan(TOKEN_COUNT / 2);
  });

  it('is told once, beside those that came before it was recognised; the thief is told by itself', () => {
    const { told, toldTokens } = decide(day, {});
    const honest = [...toldTokens].filter((token) => token !== day.thief);
    expect(toldTokens).toContain(day.thief);
    // Two of a schema; and two in which a statement failed, which is another thing.
    expect(honest.length).toBeLessThanOrEqual(4);
    const fleets = told.filter(({ fleet }) => fleet);
    expect(new Set(fleets.map(({ action }) => action.alertId)).size).toBe(1);
    expect(fleets[0]?.fleet).toMatchObject({ cause: { detector: 'new-table', name: 'shop.*' }, tokenCount: 3 });
    expect(fleets.at(-1)?.fleet?.tokenCount).toBeGreaterThan(TOKEN_COUNT / 4);
    const alone = told.filter(({ action, fleet, partOf }) => action.token === day.thief && !fleet && !partOf);
    expect(alone.length).toBeGreaterThan(0);
  });

  it('revokes the thief’s token and no other', () => {
    const { actions } = decide(day, {});
    expect([...new Set(approved(actions).map(({ action }) => action.token))]).toEqual([day.thief]);
  });
});

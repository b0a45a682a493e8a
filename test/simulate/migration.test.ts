import { beforeAll, describe, expect, it } from 'vitest';
import type { ActionEntry } from '../../src/decide/entries.ts';
import type { Policy } from '../../src/decide/policy.ts';
import { Responder } from '../../src/decide/responder.ts';
import { samplePolicy } from '../decide/policy.ts';
import { type DayWithThief, dayWithThief } from './day-with-thief.ts';

const DAY_MS = 86_400_000;
const TOKEN_COUNT = 60;
/** Neither brake nor budget has a part in what is shown. */
const MANY = { tokenCount: 1_000_000, revocationCount: 1_000_000, windowMs: DAY_MS };

function decide({ assessments }: DayWithThief, overrides: Partial<Policy>) {
  const responder = new Responder(samplePolicy(overrides, { brake: MANY, budget: MANY }));
  const decided = assessments.map((assessment, i) => responder.onAssessment(assessment, i, assessment.at));
  const actions = decided.flatMap((one) => one?.actions ?? []);
  const told = actions.filter(({ action }) => action.kind === 'notify');
  return { told, actions, toldTokens: new Set(told.map(({ action }) => action.token)) };
}

const approved = (actions: readonly ActionEntry[]) =>
  actions.filter(({ action, state }) => action.kind === 'revoke' && state === 'approved');

describe('a migration of the whole fleet, and a thief on the same day', () => {
  let day: DayWithThief;
  beforeAll(() => {
    day = dayWithThief('migration', 'migration', TOKEN_COUNT);
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

import { EVIDENCE_LIST_MAX, type Evidence } from '../domain/finding.ts';

/**
 * Adds an event's evidence to what one detector has found about the token since it became suspect. Lists grow, and of two
 * numbers the larger stays, beside what was expected at first: what the thief does is not what the owner was expected to do. Of two words those of the event that
 * weighs more stay, with their own expectation.
 *
 * @param isStronger whether the new event weighs more than any before it
 */
export function mergeEvidence(
  noted: readonly Evidence[],
  fresh: readonly Evidence[],
  isStronger: boolean,
): readonly Evidence[] {
  const kinds = new Set(noted.map(({ what }) => what));
  return [
    ...noted.map((old) => {
      const now = fresh.find(({ what }) => what === old.what);
      return now === undefined ? old : mergeOne(old, now, isStronger);
    }),
    ...fresh.filter(({ what }) => !kinds.has(what)),
  ];
}

function mergeOne(old: Evidence, now: Evidence, isStronger: boolean): Evidence {
  if (isList(old.observed) && isList(now.observed)) {
    const newNames = listOf([...(old.newNames ?? []), ...(now.newNames ?? [])]);
    const observed = listOf([...old.observed, ...now.observed]);
    return { ...old, observed, ...(newNames.length > 0 ? { newNames } : {}) };
  }
  if (typeof old.observed === 'number' && typeof now.observed === 'number') {
    return now.observed > old.observed ? { ...old, observed: now.observed } : old;
  }
  return isStronger ? now : old;
}

function listOf(names: readonly string[]): readonly string[] {
  return [...new Set(names)].slice(0, EVIDENCE_LIST_MAX);
}

function isList(observed: Evidence['observed']): observed is readonly string[] {
  return Array.isArray(observed);
}

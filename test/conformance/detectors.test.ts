import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { counter } from '../../src/baseline/counter.ts';
import { seenSet } from '../../src/baseline/seen-set.ts';
import { type AnyDetector, defineDetector } from '../../src/detect/detector.ts';
import { checkLaws, LAWS } from '../../src/detect/laws.ts';
import { loadDetectors } from '../../src/runtime/load-detectors.ts';

// The folder is the registry, so these laws hold for whatever is in it. There is no skip list.
describe.each((await loadDetectors()).map((detector) => [detector.id, detector] as const))('%s', (_, detector) => {
  it.each(LAWS)('$name', ({ faults }) => {
    expect(faults(detector)).toEqual([]);
  });
});

/** Keeps every law: ten events warm it up, then a table it has not seen is odd. */
const lawful = defineDetector({
  id: 'lawful',
  title: 'Lawful',
  description:
    'A table that is not among those seen is odd, once ten events have been seen. Made to keep every law there is.',
  status: 'experimental',
  severity: 'low',
  dimension: 'what',
  trust: 'reported',
  attack: [],
  falsePositives: ['A new release'],
  runbook: 'Ask.',
  config: z.strictObject({ warmUpEvents: z.number().default(10).describe('Events before it has an opinion.') }),
  remembers: { tables: seenSet({ capacity: 8, forgetAfterDays: 30 }), events: counter() },
  score: ({ tables, events }, { tables: [table] }, { warmUpEvents }) =>
    table === undefined || events.value < warmUpEvents ? undefined : tables.standing(table) === 'new' ? 4.5 : -0.5,
  learn: ({ tables, events }, { tables: [table], at }) => {
    if (table !== undefined) tables.add(table, at);
    events.add(1);
  },
  evidence: () => [],
  explain: () => 'touched a table it had never touched',
  cases: [
    { name: 'another table', history: history(), events: [{ at: 2e12, tables: ['b'] }], expect: 'fires' },
    { name: 'the same table', history: history(), events: [{ at: 2e12, tables: ['a'] }], expect: 'silent' },
  ],
});

function history() {
  return Array.from({ length: 20 }, (_, i) => ({ at: 2e12 - (20 - i) * 3_600_000, tables: ['a'] }));
}

let calls = 0;
/** A detector that breaks one law, by the words of the law it breaks. */
const LAWLESS: Readonly<Record<string, Partial<AnyDetector>>> = {
  'its cases hold': { score: () => 4.5 },
  'it documents itself': { description: 'Too short.' },
  'it remembers at most': { remembers: { ...lawful.remembers, more: seenSet({ capacity: 200, forgetAfterDays: 30 }) } },
  'score, evidence and explain': {
    evidence: (fields) => {
      (fields as unknown as { events: { add(count: number): void } }).events.add(1);
      return [];
    },
  },
  'it learns the same': {
    learn: (fields, event, config, bits) =>
      bits === undefined ? undefined : lawful.learn(fields as never, event, config as never),
  },
  'whatever the event': {
    score: (fields, event, config) => (event.at === 0 ? Number.NaN : lawful.score(fields, event, config as never)),
  },
  'its evidence of a flood': {
    evidence: (_, { tables: [table] }) => [{ what: `table ${table}`, observed: 1, expected: '0', sampleSize: 9 }],
  },
  'the same events': { score: () => (calls++ % 7) - 1 },
};

describe('the laws', () => {
  it('hold for a detector that keeps them', () => {
    expect(checkLaws(lawful).flatMap(({ faults }) => faults)).toEqual([]);
  });

  it.each(Object.entries(LAWLESS))('are broken where "%s…" is', (words, change) => {
    const broken = checkLaws({ ...lawful, ...change }).filter(({ faults }) => faults.length > 0);
    expect(broken.map(({ law }) => law.slice(0, words.length))).toContain(words);
  });

  it('are broken by memory outside of the fields, which a restart loses', () => {
    const seen = new WeakMap<object, number>();
    const forgetful: AnyDetector = {
      ...lawful,
      score: (fields) => ((seen.get(fields) ?? 0) > 10 ? 4 : -0.5),
      learn: (fields) => void seen.set(fields, (seen.get(fields) ?? 0) + 1),
    };
    const broken = checkLaws(forgetful).filter(({ faults }) => faults.length > 0);
    expect(broken.map(({ law }) => law)).toContain('a restart after every event changes nothing');
  });

  it('are broken, not the checker, by a detector that throws', () => {
    const broken = checkLaws({
      ...lawful,
      score: () => {
        throw new Error('no');
      },
    });
    expect(broken[0]?.faults).toEqual(['threw Error: no']);
  });
});

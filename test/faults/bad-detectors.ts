import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What each detector does instead of what the contract says, as the body of a module that extends `usual`. */
const BAD: Readonly<Record<string, string>> = {
  'throws-always': `score(_, { statement }) { throw new Error('cannot read ' + statement); },`,
  'throws-for-some': `
    score(_, { token, statement }) { if (isSome(token)) throw new TypeError(statement); return 0; },
    learn(_, { token }) { if (!isSome(token)) throw undefined; },`,
  // Sometimes: it takes milliseconds, which are the detector's own.
  recurses: `score(_, { at }) { return at % 500 === 0 ? this.score(_, { at }) : 0; },`,
  'answers-nan': `score() { return NaN; },`,
  'answers-garbage': `
    score(_, { at }) {
      const garbage = ['7', 'much', {}, [], null, 10n, Symbol('much'), true, () => 1, new Date(0)];
      return at % 11 === 0 ? Promise.reject(new Error('later')) : garbage[at % garbage.length];
    },`,
  // Alarms when it should, and has nothing to say that could be written down.
  'speaks-garbage': `
    score(_, { rows }) { return rows > 5000 ? 3 : -0.5; },
    evidence(_, { at }) {
      const circular = [];
      circular.push(circular);
      const good = { what: 'rows', observed: 1, expected: 2, sampleSize: 3 };
      const long = { ...good, observed: 'x'.repeat(2_000_000) };
      const garbage = [undefined, 'rows', circular, [null], [{ ...good, sampleSize: NaN }], [{ ...good, observed: 10n }], [long]];
      return at % 3 === 0 ? [good] : garbage[at % garbage.length];
    },
    explain() { return { not: 'a sentence' }; },`,
};

/** Ids of the detectors that fail at every event, or at every theft. */
export const BAD_DETECTORS = Object.keys(BAD).sort();

/** Puts them into a folder, as a user would. */
export async function writeBadDetectors(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [id, body] of Object.entries(BAD)) await writeFile(join(folder, `${id}.mjs`), moduleOf(id, body));
  return folder;
}

function moduleOf(id: string, body: string): string {
  return `
import { z } from 'zod';
import { counter, defineDetector } from 'tokenwarden/detector';

const isSome = (token) => token.charCodeAt(token.length - 1) % 2 === 0;

const usual = {
  score: () => 0,
  learn({ seen }) { seen.add(1); },
  evidence: () => [],
  explain: () => 'was odd',
};

export default defineDetector({
  ...usual,
  id: '${id}',
  title: 'A detector with a fault',
  description: 'Made to fail, so that it can be seen who else notices.',
  status: 'stable',
  severity: 'high',
  dimension: 'how',
  trust: 'reported',
  attack: [],
  falsePositives: ['everything'],
  runbook: 'Mend it.',
  config: z.strictObject({}),
  remembers: { seen: counter() },
  cases: [],
  ${body}
});
`;
}

import type { Evidence } from '../domain/finding.ts';

/** A detector answered with something that the contract has no place for. Its message is of our own words, so it may be logged. */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

/** Of one finding's evidence and explanation: a list of 64 of the longest names has room, a record of the findings log must not be burst. */
const CHARS_MAX = 1 << 16;

/**
 * What `score` answered, in bits; `undefined` is no opinion.
 *
 * @throws BadAnswer for NaN, which would stay in the token's sums for ever, and for what is no number
 */
export function bitsOf(answer: unknown): number | undefined {
  if (answer === undefined) return undefined;
  if (typeof answer === 'number' && !Number.isNaN(answer)) return answer;
  // Nobody else would take its rejection, and the process would end.
  if (answer instanceof Promise) answer.catch(() => undefined);
  throw new BadAnswer(`score answered ${nameOf(answer)}: let it answer with a number of bits, or undefined, at once`);
}

/** @throws BadAnswer unless it can be kept, merged and shown */
export function checkEvidence(answer: unknown): asserts answer is readonly Evidence[] {
  if (!Array.isArray(answer) || !answer.every(isEvidence)) {
    throw new BadAnswer(
      'evidence answered with something else than a list of { what, observed, expected, sampleSize }, or with a number that is not finite',
    );
  }
  if (JSON.stringify(answer).length > CHARS_MAX) throw tooLong('evidence');
}

/** @throws BadAnswer unless it is a text */
export function checkExplanation(answer: unknown): asserts answer is string {
  if (typeof answer !== 'string')
    throw new BadAnswer(`explain answered ${nameOf(answer)}: let it answer with a sentence`);
  if (answer.length > CHARS_MAX) throw tooLong('explain');
}

function isEvidence(one: unknown): boolean {
  if (typeof one !== 'object' || one === null) return false;
  const { what, observed, expected, sampleSize, newNames = [] } = one as Readonly<Record<string, unknown>>;
  const isSaid = isShown(observed) || isListOfTexts(observed);
  return (
    typeof what === 'string' && isSaid && isShown(expected) && Number.isFinite(sampleSize) && isListOfTexts(newNames)
  );
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isShown(value: unknown): boolean {
  return typeof value === 'string' || Number.isFinite(value);
}

function tooLong(what: string): BadAnswer {
  return new BadAnswer(
    `${what} answered with more than ${CHARS_MAX} characters: name a few things, and count the others`,
  );
}

/** Never the value itself: it may be an event's text. */
function nameOf(answer: unknown): string {
  if (answer instanceof Promise) return 'a promise';
  return typeof answer === 'number' ? 'NaN' : answer === null ? 'null' : `a value of type ${typeof answer}`;
}

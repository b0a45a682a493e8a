import { safeText } from '../deliver/safe-text.ts';
import type { TokenFact } from '../detect/facts.ts';
import { type CliIo, table } from './io.ts';

/** A fact beside the same one of an earlier time; `null`: there was none. */
export interface Change extends Pick<TokenFact, 'detector' | 'what'> {
  readonly before: TokenFact['value'] | null;
  readonly now: TokenFact['value'] | null;
}

const NAME_CHARS_MAX = 80;

/** What differs between two baselines of a token, in the order in which things are told. */
export function changesOf(then: readonly TokenFact[], now: readonly TokenFact[]): readonly Change[] {
  const before = new Map(then.map((fact) => [keyOf(fact), fact]));
  const after = new Map(now.map((fact) => [keyOf(fact), fact]));
  return [...new Map([...after, ...before]).values()].flatMap((fact) => {
    const { detector, what } = fact;
    const [old, young] = [before.get(keyOf(fact))?.value ?? null, after.get(keyOf(fact))?.value ?? null];
    return sameValue(old, young) ? [] : [{ detector, what, before: old, now: young }];
  });
}

/** Prints what is usual for a token, detector by detector. */
export function printFacts(io: CliIo, facts: readonly TokenFact[]): void {
  const rows = facts.map(({ detector, what, value }) => [detector ?? '', what, textOf(value)]);
  table(io, ['DETECTOR', 'WHAT', 'USUAL'], namedOnce(rows));
}

/** Prints what differs: of a list of names those that came (+) and went (−). */
export function printChanges(io: CliIo, changes: readonly Change[]): void {
  const rows = changes.map(({ detector, what, before, now }) => [detector ?? '', what, changeText(before, now)]);
  table(io, ['DETECTOR', 'WHAT', 'BEFORE → NOW'], namedOnce(rows));
}

function namedOnce(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return rows.map(([name = '', ...cells], i) => [name === rows[i - 1]?.[0] ? '' : name, ...cells]);
}

function changeText(before: Change['before'], now: Change['now']): string {
  if (typeof before === 'string' || typeof now === 'string') return `${textOf(before)} → ${textOf(now)}`;
  const [old, young] = [before ?? [], now ?? []];
  const signed = (sign: string, names: readonly string[], others: readonly string[]) =>
    names.filter((name) => !others.includes(name)).map((name) => `${sign}${name}`);
  return textOf([...signed('+', young, old), ...signed('−', old, young)]);
}

/** What stands in an event is an attacker's text. */
function textOf(value: Change['before']): string {
  if (value === null) return 'nothing';
  if (typeof value === 'string') return safeText(value);
  return value.length === 0 ? 'none' : value.map((name) => safeText(name, NAME_CHARS_MAX)).join(', ');
}

function keyOf({ detector, what }: Pick<TokenFact, 'detector' | 'what'>): string {
  return `${detector ?? ''}/${what}`;
}

function sameValue(a: Change['before'], b: Change['before']): boolean {
  const comparable = (value: Change['before']) =>
    JSON.stringify(value === null || typeof value === 'string' ? value : [...value].sort());
  return comparable(a) === comparable(b);
}

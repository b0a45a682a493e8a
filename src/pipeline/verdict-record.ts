import type { Verdict } from '../domain/verdict.ts';
import type { NewRecord } from '../log/log.ts';

/**
 * How a verdict stands among its token's events, so that it is applied at one place in their order. Events that we store begin with `{"id":`, whatever a
 * source sends; and what has no token at its top is a dead letter for a release that does not know verdicts, never an event.
 */
const BEGIN = Buffer.from('{"verdict":');

export function verdictRecord(verdict: Verdict): NewRecord {
  const { kind, token, episode, openedAt, at, until } = verdict;
  const value = Buffer.from(
    JSON.stringify({ verdict: { kind, token, episode, openedAt, at, until } satisfies Verdict }),
  );
  return { key: token, value };
}

/** The verdict that a record of the events log carries instead of an event; `undefined`: none. */
export function verdictIn(value: Uint8Array): Verdict | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (!bytes.subarray(0, BEGIN.length).equals(BEGIN)) return undefined;
  try {
    return (JSON.parse(bytes.toString()) as { verdict: Verdict }).verdict;
  } catch {
    return undefined;
  }
}

import type { Aside } from '../domain/aside.ts';
import { NOTICE_KINDS, type Notice } from '../domain/notice.ts';
import { VERDICT_KINDS, type Verdict } from '../domain/verdict.ts';
import type { NewRecord } from '../log/log.ts';

/**
 * How an aside stands among its token's events, so that it is applied at one place in their order. Events that we store begin with `{"id":`, whatever a
 * source sends; and what has no token at its top is a dead letter for a release that does not know it, never an event.
 */
const BEGINNINGS = ['{"verdict":', '{"notice":'].map((text) => Buffer.from(text));

export function asideRecord(aside: Aside): NewRecord {
  return 'notice' in aside ? noticeRecord(aside.notice) : verdictRecord(aside.verdict);
}

function verdictRecord({ kind, token, episode, openedAt, at, until }: Verdict): NewRecord {
  return recordOf(token, { verdict: { kind, token, episode, openedAt, at, until } });
}

function noticeRecord({ kind, token, at, stands }: Notice): NewRecord {
  return recordOf(token, { notice: { kind, token, at, stands } });
}

function recordOf(token: string, aside: Aside): NewRecord {
  return { key: token, value: Buffer.from(JSON.stringify(aside)) };
}

/** What a record of the events log carries instead of an event; `undefined`: nothing of the kind. */
export function asideIn(value: Uint8Array): Aside | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (!BEGINNINGS.some((beginning) => bytes.subarray(0, beginning.length).equals(beginning))) return undefined;
  try {
    const aside = JSON.parse(bytes.toString()) as Aside;
    return isWhole(aside) ? aside : undefined;
  } catch {
    return undefined;
  }
}

function isWhole(aside: Aside): boolean {
  const { token, at } = 'notice' in aside ? aside.notice : aside.verdict;
  const isKnown =
    'notice' in aside
      ? NOTICE_KINDS.includes(aside.notice.kind) && typeof aside.notice.stands === 'boolean'
      : VERDICT_KINDS.includes(aside.verdict.kind);
  return isKnown && typeof token === 'string' && Number.isFinite(at);
}

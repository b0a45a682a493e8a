import type { Aside } from '../domain/aside.ts';
import { NOTICE_KINDS, type Notice } from '../domain/notice.ts';
import { VERDICT_KINDS, type Verdict } from '../domain/verdict.ts';
import type { NewRecord } from '../log/log.ts';
import { besideEventIn } from './beside-event.ts';

/** How an aside stands among its token's events, so that it is applied at one place in their order. */
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
  return besideEventIn(value, BEGINNINGS, (aside: Aside) => (isWhole(aside) ? aside : undefined));
}

function isWhole(aside: Aside): boolean {
  const { token, at } = 'notice' in aside ? aside.notice : aside.verdict;
  const isKnown =
    'notice' in aside
      ? NOTICE_KINDS.includes(aside.notice.kind) && typeof aside.notice.stands === 'boolean'
      : VERDICT_KINDS.includes(aside.verdict.kind);
  return isKnown && typeof token === 'string' && Number.isFinite(at);
}

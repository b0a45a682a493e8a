import { HOUR_MS, MINUTE_MS } from '../baseline/time.ts';
import type { NoticeKind } from '../domain/notice.ts';
import type { CanonicalRecord } from './fleet.ts';
import { type Cast, isOneOf, isWorkday, recordAt, type Scenario, usualRecord } from './scenario.ts';

/** A table that nobody has any business with. Whoever looks for it has to declare it: `detection.detectors.canary.tables`. */
export const CANARY_TABLE = 'public.vip_customers';

const USES = 8;

const theft = { kind: 'theft', scope: 'token', days: 1 } as const;

/** What is no matter of odds: by all that is known of its token, nothing of it is odd. */
export const CERTAIN: readonly Scenario[] = [
  {
    ...theft,
    id: 'canary-touched',
    about: `Among the token’s own work, one row of a canary is read (declare it: detection.detectors.canary.tables: [${CANARY_TABLE}]).`,
    befalls: ({ habit }) => habit !== 'rarely-used',
    isDay: isWorkday,
    play: canaryTouched,
  },
  {
    ...theft,
    id: 'leaked-token-used',
    about:
      'The token is reported to have leaked (a notice); its owner gets another one, and somebody does the usual with it.',
    befalls: isOneOf('service', 'bi-tool'),
    isDay: isWorkday,
    play: (cast) => usedAfter(cast, 'leaked'),
  },
  {
    ...theft,
    id: 'use-after-revoke',
    about: 'The token is revoked and proven to be out of use (a notice); a session that survived goes on as usual.',
    befalls: isOneOf('service', 'bi-tool'),
    isDay: isWorkday,
    play: (cast) => usedAfter(cast, 'revoked'),
  },
];

function canaryTouched(cast: Cast) {
  const own = cast.ordinary(cast.dayAt);
  const at = Date.parse((own[Math.floor(own.length / 2)] as CanonicalRecord).time) + 1000;
  const statement = `SELECT * FROM ${CANARY_TABLE} WHERE id = $1`;
  const touched = recordAt(usualRecord(cast, at), at, { tables: [CANARY_TABLE], statement });
  return { fromAt: at, untilAt: at, added: [touched] };
}

function usedAfter(cast: Cast, kind: NoticeKind) {
  const { token, random, dayAt, ordinary } = cast;
  const own = ordinary(dayAt);
  const noticedAt = dayAt + (token.startHour + random.below(4)) * HOUR_MS;
  const fromAt = noticedAt + HOUR_MS;
  let at = fromAt;
  const added = Array.from({ length: USES }, () => {
    const use = recordAt(random.pick(own), at);
    at += 1 + random.below(10 * MINUTE_MS);
    return use;
  });
  return {
    fromAt,
    untilAt: at,
    added,
    // Its owner has another one by now.
    change: (record: CanonicalRecord, when: number) => (when >= noticedAt ? null : record),
    notices: [{ kind, token: token.token, at: noticedAt, stands: true }],
  };
}

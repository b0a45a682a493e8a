import { z } from 'zod';
import { notice } from '../src/baseline/notice.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);
const VERIFIED_AT = START + 20 * HOUR_MS;
const REVOKED = { kind: 'revoked', at: VERIFIED_AT, stands: true } as const;

const service: readonly CaseEvent[] = Array.from({ length: 20 }, (_, i) => ({
  at: START + i * HOUR_MS,
  success: true,
}));

export default defineDetector({
  id: 'use-after-revoke',
  title: 'Used after it was revoked',
  description:
    'A token whose revocation was proven must never be used again. If it is, the issuer did not do what it said, or a session survived. That is told of at once, whatever the alarm budget, and the token is revoked once more, as the policy says. Uses within a grace after the proof count nothing, since no two clocks agree, nor does what failed: that is what ought to happen. What is given back (`tokenwarden revoke ALERT --undo`) is free again.',
  status: 'stable',
  severity: 'critical',
  dimension: 'how',
  trust: 'reported',
  attack: ['T1078', 'T1550'],
  falsePositives: [
    'A role that somebody has unlocked by hand, or given a new password under its old name: give it back with `tokenwarden revoke ALERT --undo`, ALERT being the one for which it was revoked',
    'A database whose clock is ahead by more than the grace',
  ],
  runbook:
    'The token is in use although it was proven to be out of it. Block it by other means first: network, gateway, database. Then look for sessions that survived, for pools that keep connections, and for issuers whose answer is kept somewhere.',
  config: z.strictObject({
    graceMs: z
      .int()
      .min(0)
      .max(DAY_MS)
      .default(MINUTE_MS)
      .describe(
        'Uses within so long after the proof count nothing, ms: for clocks that differ, and statements that had begun.',
      ),
  }),
  remembers: { revocation: notice('revoked') },
  isCertain: true,
  bitsMax: 8,

  score({ revocation }, event, { graceMs }) {
    const { since } = revocation;
    return since > 0 && event.at > since + graceMs && event.success !== false ? 8 : undefined;
  },

  learn() {
    // There is nothing to get used to.
  },

  evidence({ revocation }, event) {
    return [
      {
        what: 'first use since the proof',
        observed: new Date(event.at).toISOString(),
        expected: `none since it was proven to be out of use at ${new Date(revocation.since).toISOString()}`,
        sampleSize: 0,
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'was used after it was proven to be out of use';
    return `was used at ${observedText(evidence.observed)}; there should be ${evidence.expected}`;
  },

  cases: [
    {
      name: 'a session has survived',
      notices: [REVOKED],
      history: service,
      events: [{ at: VERIFIED_AT + 2 * MINUTE_MS, success: true }],
      expect: 'fires',
    },
    {
      name: 'it was revoked once more, and is used once more',
      notices: [REVOKED, { ...REVOKED, at: VERIFIED_AT + HOUR_MS }],
      history: service,
      events: [{ at: VERIFIED_AT + 2 * HOUR_MS, success: true }],
      expect: 'fires',
    },
    {
      name: 'a statement that had begun, by a clock that is ahead',
      notices: [REVOKED],
      history: service,
      events: [{ at: VERIFIED_AT + MINUTE_MS / 2, success: true }],
      expect: 'silent',
    },
    {
      name: 'the thief tries to log in, in vain',
      notices: [REVOKED],
      history: service,
      events: Array.from({ length: 5 }, (_, i) => ({
        at: VERIFIED_AT + (i + 2) * MINUTE_MS,
        operation: 'connect' as const,
        success: false,
      })),
      expect: 'silent',
    },
    {
      name: 'it was given back',
      notices: [REVOKED, { kind: 'revoked', at: VERIFIED_AT + HOUR_MS, stands: false }],
      history: service,
      events: [{ at: VERIFIED_AT + 2 * HOUR_MS, success: true }],
      expect: 'silent',
    },
    {
      name: 'it was never revoked',
      history: service,
      events: [{ at: VERIFIED_AT + HOUR_MS, success: true }],
      expect: 'silent',
    },
  ],
});

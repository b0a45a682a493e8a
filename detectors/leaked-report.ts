import { z } from 'zod';
import { notice } from '../src/baseline/notice.ts';
import { HOUR_MS, MINUTE_MS } from '../src/baseline/time.ts';
import { type CaseEvent, defineDetector } from '../src/detect/detector.ts';
import { observedText } from '../src/domain/words.ts';

const START = Date.UTC(2026, 8, 7, 9);
const REPORTED_AT = START + 20 * HOUR_MS;
const LEAKED = { kind: 'leaked', at: REPORTED_AT, stands: true } as const;

const service: readonly CaseEvent[] = Array.from({ length: 20 }, (_, i) => ({
  at: START + i * HOUR_MS,
  success: true,
}));

export default defineDetector({
  id: 'leaked-report',
  title: 'Used after it was reported leaked',
  description:
    'Somebody outside says that the token has leaked (secret scanning, a bug bounty, a colleague): `tokenwarden leaked TOKEN`. Its next use is told of at once, whatever the alarm budget and however little is known of the token, and it may be revoked for that alone; and so for every use until the report is withdrawn. What was used before the report counts nothing, nor does what failed: anyone can fail in somebody’s name.',
  status: 'stable',
  severity: 'critical',
  dimension: 'how',
  trust: 'reported',
  attack: ['T1552', 'T1078'],
  falsePositives: [
    'The owner, who has not been given another one yet: whoever else has it cannot be told from them',
    'A role whose password was changed and that keeps its name: withdraw the report (`tokenwarden leaked TOKEN --withdraw`)',
  ],
  runbook:
    'Rotate the token now, whoever this was. Then read what was done with it since it leaked, which may be long before it was reported. `tokenwarden baseline show TOKEN` says who reported it.',
  config: z.strictObject({}),
  remembers: { leak: notice('leaked') },
  isCertain: true,
  bitsMax: 8,

  score({ leak }, event) {
    const { since } = leak;
    return since > 0 && event.at > since && event.success !== false ? 8 : undefined;
  },

  learn() {
    // There is nothing to get used to.
  },

  evidence({ leak }, event) {
    return [
      {
        what: 'first use since the report',
        observed: new Date(event.at).toISOString(),
        expected: `none since it was reported leaked at ${new Date(leak.since).toISOString()}`,
        sampleSize: 0,
      },
    ];
  },

  explain(_event, [evidence]) {
    if (evidence === undefined) return 'was used after it was reported leaked';
    return `was used at ${observedText(evidence.observed)}; there should be ${evidence.expected}`;
  },

  cases: [
    {
      name: 'it is used a minute after the report',
      notices: [LEAKED],
      history: service,
      events: [{ at: REPORTED_AT + MINUTE_MS, success: true }],
      expect: 'fires',
    },
    {
      name: 'it is used for the first time ever',
      notices: [LEAKED],
      history: [],
      events: [{ at: REPORTED_AT + MINUTE_MS, operation: 'connect' }],
      expect: 'fires',
    },
    {
      name: 'a use from before the report comes late',
      notices: [LEAKED],
      history: service,
      events: [{ at: REPORTED_AT - MINUTE_MS, success: true }],
      expect: 'silent',
    },
    {
      name: 'somebody fails in its name',
      notices: [LEAKED],
      history: service,
      events: Array.from({ length: 5 }, (_, i) => ({ at: REPORTED_AT + (i + 1) * MINUTE_MS, success: false })),
      expect: 'silent',
    },
    {
      name: 'the report was withdrawn',
      notices: [LEAKED, { kind: 'leaked', at: REPORTED_AT + 1, stands: false }],
      history: service,
      events: [{ at: REPORTED_AT + MINUTE_MS, success: true }],
      expect: 'silent',
    },
    {
      name: 'nobody has reported anything',
      history: service,
      events: [{ at: REPORTED_AT + MINUTE_MS, success: true }],
      expect: 'silent',
    },
  ],
});

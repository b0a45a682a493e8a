import { describe, expect, it } from 'vitest';
import { systemResolve } from '../../../src/deliver/address.ts';
import kind from '../../../src/deliver/receivers/console.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { sampleNotification } from '../sample.ts';

async function written(config: unknown): Promise<string> {
  const parts: string[] = [];
  const ports = { clock: systemClock, resolve: systemResolve, write: (text: string) => void parts.push(text) };
  const receiver = kind.open(kind.config.parse(config), ports);
  expect(await receiver.send(sampleNotification(), new AbortController().signal)).toMatchObject({ kind: 'accepted' });
  return parts.join('');
}

describe('console receiver', () => {
  it('lays an alert out for a person', async () => {
    expect(await written({})).toMatchInlineSnapshot(`
      "──────────────────────────────────────────────────────────────────────────────
      Critical: token "svc-billing" revoked and out of use
      alert alr_0123456789abcdef

      Token "svc-billing" (principal "billing", owner "team payments", environment "production") was used on database "ledger" from address 203.0.113.9, by a client that calls itself "psql", last at 2026-09-07 02:15:03.120 UTC.
        • Used from a new network: it came from 203.0.113.9 in 203.0.113.0/24, which is not among its 2 networks in 4210 events.
        • Read far more than ever: it reached 48211 rows in 1 min; usual is up to 900 (2016 such windows known).
      Its rightful owner would look this odd on one day in about 2.9 billion (score 31.4 bits; alerts begin at 17.2, revoking at 20.5).
      It would not be told if this were usual: "Used from a new network" (13.2 bits without it).
      What is usual rests on 4,210 events of this token since 2026-06-01 02:14:03.120 UTC, 98 days before.
      Since this began at 2026-09-07 02:14:03.120 UTC: 14 events, 48,211 rows, 9.1 MiB.
      The token was revoked through "ledger roles" and proven to be out of use. Reason: score 31.4 bits (20.5 needed), unusual in where, how-much.

      Observed beside expected
        network        203.0.113.0/24 (AS64511)  usual: 2 networks in DE  (4,210 known)
        rows in 1 min  48,211                    usual: up to 900         (2,016 known)

      Score 31.4 bits
          18.2  Used from a new network
          13.2  Read far more than ever

      Times
        event            2026-09-07 02:14:03.120 UTC
        in the log       2026-09-07 02:14:03.160 UTC  +40 ms   (+40 ms since the event)
        decided          2026-09-07 02:14:03.172 UTC  +12 ms   (+52 ms since the event)
        issuer accepted  2026-09-07 02:14:03.370 UTC  +198 ms  (+250 ms since the event)
        verified         2026-09-07 02:14:06.570 UTC  +3.2 s   (+3.5 s since the event)

      What to do
        1. Ask the owner whether this was them.
      ──────────────────────────────────────────────────────────────────────────────
      "
    `);
  });

  it('colours only if asked', async () => {
    expect(await written({})).not.toContain('\u001b');
    expect(await written({ colour: true })).toContain('\u001b[1m');
  });
});

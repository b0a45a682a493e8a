import { expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import type { AlertEntry } from '../../src/decide/entries.ts';
import type { VerdictRequest } from '../../src/decide/verdicts.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { VERDICT_KINDS, type VerdictKind } from '../../src/domain/verdict.ts';
import type { Log, NewRecord } from '../../src/log/log.ts';
import { decodeStoredEvent, encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn, asideRecord } from '../../src/pipeline/aside-record.ts';
import { encodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { decodeLedgerEntry } from '../../src/pipeline/ledger.ts';
import { TOPICS } from '../../src/pipeline/topics.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { ordinary, stolen, THEFT_AT } from '../detect/tokens-life.ts';
import { copiesApplied, openInstallation } from './mortal.ts';
import { records } from './mortal-stages.ts';

const later = (ms: number) => stolen('svc').map((event) => ({ ...event, id: `${event.id}+${ms}`, at: event.at + ms }));

async function alertOf(log: Log): Promise<AlertEntry> {
  let found: AlertEntry | undefined;
  for await (const batch of log.read(TOPICS.ledger, 0)) {
    for (const record of batch) {
      const entry = decodeLedgerEntry(record);
      if (
        entry?.kind === 'alert' &&
        entry.entry.alert.openedAt === (found?.alert.openedAt ?? entry.entry.alert.openedAt)
      )
        found = entry.entry;
    }
  }
  return found as AlertEntry;
}

async function ask(log: Log, verdict: VerdictKind): Promise<void> {
  const { alert } = await alertOf(log);
  const at = THEFT_AT + HOUR_MS;
  const until = verdict === 'true-positive' ? null : at + DAY_MS;
  const request: VerdictRequest = { kind: 'verdict', about: alert.id, verdict, by: 'ann', why: '', at, until };
  const value = encodeFindingsRecord({ kind: 'request', request });
  await log.append(TOPICS.findings, [{ key: alert.token, partition: 0, value }]);
}

it.each(VERDICT_KINDS.flatMap((kind) => ['1', '2', '3'].map((seed) => [kind, seed] as const)))(
  '%s is applied once, whoever dies when: seed %s',
  async (kind, seed) => {
    const { log, detect, respond, close } = await openInstallation(seed);
    await log().append(TOPICS.events, records([...ordinary('svc'), ...stolen('svc')]));
    await detect();
    await respond();
    await ask(log(), kind);
    await respond();
    // Whoever had the office before passes it on late.
    const verdict = (await alertOf(log())).verdicts?.[0];
    expect(verdict?.kind).toBe(kind);
    await log().append(TOPICS.events, [...records(later(2 * HOUR_MS)), asideRecord({ verdict: verdict as never })]);
    await log().append(TOPICS.events, records(later(DAY_MS / 2)));
    await detect();

    expect(await copiesApplied(log(), 'svc')).toBeGreaterThan(1);
    await close();
  },
  30_000,
);

const VERDICT = asideRecord({
  verdict: { kind: 'noise', token: 't', episode: 'e', openedAt: 1, at: 2, until: 3 },
});

it('no event that we store looks like a verdict, and a release that knows none takes it for a dead letter', () => {
  const forged = { ...(ordinary('{"verdict":{}}')[0] as AuditEvent), id: '{"verdict":' };
  expect(asideIn(Buffer.from(encodeStoredEvent(forged, null)))).toBeUndefined();
  expect(asideIn(Buffer.from('{"verdict":'))).toBeUndefined();
  expect(asideIn(VERDICT.value as Buffer)).toMatchObject({ verdict: { kind: 'noise', token: 't' } });
  expect(decodeStoredEvent(VERDICT.value as Buffer, 'x')).toMatchObject({ code: 'no-token' });
});

it('the archive leaves it and notices out under their own names', async () => {
  const inserted: unknown[] = [];
  const writer = { insertEvents: async (events: Iterable<unknown>) => void inserted.push(...events) };
  const [sink] = createSinks(writer as never);
  const place = { partition: 0, appendedAt: 5 };
  const [event] = records(ordinary('t').slice(0, 1)) as [NewRecord];
  const unreadable = { key: 't', value: Buffer.from('{}') };
  const notice = asideRecord({ notice: { kind: 'leaked', token: 't', at: 1, stands: true } });
  const given = [event, VERDICT, notice, unreadable].map(
    (record, offset) => ({ ...record, ...place, offset }) as never,
  );
  expect(await sink?.insert(given, 'x')).toEqual({
    archivedCount: 1,
    leftOut: new Map([
      ['verdict', 1],
      ['notice', 1],
      ['dead letter', 1],
    ]),
  });
  expect(inserted.length).toBe(1);
});

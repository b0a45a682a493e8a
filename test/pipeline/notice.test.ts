import { expect, it } from 'vitest';
import { HOUR_MS } from '../../src/baseline/time.ts';
import type { LeakRequest } from '../../src/decide/notices.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import type { GivenNotice } from '../../src/domain/notice.ts';
import type { Log } from '../../src/log/log.ts';
import { encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn, asideRecord } from '../../src/pipeline/aside-record.ts';
import { decodeFindingsRecord, encodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { decodeLedgerEntry } from '../../src/pipeline/ledger.ts';
import { TOPICS } from '../../src/pipeline/topics.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { ordinary, START } from '../detect/tokens-life.ts';
import { copiesApplied, openInstallation } from './mortal.ts';
import { records } from './mortal-stages.ts';

const LIFE = ordinary('svc');
/** Between the second and the third use. */
const REPORTED_AT = (LIFE[1]?.at ?? 0) + 1;
const WITHDRAWN_AT = START + 12 * HOUR_MS;

async function ask(log: Log, stands: boolean, at: number): Promise<void> {
  const request: LeakRequest = { kind: 'leaked', token: 'svc', stands, by: 'ann', why: '', at };
  const value = encodeFindingsRecord({ kind: 'request', request });
  await log.append(TOPICS.findings, [{ key: 'svc', partition: 0, value }]);
}

/** Times of the events that were told because of a report. */
async function toldAt(log: Log): Promise<readonly number[]> {
  const told = new Set<number>();
  for await (const batch of log.read(TOPICS.findings, 0)) {
    for (const { value } of batch) {
      const record = decodeFindingsRecord(value as Buffer);
      if (record.kind === 'assessment' && isOfReport(record.assessment)) told.add(record.assessment.at);
    }
  }
  return [...told].sort((a, b) => a - b);
}

function isOfReport({ findings }: Assessment): boolean {
  return findings.some(({ detector }) => detector === 'leaked-report');
}

async function noticesIn(log: Log): Promise<readonly GivenNotice[]> {
  const found: GivenNotice[] = [];
  for await (const batch of log.read(TOPICS.ledger, 0)) {
    for (const record of batch) {
      const entry = decodeLedgerEntry(record);
      if (entry?.kind === 'notice') found.push(entry.entry);
    }
  }
  return found;
}

it.each(['1', '2', '3', '4', '5'])(
  'a report made before the first event is applied once, and so is its withdrawal, whoever dies when: seed %s',
  async (seed) => {
    const { log, detect, respond, close } = await openInstallation(seed);
    await ask(log(), true, REPORTED_AT);
    await respond();
    await log().append(TOPICS.events, records(LIFE.slice(0, 20)));
    await detect();
    expect((await toldAt(log()))[0]).toBe(LIFE[2]?.at);
    await ask(log(), false, WITHDRAWN_AT);
    await respond();
    // Whoever had the office before passes the report on late.
    const report = { kind: 'leaked', token: 'svc', at: REPORTED_AT, stands: true } as const;
    await log().append(TOPICS.events, [asideRecord({ notice: report }), ...records(LIFE.slice(20))]);
    await detect();
    expect(Math.max(...(await toldAt(log())))).toBeLessThanOrEqual(LIFE[19]?.at ?? 0);
    expect(await copiesApplied(log(), 'svc')).toBeGreaterThan(2);
    expect((await noticesIn(log())).at(-1)).toMatchObject({ token: 'svc', stands: false, at: WITHDRAWN_AT });
    await close();
  },
  30_000,
);

it('no event that we store looks like a notice, and what is no whole one is none', () => {
  const forged = { ...(LIFE[0] as (typeof LIFE)[number]), id: '{"notice":', token: '{"notice":{}}' };
  expect(asideIn(Buffer.from(encodeStoredEvent(forged, null)))).toBeUndefined();
  for (const text of [
    '{"notice":',
    '{"notice":{}}',
    '{"notice":{"kind":"leaked","token":7,"at":1}}',
    '{"notice":null}',
    '{"notice":{"kind":"leaked","token":"t","at":1}}',
    '{"notice":{"kind":"stolen","token":"t","at":1,"stands":true}}',
  ])
    expect(asideIn(Buffer.from(text))).toBeUndefined();
});

it('the archive leaves a report in the ledger out under its own name', async () => {
  const writer = { insertAlerts: drain, insertDeliveries: drain };
  const ledger = createSinks(writer as never)[2];
  const entry: GivenNotice = { kind: 'leaked', token: 'svc', at: 1, stands: true, by: 'ann', why: '' };
  const value = Buffer.from(JSON.stringify({ kind: 'notice', entry, term: 't' }));
  const given = [value, null].map((each, offset) => ({ value: each, offset, partition: 0, appendedAt: 5 }) as never);
  expect(await ledger?.insert(given, 'x')).toEqual({
    archivedCount: 0,
    leftOut: new Map([
      ['notice', 1],
      ['no entry', 1],
    ]),
  });
});

async function drain(items: Iterable<unknown>): Promise<void> {
  for (const _ of items);
}

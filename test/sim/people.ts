import { DAY_MS, SECOND_MS } from '../../src/baseline/time.ts';
import type { VerdictRequest } from '../../src/decide/verdicts.ts';
import type { EngineOptions } from '../../src/detect/engine.ts';
import { keyCheckOf } from '../../src/detect/rollback.ts';
import type { Random } from '../../src/domain/random.ts';
import { VERDICT_KINDS } from '../../src/domain/verdict.ts';
import { decodeFindingsRecord, encodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { LedgerReader } from '../../src/pipeline/ledger.ts';
import { rollbackRecord } from '../../src/pipeline/rollback-record.ts';
import { TOPICS } from '../../src/pipeline/topics.ts';
import type { Broker } from './broker.ts';
import type { Schedule } from './schedule.ts';

/** How long verdicts hold: shorter and longer than a simulation. */
const HOLDS_MS = [5 * SECOND_MS, DAY_MS];

/**
 * Somebody looks at the ledger now and then, and answers an alert, whatever it was.
 *
 * @param perSecond how likely it is in a second
 * @param untilMs people go home
 */
export function letPeopleAnswer(
  { schedule, random }: { readonly schedule: Schedule; readonly random: Random },
  broker: Broker,
  startsAt: number,
  perSecond: number,
  untilMs: number,
): void {
  const reader = new LedgerReader();
  const tokens = new Map<string, string>();
  const look = () => {
    if (schedule.now > untilMs) return;
    schedule.after(SECOND_MS, null, look);
    for (const record of broker.read(TOPICS.ledger, 0, reader.position, Number.POSITIVE_INFINITY)) {
      const read = reader.take(record);
      if (read === undefined || read.isVoid || read.entry.kind !== 'alert') continue;
      tokens.set(read.entry.entry.alert.id, read.entry.entry.alert.token);
    }
    if (tokens.size === 0 || random.next() > perSecond) return;
    const about = random.pick([...tokens.keys()]);
    const verdict = random.pick(VERDICT_KINDS);
    const at = startsAt + schedule.now;
    const until = verdict === 'true-positive' ? null : at + random.pick(HOLDS_MS);
    const request: VerdictRequest = { kind: 'verdict', about, verdict, by: 'ann', why: '', at, until };
    const value = encodeFindingsRecord({ kind: 'request', request });
    broker.append(TOPICS.findings, 0, [{ key: tokens.get(about) ?? '', value }], null);
  };
  look();
}

/** What is sent twice comes again within so long. */
const COPY_MS = 5000;

/**
 * Somebody has what was known of a token once put back now and then: what any of its earlier records says, of all detectors or of one. Some are sent twice.
 *
 * @param perSecond how likely it is in a second
 * @param untilMs people go home
 */
export function letPeopleRollBack(
  { schedule, random }: { readonly schedule: Schedule; readonly random: Random },
  broker: Broker,
  { hashSeed, installed }: EngineOptions,
  startsAt: number,
  perSecond: number,
  untilMs: number,
): void {
  const look = () => {
    if (schedule.now > untilMs) return;
    schedule.after(SECOND_MS, null, look);
    if (random.next() > perSecond) return;
    const known = [...broker.appended(TOPICS.baselines)].filter(
      ({ key, value }) => value && !key?.startsWith('\u0000'),
    );
    const { key, value, partition } = random.pick(known);
    const at = startsAt + schedule.now;
    const detectors = random.next() < 0.3 ? [random.pick(installed).detector.id] : null;
    const rollback = { token: key ?? '', at, to: at, detectors, keyCheck: keyCheckOf(hashSeed), by: 'ann' };
    const record = rollbackRecord({ ...rollback, snapshot: value as Buffer });
    const send = () => broker.append(TOPICS.events, partition, [record], null);
    send();
    if (random.next() < 0.3) schedule.after(random.below(COPY_MS), null, send);
  };
  look();
}

/** What people have asked for, with where it stands in the findings log. */
export function requestsOf(broker: Broker): ReadonlyMap<number, VerdictRequest & { readonly token: string }> {
  const requests = new Map<number, VerdictRequest & { readonly token: string }>();
  for (const { key, value, offset } of broker.appended(TOPICS.findings)) {
    const record = decodeFindingsRecord(value as Buffer);
    if (record.kind === 'request' && record.request.kind === 'verdict')
      requests.set(offset, { ...record.request, token: key ?? '' });
  }
  return requests;
}

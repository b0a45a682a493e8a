import { DAY_MS, SECOND_MS } from '../../src/baseline/time.ts';
import type { LeakRequest } from '../../src/decide/notices.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { Random } from '../../src/domain/random.ts';
import { decodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { asideIn } from '../../src/pipeline/aside-record.ts';
import { decodeFindingsRecord, encodeFindingsRecord } from '../../src/pipeline/findings.ts';
import { madeTableIn } from '../../src/pipeline/made-table-record.ts';
import { TOPICS } from '../../src/pipeline/topics.ts';
import type { Broker } from './broker.ts';
import { type History, TODAY_AT } from './history.ts';
import { INPUT_DAYS, RAW_TOPIC, SOURCE_PARTITIONS } from './input.ts';
import type { Schedule } from './schedule.ts';

const LEAKS_MAX = 4;
/** Records of a token that was reported before anybody used it. */
const STRANGER_RECORDS = 4;

/** Somebody outside says that tokens have leaked, some of which were never used, and takes some of it back. @param untilMs uses go on until then */
export function letTokensLeak(
  { schedule, random }: { readonly schedule: Schedule; readonly random: Random },
  broker: Broker,
  history: History,
  untilMs: number,
): void {
  const known = history.tokens.map(({ token }) => token);
  for (let i = random.below(LEAKS_MAX + 1); i > 0; i--) {
    const isStranger = random.next() < 0.4;
    const token = isStranger ? `stranger-${i}` : (known.splice(random.below(known.length), 1)[0] as string);
    const reportedMs = random.below(untilMs);
    const report = { kind: 'leaked', token, by: 'ann', why: 'found in a repository' } as const;
    const at = TODAY_AT + random.below(INPUT_DAYS * DAY_MS);
    schedule.after(reportedMs, null, () => ask(broker, { ...report, stands: true, at }));
    if (random.next() < 0.3) {
      const afterMs = reportedMs + random.below(20 * SECOND_MS);
      schedule.after(afterMs, null, () => ask(broker, { ...report, stands: false, at: at + 1 + random.below(DAY_MS) }));
    }
    if (isStranger) useStranger({ schedule, random }, broker, history, token, untilMs);
  }
}

function ask(broker: Broker, request: LeakRequest): void {
  const value = encodeFindingsRecord({ kind: 'request', request });
  broker.append(TOPICS.findings, 0, [{ key: request.token, value }], null);
}

function useStranger(
  { schedule, random }: { readonly schedule: Schedule; readonly random: Random },
  broker: Broker,
  { today }: History,
  token: string,
  untilMs: number,
): void {
  for (let i = 0; i < STRANGER_RECORDS; i++) {
    const time = new Date(TODAY_AT + random.below(INPUT_DAYS * DAY_MS)).toISOString();
    const record = { ...random.pick(today), token, time, success: random.next() < 0.7 };
    const append = () =>
      broker.append(
        RAW_TOPIC,
        token.length % SOURCE_PARTITIONS,
        [{ key: token, value: Buffer.from(JSON.stringify(record)) }],
        null,
      );
    schedule.after(random.below(untilMs), null, append);
  }
}

/** Who has reported what, with where it stands in the findings log. */
export function leaksOf(broker: Broker): ReadonlyMap<number, LeakRequest> {
  const leaks = new Map<number, LeakRequest>();
  for (const { value, offset } of broker.appended(TOPICS.findings)) {
    const record = decodeFindingsRecord(value as Buffer);
    if (record.kind === 'request' && record.request.kind === 'leaked') leaks.set(offset, record.request);
  }
  return leaks;
}

/** Uses of tokens that were reported before, by the order in which reports and events stand in the log and by nothing that detects. */
export function leakedUses(broker: Broker): readonly { readonly event: AuditEvent; readonly isFirst: boolean }[] {
  const reports = new Map<string, { readonly at: number; readonly stands: boolean; used: boolean }>();
  const seen = new Set<string>();
  const uses: { readonly event: AuditEvent; readonly isFirst: boolean }[] = [];
  for (const { value } of broker.appended(TOPICS.events)) {
    const aside = asideIn(value as Buffer);
    if (aside !== undefined) {
      if (!('notice' in aside) || aside.notice.kind !== 'leaked') continue;
      const { token, at, stands } = aside.notice;
      if (at > (reports.get(token)?.at ?? 0)) reports.set(token, { at, stands, used: false });
      continue;
    }
    if (madeTableIn(value as Buffer)) continue;
    const event = decodeStoredEvent(value as Buffer, '') as AuditEvent;
    // The log may have an event twice, and a report in between.
    if (seen.has(event.id)) continue;
    seen.add(event.id);
    const report = reports.get(event.token);
    if (!report?.stands || event.at <= report.at || event.success === false) continue;
    uses.push({ event, isFirst: !report.used });
    report.used = true;
  }
  return uses;
}

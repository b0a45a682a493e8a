import type { Policy } from '../decide/policy.ts';
import { type ActionEntry, type Decided, Responder } from '../decide/responder.ts';
import type { Clock } from '../domain/clock.ts';
import { ifOwned, type Lease, type Log, type LogRecord, type Member } from '../log/log.ts';
import type { Dispatcher, Progress } from './dispatcher.ts';
import { decodeFindingsRecord } from './findings.ts';
import { decodeLedgerRecord, ledgerRecords } from './ledger.ts';
import { createSerial } from './serial.ts';
import type { Stage } from './stage.ts';
import { GROUPS, TOPICS } from './topics.ts';

export interface RespondOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly policy: Policy;
  /**
   * Makes the dispatcher for one term of office: a member that loses the findings log must not go on acting. A fault of the dispatcher's own
   * ends the stage.
   */
  readonly openDispatcher: (onFault: (cause: unknown) => void) => Dispatcher;
  readonly onWarning: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export interface RespondCounts {
  assessments: number;
  requests: number;
  actions: number;
}

/**
 * Turns assessments into alerts and actions and has them carried out. The findings log has one partition, so one member at a time is in
 * office. What is decided is in the ledger before it is tried, and its outcome before anything follows from it; a successor reads the ledger
 * and goes on under the same ids.
 */
export async function startRespond(options: RespondOptions): Promise<Stage & { readonly counts: RespondCounts }> {
  const { log, onWarning } = options;
  const counts: RespondCounts = { assessments: 0, requests: 0, actions: 0 };
  const failed = Promise.withResolvers<never>();
  let term: Term | undefined;
  const joining: Promise<Member> = log.join({
    group: GROUPS.respond,
    topics: [TOPICS.findings],
    assigned: async (_, __, lease) => {
      const responder = await rebuild(log, options.policy);
      term = new Term(options, counts, responder, lease, failed.reject);
      term.takeUp();
      return undefined;
    },
    batch: async (topicPartition, records) => {
      const last = records.at(-1);
      const current = term;
      if (current === undefined || last === undefined) return;
      await current.decide(records);
      const member = await joining;
      if (!current.lease.valid()) return;
      await ifOwned(() => member.commit(topicPartition, { offset: last.offset + 1, metadata: '' }));
    },
    revoked: async () => {
      const current = term;
      term = undefined;
      await current?.end();
    },
    gap: (_, fromOffset, toOffset) =>
      onWarning('findings were deleted before they were read', { fromOffset, toOffset }),
  });
  const member = await joining;
  return { name: 'respond', done: Promise.race([member.done, failed.promise]), counts, stop: () => member.stop() };
}

/** The time during which the findings log is this member's. */
class Term {
  readonly lease: Lease;
  readonly #options: RespondOptions;
  readonly #counts: RespondCounts;
  readonly #responder: Responder;
  readonly #dispatcher: Dispatcher;
  readonly #fail: (cause: unknown) => void;
  /** Batches and outcomes change the same state: one at a time. */
  readonly #serial = createSerial();

  constructor(
    options: RespondOptions,
    counts: RespondCounts,
    responder: Responder,
    lease: Lease,
    fail: (cause: unknown) => void,
  ) {
    this.lease = lease;
    this.#options = options;
    this.#counts = counts;
    this.#responder = responder;
    this.#dispatcher = options.openDispatcher(fail);
    this.#fail = fail;
  }

  /** Goes on with what a predecessor has left open. */
  takeUp(): void {
    for (const entry of this.#responder.unsettled()) this.#dispatch(entry);
  }

  decide(records: readonly LogRecord[]): Promise<void> {
    return this.#serial(async () => {
      for (const record of records) await this.#decideOn(record);
    });
  }

  /** Stops what is being carried out: the successor takes it up. */
  end(): Promise<void> {
    return this.#dispatcher.stop();
  }

  async #decideOn(record: LogRecord): Promise<void> {
    if (record.value === null) return;
    const now = this.#options.clock.now();
    const finding = decodeFindingsRecord(record.value);
    if (finding.kind === 'assessment') {
      this.#counts.assessments += 1;
      await this.#write(this.#responder.onAssessment(finding.assessment, record.offset, now));
      return;
    }
    this.#counts.requests += 1;
    const decided = this.#responder.onRequest(finding.request, now);
    if (decided === undefined) {
      const message = 'a request was taken before, or names an alert that is not known';
      this.#options.onWarning(message, { ...finding.request });
    }
    await this.#write(decided);
  }

  async #write(decided: Decided | undefined): Promise<void> {
    if (decided === undefined || !this.lease.valid()) return;
    await this.#options.log.append(TOPICS.ledger, ledgerRecords(decided));
    for (const entry of decided.actions) {
      if (entry.state === 'approved' && entry.attemptCount === 0) this.#dispatch(entry);
    }
  }

  #dispatch(entry: ActionEntry): void {
    this.#counts.actions += 1;
    this.#dispatcher.submit(entry, (progress) => this.#report(progress).catch(this.#fail));
  }

  #report({ actionId, state, detail, attemptCount }: Progress): Promise<void> {
    return this.#serial(async () => {
      const now = this.#options.clock.now();
      await this.#write(this.#responder.onOutcome(actionId, state, detail, attemptCount, now));
    });
  }
}

/** Alerts and actions as the ledger has them. */
async function rebuild(log: Log, policy: Policy): Promise<Responder> {
  const responder = new Responder(policy);
  for await (const batch of log.read(TOPICS.ledger, 0)) {
    for (const record of batch) {
      const ledger = decodeLedgerRecord(record);
      if (ledger?.kind === 'alert') responder.restoreAlert(ledger.entry);
      else if (ledger?.kind === 'action') responder.restoreAction(ledger.entry);
    }
  }
  return responder;
}

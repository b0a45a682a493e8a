import type { ActionEntry, Noted } from '../decide/entries.ts';
import type { Policy } from '../decide/policy.ts';
import { Responder } from '../decide/responder.ts';
import type { Action, ActionState } from '../domain/action.ts';
import type { Clock } from '../domain/clock.ts';
import { ifOwned, type Lease, type Log, type LogRecord, type Member } from '../log/log.ts';
import { ActionTally } from './action-tally.ts';
import { asideRecord } from './aside-record.ts';
import type { Dispatcher, Progress } from './dispatcher.ts';
import { decodeFindingsRecord } from './findings.ts';
import { type LedgerEntry, LedgerReader, ledgerEntries, ledgerRecord, readOn, termRecord } from './ledger.ts';
import { createSerial } from './serial.ts';
import type { Stage } from './stage.ts';
import { GROUPS, TOPICS } from './topics.ts';

export interface RespondOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly policy: Policy;
  /** Unlike that of any other process, now or before: names the terms of this one. */
  readonly identity: string;
  /** How often the ledger is looked at for what a predecessor may still have sent. Far below the time after which compaction begins. */
  readonly followIntervalMs: number;
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
  /** Findings deleted by retention before they were read. */
  deleted: number;
  /** What was decided: approved, held for a person, or what enforcing would have done. */
  readonly decisions: ActionTally;
  /** How actions went. */
  readonly outcomes: ActionTally;
  /** What is approved and not ended yet; `null` while another process is in office. */
  readonly open: () => readonly OpenActions[] | null;
}

/** Actions that wait for one target, or for proof. */
export interface OpenActions extends Pick<Action, 'kind' | 'target'> {
  readonly count: number;
  /** When the oldest was decided. */
  readonly oldestAt: number;
}

/**
 * Turns assessments into alerts and actions and has them carried out. The findings log has one partition, so one member at a time is in
 * office. What is decided is in the ledger before it is tried, and its outcome before anything follows from it; a successor reads the ledger
 * and goes on under the same ids.
 */
export async function startRespond(options: RespondOptions): Promise<Stage & { readonly counts: RespondCounts }> {
  const { log, onWarning } = options;
  const counts = createCounts(options.policy, () => term?.open ?? null);
  const failed = Promise.withResolvers<never>();
  let term: Term | undefined;
  let termCount = 0;
  const endTerm = async () => {
    const current = term;
    term = undefined;
    await current?.end();
  };
  const joining: Promise<Member> = log.join({
    group: GROUPS.respond,
    topics: [TOPICS.findings],
    assigned: async (_, __, lease) => {
      const name = `${options.identity}/${++termCount}`;
      const book = await takeOffice(options, name, lease);
      if (book === undefined) return undefined;
      term = new Term(options, counts, book, lease, failed.reject);
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
    revoked: endTerm,
    gap: (_, fromOffset, toOffset) => {
      onWarning('findings were deleted before they were read', { fromOffset, toOffset });
      counts.deleted += toOffset - fromOffset;
    },
  });
  const member = await joining;
  // A member that has failed is not told that its partition is revoked: without this it would go on acting, and keep the process from ending.
  const done = Promise.race([member.done, failed.promise]);
  done.catch(endTerm);
  return { name: 'respond', done, counts, stop: () => member.stop() };
}

/** What an alarm looks at is there from the beginning, as 0. */
function createCounts({ routes, revocationRules }: Policy, open: RespondCounts['open']): RespondCounts {
  const [decisions, outcomes] = [new ActionTally(), new ActionTally()];
  for (const target of new Set(routes.flatMap(({ receivers }) => receivers)))
    for (const state of ['refused', 'expired'] as const) outcomes.note({ kind: 'notify', target }, state, 0);
  for (const { revoker: target } of revocationRules) {
    decisions.note({ kind: 'revoke', target }, 'held', 0);
    for (const state of ['refused', 'expired', 'ineffective'] as const)
      outcomes.note({ kind: 'revoke', target }, state, 0);
  }
  return { assessments: 0, requests: 0, actions: 0, deleted: 0, decisions, outcomes, open };
}

/** What the ledger says, read as far as the reader stands. */
interface Book {
  readonly responder: Responder;
  readonly reader: LedgerReader;
  readonly name: string;
  /** Entries that arrived too late, and may stand in the place of one that counts. */
  readonly voided: LedgerEntry[];
}

/** Begins a term: from its record on nothing of a predecessor's counts, and all that counts before it has been read. `undefined`: lost meanwhile. */
async function takeOffice({ log, policy }: RespondOptions, name: string, lease: Lease): Promise<Book | undefined> {
  const book: Book = { responder: new Responder(policy), reader: new LedgerReader(), name, voided: [] };
  const take = (entry: LedgerEntry, isVoid: boolean) => {
    if (isVoid) book.voided.push(entry);
    else if (entry.kind === 'alert') book.responder.restoreAlert(entry.entry);
    else if (entry.kind === 'action') book.responder.restoreAction(entry.entry);
    else book.responder.restoreNotice(entry.entry);
  };
  await readOn(log, book.reader, take);
  while (book.reader.term.term !== name) {
    if (!lease.valid()) return undefined;
    await log.append(TOPICS.ledger, [termRecord(book.reader.term.number + 1, name)]);
    await readOn(log, book.reader, take);
  }
  return book;
}

/** What an action begins as. */
const DECIDED: ReadonlySet<ActionState> = new Set(['approved', 'shadow', 'held']);

/** The time during which the findings log is this member's. */
class Term {
  readonly lease: Lease;
  readonly #options: RespondOptions;
  readonly #counts: RespondCounts;
  readonly #book: Book;
  readonly #dispatcher: Dispatcher;
  readonly #fail: (cause: unknown) => void;
  readonly #ended = new AbortController();
  /** Batches and outcomes change the same state: one at a time. */
  readonly #serial = createSerial();

  constructor(
    options: RespondOptions,
    counts: RespondCounts,
    book: Book,
    lease: Lease,
    fail: (cause: unknown) => void,
  ) {
    this.lease = lease;
    this.#options = options;
    this.#counts = counts;
    this.#book = book;
    this.#dispatcher = options.openDispatcher(fail);
    this.#fail = fail;
  }

  get open(): readonly OpenActions[] {
    const open = new Map<string, OpenActions>();
    for (const { action } of this.#book.responder.unsettled()) {
      const { kind, target, decidedAt } = action;
      const key = `${kind}/${target}`;
      const { count = 0, oldestAt = decidedAt } = open.get(key) ?? {};
      open.set(key, { kind, target, count: count + 1, oldestAt: Math.min(oldestAt, decidedAt) });
    }
    return [...open.values()];
  }

  /** Goes on with what a predecessor has left open. */
  takeUp(): void {
    for (const entry of this.#book.responder.unsettled()) this.#dispatch(entry);
    void this.#follow().catch(this.#fail);
  }

  decide(records: readonly LogRecord[]): Promise<void> {
    return this.#serial(() =>
      this.#write(records.flatMap((record) => this.#decideOn(record, this.#options.clock.now()) ?? [])),
    );
  }

  /** Stops what is being carried out: the successor takes it up. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#dispatcher.stop();
  }

  #decideOn(record: LogRecord, now: number): Noted | undefined {
    if (record.value === null) return undefined;
    const finding = decodeFindingsRecord(record.value);
    if (finding.kind === 'assessment') {
      this.#counts.assessments += 1;
      return this.#book.responder.onAssessment(finding.assessment, record.offset, now);
    }
    this.#counts.requests += 1;
    const { responder } = this.#book;
    const { request } = finding;
    const decided =
      request.kind === 'verdict'
        ? responder.onVerdict(request, now)
        : request.kind === 'leaked'
          ? responder.onLeak(request)
          : responder.onRequest(request, now);
    if (decided === undefined) {
      const message = 'a request was taken before, names an alert that is not known, or makes no sense any more';
      this.#options.onWarning(message, { ...request });
    }
    return decided;
  }

  /** Makes decisions durable, and has them carried out once it is sure that they count. */
  async #write(decisions: readonly Noted[]): Promise<void> {
    if (decisions.length === 0 || !this.lease.valid()) return;
    await this.#teach(decisions);
    if (!this.lease.valid()) return;
    const records = decisions.flatMap(ledgerEntries).map((entry) => ledgerRecord(entry, this.#book.name));
    await this.#options.log.append(TOPICS.ledger, records);
    const fresh = decisions
      .flatMap(({ actions }) => actions)
      .filter(({ state, attemptCount }) => attemptCount === 0 && DECIDED.has(state));
    for (const { action, state } of fresh) this.#counts.decisions.note(action, state);
    const due = fresh.filter(({ state }) => state === 'approved');
    const withdrawn = decisions.flatMap(({ actions }) => actions).filter(({ state }) => state === 'withdrawn');
    if ((due.length === 0 && withdrawn.length === 0) || !(await this.#isInOffice())) return;
    for (const { action } of withdrawn) {
      this.#counts.outcomes.note(action, 'withdrawn');
      this.#dispatcher.withdraw(action.alertId);
    }
    for (const entry of due) this.#dispatch(entry);
  }

  /**
   * Tells detect of verdicts and notices, among their tokens' events: before the ledger has them, so that a request that is not read again was passed on. One that
   * is, or that somebody passes on who is not in office any more, is known there by its time.
   */
  async #teach(decisions: readonly Noted[]): Promise<void> {
    const asides = decisions.flatMap(({ aside }) => aside ?? []);
    if (asides.length > 0) await this.#options.log.append(TOPICS.events, asides.map(asideRecord));
  }

  /** Whether all that was written in this term counts: nobody else's term has begun. */
  async #isInOffice(): Promise<boolean> {
    const { reader, voided, name } = this.#book;
    await readOn(this.#options.log, reader, (entry, isVoid) => {
      if (isVoid) voided.push(entry);
    });
    return reader.term.term === name;
  }

  /**
   * Looks for what a predecessor sent and what has only arrived now. It is void, but compaction keeps the last record of a key: what counts is
   * written after it once more.
   */
  async #follow(): Promise<void> {
    const { clock, followIntervalMs } = this.#options;
    while (!this.#ended.signal.aborted) {
      await this.#serial(() => this.#repair());
      await clock.sleep(followIntervalMs, this.#ended.signal);
    }
  }

  async #repair(): Promise<void> {
    if (!this.lease.valid() || !(await this.#isInOffice()) || !this.lease.valid()) return;
    const { responder, voided, name } = this.#book;
    const standing = voided.splice(0).flatMap((entry) => standingFor(responder, entry) ?? []);
    if (standing.length === 0) return;
    await this.#options.log.append(
      TOPICS.ledger,
      standing.map((entry) => ledgerRecord(entry, name)),
    );
  }

  #dispatch(entry: ActionEntry): void {
    this.#counts.actions += 1;
    this.#dispatcher.submit(entry, (progress) => this.#report(progress).catch(this.#fail));
  }

  #report({ actionId, state, detail, attemptCount }: Progress): Promise<void> {
    return this.#serial(async () => {
      const now = this.#options.clock.now();
      const decided = this.#book.responder.onOutcome(actionId, state, detail, attemptCount, now);
      const known = this.#book.responder.action(actionId);
      if (known) this.#counts.outcomes.note(known.action, state);
      if (decided) await this.#write([decided]);
    });
  }
}

/** What counts in the place of an entry. */
function standingFor(responder: Responder, { kind, entry }: LedgerEntry): LedgerEntry | undefined {
  if (kind === 'alert') {
    const alert = responder.alert(entry.alert.id);
    return alert && { kind, entry: alert };
  }
  if (kind === 'action') {
    const action = responder.action(entry.action.id);
    return action && { kind, entry: action };
  }
  const leak = responder.leak(entry.token);
  return leak && { kind, entry: leak };
}

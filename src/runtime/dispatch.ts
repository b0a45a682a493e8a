import { isUnfinished, undoes } from '../decide/action-book.ts';
import type { ActionEntry, Revocation } from '../decide/entries.ts';
import { severityRank } from '../decide/match.ts';
import { nextStepsFor } from '../deliver/next-steps.ts';
import { type Delivery, DeliveryQueue, type DeliverySettlement } from '../deliver/queue.ts';
import type { Receiver, RevocationSummary } from '../deliver/receiver.ts';
import { deliverUntilSettled, REVOCATION_SCHEDULE_MS } from '../deliver/retry.ts';
import type { RevocationOrder, Revoker, Verification } from '../deliver/revoker.ts';
import type { Pace } from '../deliver/turns.ts';
import type { Action, ActionState, DeliveryOutcome } from '../domain/action.ts';
import type { Clock } from '../domain/clock.ts';
import type { Dispatcher, Progress } from '../pipeline/dispatcher.ts';
import type { StreamWatch } from './stream-watch.ts';

/** A receiver or revoker under its configured name. */
export interface Target<T> {
  readonly open: T;
  readonly pace: Pace;
}

export interface DispatchOptions {
  readonly receivers: ReadonlyMap<string, Target<Receiver>>;
  readonly revokers: ReadonlyMap<string, Target<Revoker>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly watch: StreamWatch;
  readonly onFault: (cause: unknown) => void;
}

type Report = (progress: Progress) => Promise<void>;

/** Notifications that may wait for one receiver. */
const NOTIFICATIONS_MAX = 1000;
/** Times a revocation is done again because the token was used after it. */
const REPEATS_MAX = 5;
/** By then an issuer that is asked again and again has been asked once after its propagation time: longer than the longest wait. */
const LAST_QUESTION_MS = 120_000;

/** Carries actions out over one queue a target, and verifies revocations. */
export function createDispatcher(options: DispatchOptions): Dispatcher {
  const stopping = new AbortController();
  const queues = new Map<string, DeliveryQueue>();
  const running = new Set<Promise<void>>();
  const context: Context = {
    options,
    stop: stopping.signal,
    pursuits: new Map(),
    queueOf: (name, pace) => queueOf(queues, options, stopping.signal, name, pace),
  };
  return {
    submit: (entry, report) => {
      const task = carryOut(context, entry, report).catch(options.onFault);
      running.add(task);
      void task.finally(() => running.delete(task));
    },
    withdraw: (alertId) => context.pursuits.get(alertId)?.withdrawal.abort(),
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** A revocation that is being carried out. */
interface Pursuit {
  readonly action: Action;
  readonly halt: AbortController;
  /** A person says that it is not needed: it is not tried any more. */
  readonly withdrawal: AbortController;
  readonly report: Report;
  /** How it stands when it has ended or was halted. */
  readonly ended: Promise<ActionEntry>;
}

interface Context {
  readonly options: DispatchOptions;
  readonly stop: AbortSignal;
  /** Revocations in hand, by alert: an undo halts those of its token. */
  readonly pursuits: Map<string, Pursuit>;
  readonly queueOf: (name: string, pace: Pace) => DeliveryQueue;
}

function queueOf(
  queues: Map<string, DeliveryQueue>,
  { clock, random }: DispatchOptions,
  stop: AbortSignal,
  target: string,
  pace: Pace,
): DeliveryQueue {
  const known = queues.get(target);
  if (known) return known;
  const queue = new DeliveryQueue({ target, pace, notificationsMax: NOTIFICATIONS_MAX, clock, random, stop });
  queues.set(target, queue);
  return queue;
}

async function carryOut(context: Context, entry: ActionEntry, report: Report): Promise<void> {
  const { action } = entry;
  if (action.kind === 'notify') return notify(context, entry, report);
  const revoker = context.options.revokers.get(action.target);
  if (revoker === undefined) return missing(entry, 'revoker', report);
  if (action.kind === 'undo') return undo(context, entry, revoker, report);
  return pursue(context, entry, revoker, report);
}

async function notify(context: Context, entry: ActionEntry, report: Report): Promise<void> {
  const { action, alert, fleet, partOf } = entry;
  const receiver = context.options.receivers.get(action.target);
  if (receiver === undefined) return missing(entry, 'receiver', report);
  const revocation = summaryOf(entry.revocation);
  const nextSteps = nextStepsFor(alert, revocation, fleet);
  const notification = { action, alert, revocation, nextSteps, fleet, partOf };
  const settlement = await deliver(context, entry, `receiver/${action.target}`, receiver.pace, (signal) =>
    receiver.open.send(notification, signal),
  );
  await reportSettlement(action.id, settlement, report);
}

/** A token that is to be usable again must not be revoked again because it is used: whatever its revocation was at ends first. */
async function undo(context: Context, entry: ActionEntry, revoker: Target<Revoker>, report: Report): Promise<void> {
  const pursuits = [...context.pursuits.values()].filter(({ action }) => undoes(entry.action, action));
  for (const { halt } of pursuits) halt.abort();
  const halted = await Promise.all(pursuits.map(async ({ report, ended }) => ({ report, left: await ended })));
  const order: RevocationOrder = { action: entry.action, alert: entry.alert };
  const settlement = await deliver(context, entry, `revoker/${entry.action.target}`, revoker.pace, (signal) =>
    revoker.open.undo(order, signal),
  );
  await reportSettlement(entry.action.id, settlement, report);
  const isRefused = settlement.outcome.kind !== 'accepted' && settlement.outcome.kind !== 'stopped';
  if (isRefused) await Promise.all(halted.map((each) => resume(context, each.left, each.report)));
}

/** An undo that is refused leaves revocations as they were. */
async function resume(context: Context, entry: ActionEntry, report: Report): Promise<void> {
  const revoker = context.options.revokers.get(entry.action.target);
  if (revoker && isUnfinished(entry)) await pursue(context, entry, revoker, report);
}

/** One at a time for an alert: of two, whoever undoes would halt one, and the other would revoke again what was given back. */
async function pursue(context: Context, entry: ActionEntry, revoker: Target<Revoker>, report: Report): Promise<void> {
  const { alertId } = entry.action;
  const former = context.pursuits.get(alertId);
  former?.halt.abort();
  const halt = new AbortController();
  const stop = AbortSignal.any([context.stop, halt.signal]);
  const withdrawal = new AbortController();
  const begin = () => revoke({ ...context, stop }, entry, revoker, report, withdrawal.signal);
  // What the former failed with is told by whoever began it.
  const ended = former ? former.ended.then(begin, begin) : begin();
  const pursuit: Pursuit = { action: entry.action, halt, withdrawal, report, ended };
  context.pursuits.set(alertId, pursuit);
  try {
    await pursuit.ended;
  } finally {
    if (context.pursuits.get(alertId) === pursuit) context.pursuits.delete(alertId);
  }
}

/** Revoke, kill, verify; and again while the token is still used. A restarted process goes on where the ledger stands. @returns how it stands */
async function revoke(
  context: Context,
  entry: ActionEntry,
  revoker: Target<Revoker>,
  report: Report,
  withdrawn: AbortSignal,
): Promise<ActionEntry> {
  const { action, alert } = entry;
  const order: RevocationOrder = { action, alert };
  let { state, attemptCount } = entry;
  for (let repeat = 0; repeat <= REPEATS_MAX; repeat++) {
    if (state !== 'accepted') {
      const trying = { ...context, stop: AbortSignal.any([context.stop, withdrawn]) };
      const settlement = await deliver(trying, entry, `revoker/${action.target}`, revoker.pace, (signal) =>
        revoker.open.revoke(order, signal),
      );
      if (settlement.outcome.kind === 'stopped') break;
      attemptCount += settlement.attemptCount;
      state = await reportSettlement(action.id, { ...settlement, attemptCount }, report);
      if (state !== 'accepted') break;
    }
    const proof = await verify(context, order, revoker.open);
    if (proof === undefined) break;
    state = proof.state;
    await report({ actionId: action.id, state, detail: proof.detail, attemptCount });
    if (state !== 'ineffective') break;
    await context.options.clock.sleep(REVOCATION_SCHEDULE_MS[repeat + 1] ?? 60_000, context.stop);
  }
  return { ...entry, state, attemptCount };
}

/** Asks the issuer, and watches the stream where the issuer cannot tell. `undefined`: stopped. */
async function verify(
  context: Context,
  order: RevocationOrder,
  revoker: Revoker,
): Promise<{ readonly state: 'verified' | 'ineffective'; readonly detail: string } | undefined> {
  const { clock, random, watch } = context.options;
  const from = await watch.mark(order.action.token);
  const deadAt = clock.now() + revoker.propagationMs;
  const ask = async (): Promise<Verification> => {
    const told = await revoker.verify(order, context.stop);
    // Until then the issuer may still honour it, as was to be expected: that is no answer yet.
    return told.kind === 'ineffective' && clock.now() < deadAt ? { kind: 'retry', detail: told.detail } : told;
  };
  const { outcome } = await deliverUntilSettled(ask, {
    schedule: REVOCATION_SCHEDULE_MS,
    clock,
    random,
    signal: context.stop,
    // Asking changes nothing, and what was answered too early must not be the last word.
    expiresAt: Math.max(order.action.expiresAt, deadAt + LAST_QUESTION_MS),
  });
  if (outcome.kind === 'stopped') return undefined;
  if (outcome.kind === 'verified' || outcome.kind === 'ineffective')
    return { state: outcome.kind, detail: outcome.detail };
  const use = await watch.useAfter(from, deadAt, context.stop);
  if (use === undefined) return undefined;
  return use.used ? { state: 'ineffective', detail: use.detail } : { state: 'verified', detail: use.detail };
}

function deliver(
  context: Context,
  entry: ActionEntry,
  queueName: string,
  pace: Pace,
  attempt: (signal: AbortSignal) => Promise<DeliveryOutcome>,
): Promise<DeliverySettlement> {
  const delivery: Delivery = {
    action: entry.action,
    priority: severityRank(entry.alert.severity),
    attempt,
    halt: context.stop,
  };
  return context.queueOf(queueName, pace).deliver(delivery);
}

/** Says how a delivery ended; what was merely stopped stays open in the ledger. */
async function reportSettlement(
  actionId: string,
  { outcome, attemptCount }: DeliverySettlement,
  report: Report,
): Promise<ActionState> {
  if (outcome.kind === 'stopped') return 'approved';
  const state = outcome.kind === 'crowded-out' ? 'refused' : outcome.kind;
  await report({ actionId, state, detail: outcome.detail, attemptCount: Math.max(1, attemptCount) });
  return state;
}

function missing(entry: ActionEntry, what: string, report: Report): Promise<void> {
  const detail = `no ${what} named "${entry.action.target}" is configured any more`;
  return report({ actionId: entry.action.id, state: 'refused', detail, attemptCount: entry.attemptCount });
}

function summaryOf(revocation: Revocation | null): RevocationSummary | null {
  if (revocation === null) return null;
  const { actionId, revoker, state, reason } = revocation;
  return { actionId, target: revoker, state, reason: reason.text };
}

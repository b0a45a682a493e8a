import type { Action, ActionState, Reason } from '../domain/action.ts';
import type { Alert, FleetAlert } from '../domain/alert.ts';
import type { Assessment } from '../domain/finding.ts';
import type { GivenNotice } from '../domain/notice.ts';
import type { GivenVerdict } from '../domain/verdict.ts';
import { ActionBook, ATTEMPTED, actionIdOf } from './action-book.ts';
import type { ActionEntry, AlertEntry, Decided, Noted, Revocation } from './entries.ts';
import { FleetAlerts, hasGrown, ledBy, type Place } from './fleet-alerts.ts';
import { alertIdOf, group, withStamps } from './group.ts';
import { type LeakRequest, leakRefusalOf, noticeOf, proofInOrder, proofOf } from './notices.ts';
import { needsTelling, receiversOf, type Told } from './notify.ts';
import { NOTIFICATION_EXPIRES_MS, type Policy, REVOCATION_EXPIRES_MS } from './policy.ts';
import { decideRevocation, type RevocationDecision } from './revoke.ts';
import { solidScore } from './solid-score.ts';
import { TokenBook } from './token-book.ts';
import {
  cautionOf,
  type Suppression,
  suppressionOf,
  VERDICTS_MAX,
  type VerdictRequest,
  verdictOn,
} from './verdicts.ts';

/** What an alert's entry carries on from the one before. */
type Context = Pick<AlertEntry, 'told' | 'offset' | 'verdicts' | 'suppression' | 'fleet' | 'partOf'>;

const ALERTS_KEPT_MAX = 20_000;
/** Why a request makes no sense as things stand, or `undefined` if it does. */
export function refusalOf(kind: 'revoke' | 'undo', { revocation }: Pick<AlertEntry, 'revocation'>): string | undefined {
  const state = revocation?.state ?? 'none';
  if (kind === 'undo' && !ATTEMPTED.has(state)) {
    return state === 'undone' ? 'its revocation was undone already' : 'its token was not revoked';
  }
  if (kind === 'revoke' && (state === 'approved' || state === 'accepted' || state === 'verified')) {
    return `its token is revoked already (${state})`;
  }
  return undefined;
}

/** What a person's request is carried out with; `undefined` if the configuration names nothing. */
export function revokerFor({ revocation }: Pick<AlertEntry, 'revocation'>, policy: Policy): string | undefined {
  return revocation?.revoker ?? policy.revocationRules[0]?.revoker;
}

/**
 * Turns assessments and outcomes into alerts and actions. Holds what guard rails need to see; rebuilt from the ledger after a restart.
 * Synchronous and deterministic; the present is an argument.
 */
export class Responder {
  readonly #policy: Policy;
  readonly #alerts = new Map<string, AlertEntry>();
  readonly #actions = new ActionBook(ALERTS_KEPT_MAX);
  readonly #suspects = new Map<string, number>();
  readonly #verdicts = new TokenBook<GivenVerdict>(ALERTS_KEPT_MAX);
  /** Which tokens were reported to have leaked. */
  readonly #leaks = new TokenBook<GivenNotice>(ALERTS_KEPT_MAX);
  /** What alerts have in common. */
  readonly #fleet: FleetAlerts;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#fleet = new FleetAlerts(policy, (id) => this.#alerts.get(id));
  }

  alert(id: string): AlertEntry | undefined {
    return this.#alerts.get(id);
  }

  action(id: string): ActionEntry | undefined {
    return this.#actions.get(id);
  }

  /** The last report of a leak of the token, withdrawn or not. */
  leak(token: string): GivenNotice | undefined {
    return this.#leaks.about(token);
  }

  /** What a restarted process has to take up again. */
  unsettled(): readonly ActionEntry[] {
    return this.#actions.unsettled();
  }

  /** Takes an entry back from the ledger. */
  restoreAlert(entry: AlertEntry): void {
    this.#keepAlert(entry);
    if (isSuspect(entry.alert.latest)) this.#suspects.set(entry.alert.token, entry.alert.updatedAt);
    for (const verdict of entry.verdicts ?? []) this.#verdicts.take(verdict);
  }

  restoreAction(entry: ActionEntry): void {
    this.#actions.keep(entry);
  }

  restoreNotice(notice: GivenNotice): void {
    this.#leaks.take(notice);
  }

  /**
   * An assessment came in.
   *
   * @param offset of its record in the findings log; one that was taken before a restart decides nothing.
   */
  onAssessment(assessment: Assessment, offset: number, now: number): Decided | undefined {
    const previous = this.#alerts.get(alertIdOf(assessment));
    if (previous && offset <= previous.offset) return undefined;
    const alert = group(previous?.alert, assessment);
    if (isSuspect(assessment)) this.#noteSuspect(alert.token, now);
    const verdict = this.#verdicts.about(alert.token);
    const suppression = suppressionOf(verdict, alert, assessment, now);
    const place = suppression ? null : this.#fleet.placeOf(alert, previous, now);
    // First who leads: whoever is led counts as told.
    const led = place?.leader && this.#lead(place.leader, now);
    const before = placed(contextOf(previous, offset, suppression), place);
    const decided = this.#decide(assessment, alert, previous, before, place, now);
    if (!led) return decided;
    return { ...decided, leader: led.alert, actions: [...led.actions, ...decided.actions] };
  }

  #decide(
    assessment: Assessment,
    alert: Alert,
    previous: AlertEntry | undefined,
    before: Context,
    place: Place | null,
    now: number,
  ): Decided {
    const standing = this.#actions.standingOf(alert, previous?.revocation ?? null);
    const isRefuted = this.#actions.isRefuted(assessment);
    // Withdrawn was the answer to what the person had seen: what is graver is decided anew.
    const isOpen = isRefuted || standing?.state === 'withdrawn';
    if (standing?.actionId != null && (before.suppression || !isOpen))
      return this.#tell(alert, standing, before, [], now);
    if (place === null && before.suppression) {
      const { reason } = before.suppression;
      const revoker = standing?.revoker ?? null;
      return this.#tell(alert, { actionId: null, revoker, state: 'none', reason }, before, [], now);
    }
    const caution = cautionOf(this.#verdicts.about(alert.token), alert, assessment, now);
    const around = { ...this.#surroundings(alert.token), caution, explained: place?.explained ?? null };
    if (isRefuted) around.standing = null;
    const decision = decideRevocation(alert, this.#policy, around, now);
    return this.#follow(decision, alert, standing, before, now);
  }

  /** Tells of the alert that leads others, if it has grown by one or it is time. */
  #lead(leader: NonNullable<Place['leader']>, now: number): Decided | undefined {
    const isDue = leader.told.some(([, { at }]) => now - at >= this.#policy.repeatIntervalMs);
    if (!isDue && !hasGrown(this.#alerts.get(leader.alert.id), leader)) return undefined;
    const { alert, revocation, offset } = leader;
    const suppression = suppressionOf(this.#verdicts.about(alert.token), alert, alert.latest, now);
    return this.#tell(alert, revocation, contextOf(leader, offset, suppression), [], now);
  }

  #follow(
    { state, revoker, reason }: RevocationDecision,
    alert: Alert,
    standing: Revocation | null,
    before: Context,
    now: number,
  ): Decided {
    if (standing?.state === 'withdrawn' && state === 'none') return this.#tell(alert, standing, before, [], now);
    // What was done of its own does not hold, and no more is done about it: that is what its reader has to know.
    if (standing?.actionId != null && standing.state !== 'withdrawn' && (state === 'none' || state === 'shadow')) {
      return this.#tell(alert, { ...standing, state: 'ineffective', reason }, before, [], now);
    }
    if (state === 'none' || revoker === null) {
      return this.#tell(alert, { actionId: null, revoker, state: 'none', reason }, before, [], now);
    }
    if (state === 'held' && standing?.state === 'held' && standing.reason.code === reason.code) {
      return this.#tell(alert, standing, before, [], now);
    }
    return this.#revoke(alert, state, revoker, reason, before, now);
  }

  /** An action got an outcome: the alert shows it, and receivers hear of a revocation's. */
  onOutcome(
    actionId: string,
    state: ActionState,
    detail: string,
    attemptCount: number,
    now: number,
  ): Noted | undefined {
    const before = this.#actions.get(actionId);
    if (before === undefined) return undefined;
    const proof = this.#actions.proof(before.action.token);
    const entry = proofInOrder({ ...before, state, detail, attemptCount, changedAt: now }, proof);
    this.#actions.keep(entry);
    const notice = proofOf(entry);
    const aside = notice ? { aside: { notice } } : {};
    const known = this.#alerts.get(before.action.alertId);
    if (known === undefined) return { alert: null, actions: [entry], ...aside };
    const undone = before.action.kind === 'undo' && state === 'accepted';
    // An undo that fails leaves the revocation as it is.
    if ((before.action.kind !== 'revoke' && !undone) || state === 'superseded')
      return { alert: known, actions: [entry] };
    const revocation: Revocation = {
      actionId: undone ? (known.revocation?.actionId ?? actionId) : actionId,
      revoker: before.action.target,
      state: undone ? 'undone' : state,
      reason: before.action.reason,
    };
    const stamps = state === 'accepted' ? { accepted: now } : state === 'verified' ? { verified: now } : {};
    const alert = before.action.kind === 'revoke' ? withStamps(known.alert, stamps) : known.alert;
    // What is done about a token is told whatever was answered.
    return { ...this.#tell(alert, revocation, contextOf(known, known.offset, null), [entry], now), ...aside };
  }

  /**
   * Somebody says that a token has leaked, or takes that back.
   *
   * @returns `undefined` if it was taken before, or makes no sense as things stand
   */
  onLeak(request: LeakRequest): Noted | undefined {
    const notice = noticeOf(request);
    if (leakRefusalOf(notice.stands, this.#leaks.about(notice.token)) !== undefined) return undefined;
    return this.#leaks.take(notice) ? { alert: null, actions: [], notice, aside: { notice } } : undefined;
  }

  /**
   * A person answers an alert. Of one token's verdicts each must be later than the one before.
   *
   * @returns `undefined` if it was taken before, or names an alert that is not known
   */
  onVerdict(request: VerdictRequest, now: number): Decided | undefined {
    const known = this.#alerts.get(request.about);
    if (known === undefined) return undefined;
    const verdict = verdictOn(known.alert, request);
    if (!this.#verdicts.take(verdict)) return undefined;
    const verdicts = [...(known.verdicts ?? []), verdict].slice(-VERDICTS_MAX);
    const suppression = suppressionOf(verdict, known.alert, known.alert.latest, now);
    const { revocation, actions } =
      request.verdict === 'expected'
        ? this.#withdraw(known, verdict, now)
        : { revocation: known.revocation, actions: [] };
    const context = contextOf({ ...known, verdicts }, known.offset, suppression);
    const entry: AlertEntry = { alert: known.alert, revocation, ...context };
    this.#keepAlert(entry);
    return { alert: entry, actions, aside: { verdict } };
  }

  /** What is not carried out yet is carried out no more. What was done stays done: that is for `undo`. */
  #withdraw(
    { alert, revocation }: AlertEntry,
    { by }: GivenVerdict,
    now: number,
  ): Pick<AlertEntry, 'revocation'> & Noted {
    const reason: Reason = { code: 'called-expected', text: `${by} says that it was the owner` };
    const isWaiting = revocation?.state === 'held' || revocation?.state === 'approved';
    const actions = this.#actions
      .waitingFor(alert.id)
      .map((entry): ActionEntry => ({ ...entry, state: 'withdrawn', detail: reason.text, changedAt: now }));
    for (const entry of actions) this.#actions.keep(entry);
    if (!isWaiting) return { alert: null, revocation, actions };
    // What was only held was never asked for: there is nothing that could be undone.
    const state = revocation.state === 'held' ? 'none' : 'withdrawn';
    return { alert: null, revocation: { ...revocation, state, reason }, actions };
  }

  /**
   * A person wants a revocation undone, or a held one done.
   *
   * @param request its time is part of the action's id: asking again is another action, replaying the request is not.
   */
  onRequest(
    request: { readonly kind: 'revoke' | 'undo'; readonly alertId: string; readonly by: string; readonly at: number },
    now: number,
  ): Decided | undefined {
    const known = this.#alerts.get(request.alertId);
    if (known === undefined || refusalOf(request.kind, known) !== undefined) return undefined;
    const revoker = revokerFor(known, this.#policy);
    if (revoker === undefined) return undefined;
    const reason: Reason = { code: 'asked-by-person', text: `asked by ${request.by}` };
    const action = this.#actionOf(request.kind, known.alert, revoker, reason, now, String(request.at));
    if (this.#actions.get(action.id) !== undefined) return undefined;
    if (request.kind === 'undo') {
      return { alert: known, actions: [this.#open(action, known.alert, known.revocation, 'approved', '', now)] };
    }
    const revocation: Revocation = { actionId: action.id, revoker, state: 'approved', reason };
    const alert = withStamps(known.alert, { decided: now });
    const entry = this.#open(action, alert, revocation, 'approved', '', now);
    return this.#tell(alert, revocation, contextOf(known, known.offset, null), [entry], now);
  }

  #revoke(
    alert: Alert,
    state: 'approved' | 'shadow' | 'held',
    revoker: string,
    reason: Reason,
    before: Context,
    now: number,
  ): Decided {
    const part = this.#actions.revocationPart(alert, revoker);
    const action = this.#actionOf('revoke', alert, revoker, reason, now, part);
    const revocation: Revocation = { actionId: state === 'held' ? null : action.id, revoker, state, reason };
    const stamped = state === 'approved' ? withStamps(alert, { decided: now }) : alert;
    const entry = this.#open(action, stamped, revocation, state, reason.text, now);
    return this.#tell(stamped, revocation, before, [entry], now);
  }

  #open(
    action: Action,
    alert: Alert,
    revocation: Revocation | null,
    state: ActionState,
    detail: string,
    now: number,
    { fleet, partOf }: Pick<Context, 'fleet' | 'partOf'> = {},
  ): ActionEntry {
    const place = { ...(fleet ? { fleet } : {}), ...(partOf ? { partOf } : {}) };
    const entry: ActionEntry = { action, alert, revocation, ...place, state, detail, attemptCount: 0, changedAt: now };
    this.#actions.keep(entry);
    return entry;
  }

  #surroundings(token: string) {
    return {
      standing: this.#actions.standingState(token),
      approvedAt: this.#actions.spentAt(),
      suspects: this.#suspects,
    };
  }

  #tell(
    alert: Alert,
    revocation: Revocation | null,
    before: Context,
    actions: readonly ActionEntry[],
    now: number,
  ): Decided {
    const told = new Map(before.told);
    const notifications: ActionEntry[] = [];
    const state = stateOf(revocation);
    for (const receiver of receiversOf(alert, this.#policy)) {
      const last = this.#lastTold(alert, receiver, told.get(receiver));
      if (last) told.set(receiver, last);
      const { tell, reason } = needsTelling({ alert, ...before }, last, state, this.#policy, now);
      if (!tell) continue;
      const count = (last?.count ?? 0) + 1;
      told.set(receiver, {
        at: now,
        severity: alert.severity,
        revocationState: state,
        count,
        ...tokenCountOf(before.fleet),
      });
      const action = this.#actionOf('notify', alert, receiver, reason, now, String(count));
      notifications.push(this.#open(action, alert, revocation, 'approved', '', now, before));
    }
    const entry: AlertEntry = { alert, revocation, ...before, told: [...told] };
    this.#keepAlert(entry);
    return { alert: entry, actions: [...actions, ...notifications] };
  }

  /** Goes on from notifications that the ledger has and the alert does not know of, after a crash between the two. */
  #lastTold(alert: Alert, receiver: string, last: Told | undefined): Told | undefined {
    const count = (last?.count ?? 0) + 1;
    const known = this.#actions.get(actionIdOf('notify', alert, receiver, String(count)));
    if (known === undefined) return last;
    const { severity } = known.alert;
    const revocationState = stateOf(known.revocation);
    const told = { at: known.action.decidedAt, severity, revocationState, count, ...tokenCountOf(known.fleet) };
    return this.#lastTold(alert, receiver, told);
  }

  #actionOf(kind: Action['kind'], alert: Alert, target: string, reason: Reason, now: number, part: string): Action {
    return {
      id: actionIdOf(kind, alert, target, part),
      kind,
      alertId: alert.id,
      token: alert.token,
      principal: alert.latest.principal,
      target,
      reason,
      decidedAt: now,
      expiresAt: now + (kind === 'notify' ? NOTIFICATION_EXPIRES_MS : REVOCATION_EXPIRES_MS),
    };
  }

  #noteSuspect(token: string, now: number): void {
    this.#suspects.delete(token);
    this.#suspects.set(token, now);
    for (const [suspect, at] of this.#suspects) {
      if (now - at < this.#policy.guardRails.brake.windowMs) break;
      this.#suspects.delete(suspect);
    }
  }

  #keepAlert(entry: AlertEntry): void {
    this.#fleet.keep(entry, this.#alerts.get(entry.alert.id));
    this.#alerts.delete(entry.alert.id);
    this.#alerts.set(entry.alert.id, entry);
    if (this.#alerts.size <= ALERTS_KEPT_MAX) return;
    const oldest = this.#alerts.keys().next().value;
    if (oldest === undefined) return;
    this.#alerts.delete(oldest);
    this.#actions.forgetAlert(oldest);
    this.#fleet.forget(oldest);
  }
}

/** Whether a token deviates by more than what anybody may claim of it: who fails in the names of many must not be able to trip the brake. */
function isSuspect(assessment: Assessment): boolean {
  return solidScore(assessment) >= assessment.threshold;
}

/** @param suppression as of now */
function contextOf(entry: AlertEntry | undefined, offset: number, suppression: Suppression | null): Context {
  return {
    told: entry?.told ?? [],
    offset,
    ...(entry?.verdicts ? { verdicts: entry.verdicts } : {}),
    ...(suppression ? { suppression } : {}),
    ...(entry?.fleet ? { fleet: entry.fleet } : {}),
    ...(entry?.partOf ? { partOf: entry.partOf } : {}),
  };
}

/** With what an alert tells of others, or who tells of it. @param place `null`: a person has answered it, and it stays where it was */
function placed(before: Context, place: Place | null): Context {
  if (place === null) return before;
  const { fleet: _, partOf: __, ...own } = before;
  const { fleet, leader } = place;
  if (fleet) return { ...own, fleet };
  if (!leader) return own;
  // Whoever was told of it is told by the leader now.
  const told = own.told.map(([name, last]) => [name, { ...last, ...tokenCountOf(leader.fleet) }] as const);
  return { ...own, told, partOf: leader.alert.id, suppression: { reason: ledBy(leader), until: null } };
}

function tokenCountOf(fleet: FleetAlert | undefined): Pick<Told, 'tokenCount'> {
  return fleet ? { tokenCount: fleet.tokenCount } : {};
}

/** As receivers are told of it; nothing while there is nothing to tell. */
function stateOf(revocation: Revocation | null): Told['revocationState'] {
  return revocation === null || revocation.state === 'none' ? '' : revocation.state;
}

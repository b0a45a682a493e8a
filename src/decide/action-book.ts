import type { Action, ActionState, RevocationState } from '../domain/action.ts';
import type { Alert } from '../domain/alert.ts';
import type { Assessment } from '../domain/finding.ts';
import { deriveId } from '../domain/identifier.ts';
import type { Notice } from '../domain/notice.ts';
import type { ActionEntry, Revocation } from './entries.ts';
import { proofOf, refutes } from './notices.ts';
import { TokenBook } from './token-book.ts';

/** Not carried out yet. */
const WAITING: ReadonlySet<ActionState> = new Set(['held', 'approved']);
const STANDING: ReadonlySet<ActionState> = new Set(['approved', 'accepted', 'verified', 'ineffective']);
/** The issuer was asked, and may have done something. */
export const ATTEMPTED: ReadonlySet<RevocationState> = new Set([
  ...STANDING,
  'refused',
  'expired',
  'withdrawn',
] as RevocationState[]);

/** Whether there is more to do: it has no outcome yet, or it is a revocation that is not proven. */
export function isUnfinished({ action, state }: ActionEntry): boolean {
  return state === 'approved' || (action.kind === 'revoke' && (state === 'accepted' || state === 'ineffective'));
}

export function actionIdOf(kind: Action['kind'], alert: Alert, target: string, part: string): string {
  return deriveId('act', alert.id, kind, target, part);
}

/** Asked for once more: the later revocation is pursued, and stands for both. */
function replaces({ action: later }: ActionEntry, { action }: ActionEntry): boolean {
  return action.kind === 'revoke' && later.alertId === action.alertId && later.decidedAt > action.decidedAt;
}

/** Whether what is given back is no more to be revoked for what was decided by then, for whichever alert. */
export function undoes(undo: Action, action: Action): boolean {
  return action.kind === 'revoke' && action.token === undo.token && action.decidedAt <= undo.decidedAt;
}

/** The actions of all alerts that are kept: which stand, what was spent of the budget, and which tokens are out of use. */
export class ActionBook {
  readonly #actions = new Map<string, ActionEntry>();
  /** Latest revocation by token. */
  readonly #revocations = new Map<string, string>();
  /** Which tokens were proven to be out of use, or given back since. */
  readonly #proofs: TokenBook<Notice>;

  constructor(tokensMax: number) {
    this.#proofs = new TokenBook(tokensMax);
  }

  get(id: string): ActionEntry | undefined {
    return this.#actions.get(id);
  }

  /** Takes an action as it stands now, or as the ledger has it. */
  keep(entry: ActionEntry): void {
    const { action } = entry;
    this.#actions.set(action.id, entry);
    const proof = proofOf(entry);
    if (proof) this.#proofs.take(proof);
    const latest = this.latestRevocation(action.token)?.action;
    if (latest !== undefined && latest.decidedAt > action.decidedAt) return;
    const last = this.proof(action.token);
    // The ledger may give an action after the one that undid it.
    const isUndone = last?.stands === false && last.at > action.decidedAt;
    if (action.kind === 'revoke' && !isUndone) this.#revocations.set(action.token, action.id);
    if (proof?.stands === false) this.#revocations.delete(action.token);
  }

  forgetAlert(alertId: string): void {
    for (const [id, { action }] of this.#actions) {
      if (action.alertId !== alertId) continue;
      this.#actions.delete(id);
      if (this.#revocations.get(action.token) === id) this.#revocations.delete(action.token);
    }
  }

  /**
   * Actions that were approved and have no outcome yet, and revocations that are not proven: what a restarted process has to take up again. An
   * undo that was accepted must not be done again, since its token may have been revoked since; and a revocation must not be pursued that
   * somebody undoes, or for which a later one stands.
   */
  unsettled(): readonly ActionEntry[] {
    const entries = [...this.#actions.values()];
    const undos = entries.filter(
      ({ action, state }) => action.kind === 'undo' && (state === 'approved' || state === 'accepted'),
    );
    const standing = entries.filter(({ action, state }) => action.kind === 'revoke' && STANDING.has(state));
    const isPursued = (entry: ActionEntry) =>
      !undos.some((undo) => undoes(undo.action, entry.action)) && !standing.some((other) => replaces(other, entry));
    return entries.filter((entry) => isUnfinished(entry) && isPursued(entry));
  }

  /** Revocations for an alert that are not carried out yet. */
  waitingFor(alertId: string): readonly ActionEntry[] {
    return [...this.#actions.values()].filter(
      ({ action, state }) => action.alertId === alertId && action.kind === 'revoke' && WAITING.has(state),
    );
  }

  /** The last that was proven of the token's being out of use. */
  proof(token: string): Notice | undefined {
    return this.#proofs.about(token);
  }

  latestRevocation(token: string): ActionEntry | undefined {
    return this.#actions.get(this.#revocations.get(token) ?? '');
  }

  /** State of the token's latest revocation, if it still stands. */
  standingState(token: string): ActionState | null {
    const state = this.latestRevocation(token)?.state;
    return state !== undefined && STANDING.has(state) ? state : null;
  }

  /** Where an alert's revocation stands: the ledger may have one that the alert was to name and does not, after a crash between the two. */
  standingOf({ id, token }: Alert, standing: Revocation | null): Revocation | null {
    const known = this.latestRevocation(token);
    if (known === undefined || known.action.alertId !== id || known.action.id === standing?.actionId) return standing;
    const { action, state } = known;
    if (state === 'superseded' || !ATTEMPTED.has(state)) return standing;
    return { actionId: action.id, revoker: action.target, state, reason: action.reason };
  }

  /** Whether an assessment shows that what was proven does not hold. */
  isRefuted(assessment: Assessment): boolean {
    const known = this.latestRevocation(assessment.token);
    return known?.state === 'verified' && refutes(assessment, known.changedAt);
  }

  /** When revocations were approved without a person, or would have been, ms since the epoch. */
  spentAt(): readonly number[] {
    return [...this.#actions.values()].flatMap(({ action, state }) => {
      const isOwn = action.kind === 'revoke' && action.reason.code === 'policy-revokes' && state !== 'held';
      return isOwn || state === 'shadow' ? [action.decidedAt] : [];
    });
  }

  /** An issuer may answer what it knows with what it said before: what is done once more for one alert has an id of its own. */
  revocationPart(alert: Alert, revoker: string): string {
    for (let count = 0; ; count++) {
      const part = count === 0 ? '' : String(count);
      const known = this.#actions.get(actionIdOf('revoke', alert, revoker, part));
      if (known?.state !== 'verified' && known?.state !== 'withdrawn') return part;
    }
  }
}

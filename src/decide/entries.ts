import type { Action, ActionState, Reason, RevocationState } from '../domain/action.ts';
import type { Alert, FleetAlert } from '../domain/alert.ts';
import type { Aside } from '../domain/aside.ts';
import type { GivenNotice } from '../domain/notice.ts';
import type { GivenVerdict } from '../domain/verdict.ts';
import type { Told } from './notify.ts';
import type { Suppression } from './verdicts.ts';

/** An alert with everything decided about it: what the ledger keeps under the alert's id. */
export interface AlertEntry {
  readonly alert: Alert;
  readonly revocation: Revocation | null;
  /** By receiver, in order of first telling. */
  readonly told: readonly (readonly [receiver: string, told: Told])[];
  /** Offset of the last findings record taken into it: one at or below it has been taken before a restart. */
  readonly offset: number;
  /** What people have answered, the last one last: that one holds. Absent where nobody has. */
  readonly verdicts?: readonly GivenVerdict[];
  /** Why it is not told and revokes nothing, as of its last assessment. Absent: it does. */
  readonly suppression?: Suppression;
  /** It leads others: what they share is told under it. */
  readonly fleet?: FleetAlert;
  /** Id of the alert that leads it: it shows what many tokens show, and nothing more that suffices. */
  readonly partOf?: string;
}

/** Where the revocation of an alert's token stands. */
export interface Revocation {
  /** `null` while it is only held or weighed. */
  readonly actionId: string | null;
  readonly revoker: string | null;
  readonly state: RevocationState;
  readonly reason: Reason;
}

/** An action with where it stands: what the ledger keeps under the action's id. */
export interface ActionEntry {
  readonly action: Action;
  /** As they stood when the action was decided, so that every attempt says the same. */
  readonly alert: Alert;
  readonly revocation: Revocation | null;
  readonly fleet?: FleetAlert;
  readonly partOf?: string;
  readonly state: ActionState;
  /** What the other side said last. */
  readonly detail: string;
  readonly attemptCount: number;
  readonly changedAt: number;
}

/** What came of one input: entries to make durable, in this order, before any action is tried. */
export interface Decided extends Noted {
  readonly alert: AlertEntry;
}

/** What came of an outcome, or of what is said of a token. */
export interface Noted {
  /** `null`: it is about none; or the ledger has an action of it and not itself yet, after a crash between the two. */
  readonly alert: AlertEntry | null;
  readonly actions: readonly ActionEntry[];
  /** The alert that leads it, where that has changed. */
  readonly leader?: AlertEntry;
  /** A person's, to be kept as it was given. */
  readonly notice?: GivenNotice;
  /** What detect has to be told, before anything of this is in the ledger. */
  readonly aside?: Aside;
}

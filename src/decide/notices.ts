import type { Action, ActionState } from '../domain/action.ts';
import type { Assessment } from '../domain/finding.ts';
import type { GivenNotice, Notice } from '../domain/notice.ts';
import { isSolid } from './group.ts';

/** Somebody says that a token has leaked, or takes that back. Names no alert: a release that does not know it takes it for nothing else. */
export interface LeakRequest {
  readonly kind: 'leaked';
  readonly token: string;
  /** `false`: withdrawn. */
  readonly stands: boolean;
  readonly by: string;
  readonly why: string;
  readonly at: number;
}

/** The detector that watches over revocations that were proven. */
const WATCHES_REVOCATIONS = 'use-after-revoke';

export function noticeOf({ kind, token, stands, by, why, at }: LeakRequest): GivenNotice {
  return { kind, token, at, stands, by, why };
}

/** Why a report makes no sense as things stand, or `undefined` if it does. A second one must not excuse what was done since the first. */
export function leakRefusalOf(stands: boolean, known: GivenNotice | undefined): string | undefined {
  if (stands && known?.stands) return `it was reported already, at ${new Date(known.at).toISOString()}`;
  return stands || known?.stands ? undefined : 'it was not reported leaked';
}

/**
 * Whether this very event is a use of a token that was proven to be out of use before.
 *
 * @param verifiedAt when it was, ms since the epoch; what came before may be told late
 */
export function refutes({ at, findings }: Assessment, verifiedAt: number): boolean {
  return (
    at > verifiedAt && findings.some((one) => one.detector === WATCHES_REVOCATIONS && one.bits > 0 && isSolid(one))
  );
}

/** As much of an action's entry as a proof follows from. */
interface Settled {
  readonly action: Pick<Action, 'kind' | 'token'>;
  readonly state: ActionState;
  readonly changedAt: number;
}

/** What a revocation that is proven, or one that is undone, means for the token's uses from then on. */
export function proofOf({ action: { kind, token }, state, changedAt: at }: Settled): Notice | undefined {
  if (kind === 'revoke' && state === 'verified') return { kind: 'revoked', token, at, stands: true };
  return kind === 'undo' && state === 'accepted' ? { kind: 'revoked', token, at, stands: false } : undefined;
}

/** Of one token's proofs each has to be later than the one before, whatever two processes' clocks say. */
export function proofInOrder<T extends Settled>(entry: T, before: Notice | undefined): T {
  if (before === undefined || proofOf(entry) === undefined) return entry;
  return { ...entry, changedAt: Math.max(entry.changedAt, before.at + 1) };
}

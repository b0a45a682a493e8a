/** What a person may answer to an alert: it was the owner; it is not worth telling; it was a theft. */
export const VERDICT_KINDS = ['expected', 'noise', 'true-positive'] as const;
export type VerdictKind = (typeof VERDICT_KINDS)[number];

/** A person's answer to an alert, as far as it changes what a token's baseline learns or has learned. */
export interface Verdict {
  readonly kind: VerdictKind;
  readonly token: string;
  /** The alert's: whose evidence is learned or forgotten. */
  readonly episode: string;
  /** When the episode opened, event time. */
  readonly openedAt: number;
  /** When it was given. Of one token's verdicts each is later than the one before: one that is not has been taken already. */
  readonly at: number;
  /** Until when it holds, as the log takes events: `expected` learns whole, `noise` tells nobody. `null`: it is done at once. */
  readonly until: number | null;
}

/** A verdict as the ledger keeps it with its alert: who, when and why, and what it was given about. */
export interface GivenVerdict extends Verdict {
  readonly alertId: string;
  /** As the command line knows them. */
  readonly by: string;
  /** In the person's words; empty if nothing was said. */
  readonly why: string;
  /** The alert's score then, bits. */
  readonly score: number;
  /** Whether something certain was in it then. */
  readonly isCertain: boolean;
}

/**
 * What is certain of a token, whatever it does: somebody outside says that it has leaked; or it was revoked, and proven to be out of use. Either may be
 * withdrawn.
 */
export const NOTICE_KINDS = ['leaked', 'revoked'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** A notice, as far as a token's record has to know. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly token: string;
  /**
   * When it was given, ms since the epoch: uses that are later count. Of one token's notices of one kind each is later than the one before: one that is not
   * has been taken already.
   */
  readonly at: number;
  /** `false`: the one before is withdrawn. */
  readonly stands: boolean;
}

/** A notice as the ledger keeps it: who gave it and why. */
export interface GivenNotice extends Notice {
  /** As the command line knows them. */
  readonly by: string;
  /** In the person's words; empty if nothing was said. */
  readonly why: string;
}

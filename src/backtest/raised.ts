import type { Alert } from '../domain/alert.ts';
import type { Label } from './labels.ts';
import { EVIDENCE_FADES_MS, explains } from './measure.ts';

/** An alert of the replay, and whether it would have led to a revocation. */
export interface Raised {
  readonly alert: Pick<Alert, 'token' | 'openedAt' | 'updatedAt' | 'worst'>;
  readonly wouldRevoke: boolean;
  /** By itself, and not only as one of many that share what is new. */
  readonly isTold: boolean;
  /** Bits its score would have come to without each detector named in it: see `ScoresWithout`. */
  readonly without: ReadonlyMap<string, number>;
}

/** An alert beside what was going on. */
export interface Explained extends Raised {
  /** What went on while it lasted; `undefined`: nothing that is known. */
  readonly label: Label | undefined;
  /** No theft explains its being raised. */
  readonly isFalse: boolean;
}

/** Finds what each alert is about. */
export function explained(raised: readonly Raised[], labels: readonly Label[]): readonly Explained[] {
  // Where a theft and something harmless meet, the theft explains the alert.
  const theftsFirst = labels.toSorted((a, b) => Number(a.kind === 'benign') - Number(b.kind === 'benign'));
  const ofTokens = Map.groupBy(theftsFirst, ({ token }) => token);
  return raised.map((one) => {
    const ofToken = ofTokens.get(one.alert.token) ?? [];
    return {
      ...one,
      label: ofToken.find((label) => overlaps(label, one)),
      isFalse: !ofToken.some((label) => explains(label, one.alert.openedAt)),
    };
  });
}

export function overlaps({ token, kind, from, until }: Label, { alert }: Raised): boolean {
  // Its evidence fades for so long after a theft, during which its alert goes on.
  const afterMs = kind === 'theft' ? EVIDENCE_FADES_MS : 0;
  return alert.token === token && alert.updatedAt >= from && alert.openedAt <= until + afterMs;
}

/** Largest contribution first. */
export function detectorsOf({ alert }: Raised): readonly string[] {
  return alert.worst.findings.map(({ detector }) => detector);
}

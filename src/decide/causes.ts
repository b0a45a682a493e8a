import type { Alert, Cause } from '../domain/alert.ts';
import { type Assessment, EVIDENCE_LIST_MAX, type Finding } from '../domain/finding.ts';
import { certainFinding, countingFindings } from './group.ts';

/** Alerts that are looked through for what they share, and causes of each. Past them an alert stands by itself. */
const ALERTS_MAX = 2000;
const CAUSES_MAX = 64;
/** A longer name is no cause. */
const NAME_CHARS_MAX = 500;

/** An alert that shows a cause. */
export interface Showing {
  readonly alertId: string;
  readonly token: string;
  readonly at: number;
}

/** What an alert shares with those of other tokens, and what else there is. */
export interface Explained {
  /** What most tokens share of it. */
  readonly cause: Cause;
  /** Alerts that share any of it, this one among them. */
  readonly alertIds: ReadonlySet<string>;
  /** The worst that is left without it: score and findings. */
  readonly rest: Assessment;
}

/** Which alerts show what to be new, by name. A function of the alerts that are kept, in the order of their last change. */
export class CauseBook {
  readonly #showing = new Map<string, Map<string, Showing>>();
  readonly #causes = new Map<string, readonly string[]>();

  /** Takes an alert as it stands now. */
  take(alert: Alert): void {
    this.forget(alert.id);
    const keys = [...causesOf(alert).keys()];
    if (keys.length === 0) return;
    this.#causes.set(alert.id, keys);
    const showing: Showing = { alertId: alert.id, token: alert.token, at: alert.updatedAt };
    for (const key of keys) {
      const known = this.#showing.get(key) ?? new Map<string, Showing>();
      this.#showing.set(key, known.set(alert.id, showing));
    }
    if (this.#causes.size > ALERTS_MAX) this.forget(this.#causes.keys().next().value ?? '');
  }

  forget(alertId: string): void {
    for (const key of this.#causes.get(alertId) ?? []) {
      const known = this.#showing.get(key);
      known?.delete(alertId);
      if (known?.size === 0) this.#showing.delete(key);
    }
    this.#causes.delete(alertId);
  }

  /** Alerts that show a cause, within a time before or after an instant. */
  showing(key: string, at: number, windowMs: number): readonly Showing[] {
    return [...(this.#showing.get(key)?.values() ?? [])].filter((one) => Math.abs(one.at - at) <= windowMs);
  }
}

/**
 * What an alert shares with enough other tokens to have one cause with them, and what is left without it. A finding is explained if all that it names
 * is shared: one name of its own, and it stands. What must not happen at all is never explained.
 *
 * @param isTheft whether a person has said so of an alert: what it shows explains nothing
 * @returns `null` if it shares nothing that explains a finding
 */
export function explain(
  alert: Alert,
  book: CauseBook,
  { tokenCount, windowMs }: { readonly tokenCount: number; readonly windowMs: number },
  isTheft: (alertId: string) => boolean,
): Explained | null {
  if (certainFinding(alert.worst) || certainFinding(alert.latest)) return null;
  const shared = new Map<string, readonly Showing[]>();
  const causes = causesOf(alert);
  for (const key of causes.keys()) {
    const showing = book.showing(key, alert.updatedAt, windowMs);
    if (tokensOf(showing) >= tokenCount && !showing.some(({ alertId }) => isTheft(alertId))) shared.set(key, showing);
  }
  const widest = [...shared].sort(([, a], [, b]) => tokensOf(b) - tokensOf(a))[0];
  const cause = causes.get(widest?.[0] ?? '');
  if (cause === undefined) return null;
  const explained = explainedDetectors(alert, shared);
  const [worst, latest] = [restOf(alert.worst, explained), restOf(alert.latest, explained)];
  if (worst === alert.worst && latest === alert.latest) return null;
  const alertIds = new Set([...shared.values()].flatMap((showing) => showing.map(({ alertId }) => alertId)));
  return { cause, alertIds, rest: latest.score > worst.score ? latest : worst };
}

function tokensOf(showing: readonly Showing[]): number {
  return new Set(showing.map(({ token }) => token)).size;
}

/** At its worst and now. */
function countingFindingsOf({ worst, latest }: Alert): readonly Finding[] {
  return [...countingFindings(worst), ...countingFindings(latest)];
}

/** What an alert shows to be new, at its worst and now, by a key that other tokens' alerts have as well. */
function causesOf(alert: Alert): ReadonlyMap<string, Cause> {
  const causes = new Map<string, Cause>();
  for (const { detector, evidence } of countingFindingsOf(alert))
    for (const { what, newNames = [] } of evidence)
      for (const name of newNames)
        if (name.length <= NAME_CHARS_MAX && causes.size < CAUSES_MAX)
          causes.set(keyOf(detector, name), { detector, what, name });
  return causes;
}

function keyOf(detector: string, name: string): string {
  return `${detector} ${name}`;
}

/**
 * The detectors of which all that they name is shared. At its worst and now taken together: many weak signs leave no name at the event at hand, and are told
 * of by what was named before.
 */
function explainedDetectors(alert: Alert, shared: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  const byDetector = Map.groupBy(countingFindingsOf(alert), ({ detector }) => detector);
  const explained = [...byDetector].filter(([detector, findings]) => {
    const lists = findings.flatMap(({ evidence }) => evidence.map(({ newNames = [] }) => newNames));
    const isCertain = findings.some((finding) => finding.isCertain);
    if (isCertain || lists.some(({ length }) => length >= EVIDENCE_LIST_MAX)) return false;
    const names = lists.flat();
    return names.length > 0 && names.every((name) => shared.has(keyOf(detector, name)));
  });
  return new Set(explained.map(([detector]) => detector));
}

/** An assessment as it would be without what is shared; the same one if nothing is. */
function restOf(assessment: Assessment, detectors: ReadonlySet<string>): Assessment {
  const explained = countingFindings(assessment).filter(({ detector }) => detectors.has(detector));
  if (explained.length === 0) return assessment;
  const score = scoreWithout(assessment.score, explained);
  const left = assessment.findings.filter((finding) => !explained.includes(finding));
  const sum = left.reduce((bits, { contribution }) => bits + contribution, 0);
  // What is left without one more of them is not known: by its share.
  const findings = left.map((one) => ({ ...one, scoreWithout: score * (1 - one.contribution / sum) }));
  return { ...assessment, findings, score };
}

/**
 * Exact for one finding. Of several, what is known is the score without each and the share of each: the larger rest of the two counts, so that a doubt is
 * told.
 */
function scoreWithout(score: number, explained: readonly Finding[]): number {
  const sumOf = (each: (finding: Finding) => number) => explained.reduce((sum, finding) => sum + each(finding), 0);
  const byShares = score - sumOf(({ contribution }) => contribution);
  // What an earlier release has written does not say.
  if (explained.some((finding) => finding.scoreWithout === undefined)) return byShares;
  const bySteps = score - sumOf((finding) => score - finding.scoreWithout);
  return explained.length === 1 ? bySteps : Math.max(0, byShares, bySteps);
}

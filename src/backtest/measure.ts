import { DAY_MS } from '../baseline/time.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { EPISODE_GAP_MS } from '../domain/finding.ts';
import type { Label, Taken } from './labels.ts';

/** What a token-month is. */
export const MONTH_MS = 30 * DAY_MS;

/**
 * For so long after a theft its evidence is at hand: six half-lives of a sum leave one bit of sixty-four. A replay revokes nothing, so that what the token does next
 * morning tells once more of what happened at night.
 */
export const EVIDENCE_FADES_MS = DAY_MS;

/** When a labelled event first had a score at or above a threshold. */
export interface Crossing {
  /** Ms from the label's beginning. */
  readonly afterMs: number;
  /** The thief's events and their rows since then, this one included; the token's, where the label does not tell them apart. */
  readonly eventCount: number;
  readonly rowCount: number;
}

/** How a label went. */
export interface Judged {
  readonly label: Label;
  /** What the token did from the label's beginning to its end. */
  readonly eventCount: number;
  /** The thief's rows alone, where the label tells them apart. */
  readonly rowCount: number;
  /** Bits: the highest score of it; 0 where nothing was suspicious. */
  readonly scoreMax: number;
  /** At each threshold; `undefined` where no event came so high. */
  readonly crossings: readonly (Crossing | undefined)[];
}

/** What a replay has shown, threshold by threshold. */
export interface Measured {
  /** Bits, rising. */
  readonly thresholds: readonly number[];
  readonly judged: readonly Judged[];
  /** Alerts at each threshold which no theft explains. */
  readonly falseAlerts: readonly number[];
  readonly eventCount: number;
  /** Event time of the first event and the last, ms since the epoch; `null` where there was none. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  readonly tokenCount: number;
  /** From each token's first event to its last, in months of 30 days. */
  readonly tokenMonths: number;
}

interface OfToken {
  readonly firstAt: number;
  lastAt: number;
  readonly labels: readonly OfLabel[];
  /** When an event was last at or above each threshold; most tokens never reach one. */
  lastAboveAt: Float64Array | undefined;
}

interface OfLabel {
  readonly label: Label;
  eventCount: number;
  rowCount: number;
  scoreMax: number;
  readonly crossings: (Crossing | undefined)[];
}

/**
 * Judges scores by labels: for many thresholds at once, since a score does not depend on the threshold. Takes events in the order in which
 * they were scored; memory grows with the tokens, not with the events.
 */
export class Measurement {
  readonly #thresholds: readonly number[];
  readonly #tokens = new Map<string, OfToken>();
  readonly #labels: ReadonlyMap<string, readonly OfLabel[]>;
  readonly #falseAlerts: Uint32Array;
  #eventCount = 0;

  /** @param thresholds bits, rising */
  constructor(labels: readonly Label[], thresholds: readonly number[]) {
    this.#thresholds = thresholds;
    this.#falseAlerts = new Uint32Array(thresholds.length);
    const followed = labels.map((label): OfLabel => {
      return { label, eventCount: 0, rowCount: 0, scoreMax: 0, crossings: thresholds.map(() => undefined) };
    });
    this.#labels = Map.groupBy(followed, ({ label }) => label.token);
  }

  observe({ token, at, rows }: Pick<AuditEvent, 'token' | 'at' | 'rows'>, score: number): void {
    this.#eventCount += 1;
    const known = this.#tokenOf(token, at);
    known.lastAt = Math.max(known.lastAt, at);
    const current = known.labels.filter(({ label }) => at >= label.from && at <= label.until);
    for (const one of current) {
      one.eventCount += 1;
      one.rowCount += rows ?? 0;
      one.scoreMax = Math.max(one.scoreMax, score);
    }
    const isExplained = known.labels.some(({ label }) => explains(label, at));
    if (score < (this.#thresholds[0] ?? 0)) return;
    known.lastAboveAt ??= new Float64Array(this.#thresholds.length).fill(Number.NEGATIVE_INFINITY);
    const { lastAboveAt } = known;
    for (let i = 0; i < this.#thresholds.length && (this.#thresholds[i] as number) <= score; i++) {
      for (const one of current) one.crossings[i] ??= crossingOf(one, at);
      if (at - (lastAboveAt[i] as number) > EPISODE_GAP_MS && !isExplained)
        this.#falseAlerts[i] = (this.#falseAlerts[i] as number) + 1;
      lastAboveAt[i] = Math.max(at, lastAboveAt[i] as number);
    }
  }

  finish(): Measured {
    let spanMs = 0;
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const { firstAt, lastAt } of this.#tokens.values()) {
      spanMs += lastAt - firstAt;
      first = Math.min(first, firstAt);
      last = Math.max(last, lastAt);
    }
    return {
      thresholds: this.#thresholds,
      judged: [...this.#labels.values()].flat().map(judgedOf),
      falseAlerts: [...this.#falseAlerts],
      eventCount: this.#eventCount,
      firstAt: this.#tokens.size === 0 ? null : first,
      lastAt: this.#tokens.size === 0 ? null : last,
      tokenCount: this.#tokens.size,
      tokenMonths: spanMs / MONTH_MS,
    };
  }

  #tokenOf(token: string, at: number): OfToken {
    const known = this.#tokens.get(token);
    if (known !== undefined) return known;
    const fresh: OfToken = { firstAt: at, lastAt: at, labels: this.#labels.get(token) ?? [], lastAboveAt: undefined };
    this.#tokens.set(token, fresh);
    return fresh;
  }
}

/** A theft also explains what its evidence, which fades, still raises for a while after it. */
export function explains({ kind, from, until }: Label, at: number): boolean {
  return kind === 'theft' && at >= from && at <= until + EVIDENCE_FADES_MS;
}

function judgedOf(one: OfLabel): Judged {
  const { taken } = one.label;
  return taken === undefined ? one : { ...one, rowCount: rowsOf(taken) };
}

function crossingOf({ label, eventCount, rowCount }: OfLabel, at: number): Crossing {
  const afterMs = at - label.from;
  const taken = label.taken?.filter(([takenAt]) => takenAt <= at);
  return taken === undefined
    ? { afterMs, eventCount, rowCount }
    : { afterMs, eventCount: taken.length, rowCount: rowsOf(taken) };
}

function rowsOf(taken: readonly Taken[]): number {
  return taken.reduce((sum, [, rows]) => sum + rows, 0);
}

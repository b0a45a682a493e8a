import type { Alert } from '../domain/alert.ts';
import { EPISODE_GAP_MS } from '../domain/finding.ts';
import type { Label } from './labels.ts';
import type { Crossing, Judged, Measured } from './measure.ts';

/** An alert of the replay, and whether it would have led to a revocation. */
export interface Raised {
  readonly alert: Pick<Alert, 'token' | 'openedAt' | 'updatedAt' | 'worst'>;
  readonly wouldRevoke: boolean;
}

/** What was promised: the thresholds that follow from the operator's budget. */
export interface Promised {
  readonly alertThreshold: number;
  readonly revokeThreshold: number;
  readonly alertsPerTokenMonth: number;
}

/** How well detection does: what an operator decides by before switching `enforce` on. */
export interface Report {
  readonly eventCount: number;
  readonly tokenCount: number;
  readonly tokenMonths: number;
  readonly promised: Promised;
  readonly thefts: {
    readonly count: number;
    readonly caught: number;
    readonly recall: number;
    readonly wouldRevoke: number;
  };
  readonly falseAlerts: number;
  readonly falseAlertsPer1000TokenMonths: number;
  /** False alerts ÷ what the budget allows: 1 is a budget that is kept. */
  readonly budgetKept: number;
  readonly falseRevocations: number;
  readonly falseRevocationsPer1000TokenMonths: number;
  /** Caught thefts ÷ (caught thefts + false alerts). */
  readonly precision: number;
  readonly scenarios: readonly ScenarioRow[];
  readonly detectors: readonly DetectorRow[];
  readonly curve: readonly CurvePoint[];
}

export interface ScenarioRow {
  readonly scenario: string;
  readonly kind: Label['kind'];
  readonly count: number;
  /** For a benign one: alerted, which it should not be. */
  readonly alerted: number;
  readonly wouldRevoke: number;
  /** Medians of those alerted; `null` where there is none. */
  readonly events: number | null;
  readonly seconds: number | null;
  readonly rows: number | null;
  /** Median share of all rows of the label that had left by then. */
  readonly shareOfRows: number | null;
}

/** How often a detector was named in alerts. */
export interface DetectorRow {
  readonly detector: string;
  readonly inThefts: number;
  readonly inFalseAlerts: number;
}

/** What another threshold would have given. */
export interface CurvePoint {
  readonly threshold: number;
  readonly recall: number;
  readonly precision: number;
  readonly falseAlertsPerTokenMonth: number;
}

/** @param measured at thresholds among which those promised are */
export function reportOf(measured: Measured, raised: readonly Raised[], promised: Promised): Report {
  const { judged, falseAlerts, tokenMonths, thresholds } = measured;
  const level = thresholds.indexOf(promised.alertThreshold);
  const thefts = judged.filter(({ label }) => label.kind === 'theft');
  const caught = thefts.filter(({ crossings }) => crossings[level] !== undefined);
  const labels = judged.map(({ label }) => label);
  // Where a theft and something harmless meet, the theft explains the alert.
  const theftsFirst = labels.toSorted((a, b) => Number(a.kind === 'benign') - Number(b.kind === 'benign'));
  const explained = raised.map((one) => ({ ...one, label: theftsFirst.find((label) => overlaps(label, one)) }));
  const revocations = explained.filter(({ wouldRevoke }) => wouldRevoke);
  const falseRevocations = revocations.filter(({ label }) => label?.kind !== 'theft').length;
  const falseCount = falseAlerts[level] ?? 0;
  return {
    eventCount: measured.eventCount,
    tokenCount: measured.tokenCount,
    tokenMonths,
    promised,
    thefts: {
      count: thefts.length,
      caught: caught.length,
      recall: caught.length / thefts.length,
      wouldRevoke: thefts.filter(({ label }) => revocations.some((one) => overlaps(label, one))).length,
    },
    falseAlerts: falseCount,
    falseAlertsPer1000TokenMonths: (1000 * falseCount) / tokenMonths,
    budgetKept: falseCount / (promised.alertsPerTokenMonth * tokenMonths),
    falseRevocations,
    falseRevocationsPer1000TokenMonths: (1000 * falseRevocations) / tokenMonths,
    precision: caught.length / (caught.length + falseCount),
    scenarios: scenarioRows(judged, revocations, level),
    detectors: detectorRows(explained),
    curve: curveOf(measured, thefts),
  };
}

function overlaps({ token, kind, from, until }: Label, { alert }: Raised): boolean {
  // Its evidence fades for so long after a theft, during which its alert goes on.
  const afterMs = kind === 'theft' ? EPISODE_GAP_MS : 0;
  return alert.token === token && alert.updatedAt >= from && alert.openedAt <= until + afterMs;
}

function scenarioRows(
  judged: readonly Judged[],
  revocations: readonly Raised[],
  level: number,
): readonly ScenarioRow[] {
  const groups = Map.groupBy(judged, ({ label }) => `${label.kind} ${label.scenario}`);
  return [...groups.values()].map((group) => {
    const { scenario, kind } = (group[0] as Judged).label;
    const alerted = group.flatMap((one) => (one.crossings[level] ? [{ ...one, crossing: one.crossings[level] }] : []));
    const of = (value: (crossing: Crossing) => number) => median(alerted.map(({ crossing }) => value(crossing)));
    return {
      scenario,
      kind,
      count: group.length,
      alerted: alerted.length,
      wouldRevoke: group.filter(({ label }) => revocations.some((one) => overlaps(label, one))).length,
      events: of(({ eventCount }) => eventCount),
      seconds: of(({ afterMs }) => afterMs / 1000),
      rows: of(({ rowCount }) => rowCount),
      shareOfRows: median(alerted.map(({ crossing, rowCount }) => crossing.rowCount / Math.max(1, rowCount))),
    };
  });
}

function detectorRows(explained: readonly (Raised & { readonly label: Label | undefined })[]): readonly DetectorRow[] {
  const rows = new Map<string, { inThefts: number; inFalseAlerts: number }>();
  for (const { alert, label } of explained) {
    for (const { detector } of alert.worst.findings) {
      const row = rows.get(detector) ?? { inThefts: 0, inFalseAlerts: 0 };
      rows.set(detector, row);
      if (label?.kind === 'theft') row.inThefts += 1;
      else row.inFalseAlerts += 1;
    }
  }
  return [...rows].map(([detector, row]) => ({ detector, ...row })).sort((a, b) => b.inThefts - a.inThefts);
}

function curveOf({ thresholds, falseAlerts, tokenMonths }: Measured, thefts: readonly Judged[]): readonly CurvePoint[] {
  return thresholds.map((threshold, i) => {
    const caught = thefts.filter(({ crossings }) => crossings[i] !== undefined).length;
    const falseCount = falseAlerts[i] as number;
    return {
      threshold,
      recall: caught / thefts.length,
      precision: caught / (caught + falseCount),
      falseAlertsPerTokenMonth: falseCount / tokenMonths,
    };
  });
}

/** @returns the share of thefts caught at the lowest threshold that keeps a budget, in alerts a token-month */
export function recallAt({ curve }: Pick<Report, 'curve'>, falseAlertsPerTokenMonth: number): number {
  const kept = curve.find((point) => point.falseAlertsPerTokenMonth <= falseAlertsPerTokenMonth);
  return kept?.recall ?? 0;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

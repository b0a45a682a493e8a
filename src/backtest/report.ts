import { DAY_MS } from '../baseline/time.ts';
import type { Delay, Delays } from './delay.ts';
import { delayOf, delaysOf } from './delay.ts';
import type { Label } from './labels.ts';
import { type Judged, type Measured, MONTH_MS } from './measure.ts';
import { detectorsOf, type Explained, explained, overlaps, type Raised } from './raised.ts';

/** What was promised: the thresholds that follow from the operator's budget. */
export interface Promised {
  readonly alertThreshold: number;
  readonly revokeThreshold: number;
  readonly alertsPerTokenMonth: number;
}

/** How well detection does: what an operator decides by before switching `enforce` on. */
export interface Report {
  readonly eventCount: number;
  /** Event time of the first event and the last, ms since the epoch; `null` where there was none. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
  readonly tokenCount: number;
  readonly tokenMonths: number;
  readonly promised: Promised & { readonly revocationsPerTokenMonth: number };
  readonly thefts: {
    readonly count: number;
    readonly caught: number;
    readonly recall: number;
    readonly wouldRevoke: number;
    readonly delays: Delays | null;
  };
  /** All that were raised; what is new for many tokens is told as one of them. */
  readonly alerts: { readonly count: number; readonly told: number };
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
  readonly settings: readonly SettingRow[];
  readonly curve: readonly CurvePoint[];
  readonly labels: readonly LabelRow[];
  readonly falseAlertRows: readonly FalseAlertRow[];
}

export interface ScenarioRow {
  readonly scenario: string;
  readonly kind: Label['kind'];
  readonly count: number;
  /** For a benign one: alerted, which it should not be. */
  readonly alerted: number;
  readonly wouldRevoke: number;
  readonly delays: Delays | null;
}

/** What a detector is worth here. */
export interface DetectorRow {
  readonly detector: string;
  /** Thefts and false alerts in whose alerts it is named. */
  readonly inThefts: number;
  readonly inFalseAlerts: number;
  readonly inFalseRevocations: number;
  /** Of all thefts, those in whose alerts it is named. */
  readonly recall: number;
  /** Thefts ÷ (thefts + false alerts), of those in which it is named. */
  readonly precision: number;
  /** What would be left without it, at the same threshold: at least so many, see `ScoresWithout`. */
  readonly without: { readonly caught: number; readonly falseAlerts: number };
}

/** What another alarm budget would have given. */
export interface SettingRow extends CurvePoint {
  readonly alertsPerTokenMonth: number;
  readonly caught: number;
  readonly falseAlerts: number;
}

/** What another threshold would have given. */
export interface CurvePoint {
  readonly threshold: number;
  readonly recall: number;
  readonly precision: number;
  readonly falseAlertsPerTokenMonth: number;
}

/** How one labelled thing went. */
export interface LabelRow extends Label {
  readonly eventCount: number;
  readonly rowCount: number;
  /** Bits: its highest score, whether or not that sufficed. */
  readonly scoreMax: number;
  /** `null`: no alert. */
  readonly delay: Delay | null;
  readonly detectors: readonly string[];
  readonly wouldRevoke: boolean;
}

/** An alert that no theft explains. */
export interface FalseAlertRow {
  readonly token: string;
  /** Ms since the epoch. */
  readonly openedAt: number;
  readonly score: number;
  readonly detectors: readonly string[];
  /** A sentence of each detector. */
  readonly explanations: readonly string[];
  readonly wouldRevoke: boolean;
  /** The harmless thing during which it was raised, if that is known. */
  readonly scenario: string | null;
}

/** A budget, and the threshold that follows from it. */
export type Setting = Pick<SettingRow, 'alertsPerTokenMonth' | 'threshold'>;

/** @param measured at thresholds among which those promised are, and those of the settings */
export function reportOf(
  measured: Measured,
  raised: readonly Raised[],
  promised: Promised,
  settings: readonly Setting[],
): Report {
  const { judged, falseAlerts, tokenMonths, thresholds } = measured;
  const level = thresholds.indexOf(promised.alertThreshold);
  const thefts = judged.filter(({ label }) => label.kind === 'theft');
  const caught = thefts.filter(({ crossings }) => crossings[level] !== undefined);
  const alerts = explained(
    raised,
    judged.map(({ label }) => label),
  );
  const revocations = alerts.filter(({ wouldRevoke }) => wouldRevoke);
  const falseRevocations = revocations.filter(isFalseRevocation).length;
  const falseCount = falseAlerts[level] ?? 0;
  return {
    eventCount: measured.eventCount,
    firstAt: measured.firstAt,
    lastAt: measured.lastAt,
    tokenCount: measured.tokenCount,
    tokenMonths,
    // That is what a threshold means: a score of s bits is reached on one honest token-day in 2^s.
    promised: { ...promised, revocationsPerTokenMonth: MONTH_MS / DAY_MS / 2 ** promised.revokeThreshold },
    thefts: {
      count: thefts.length,
      caught: caught.length,
      recall: caught.length / thefts.length,
      wouldRevoke: thefts.filter(({ label }) => revocations.some((one) => overlaps(label, one))).length,
      delays: delaysOf(thefts, level),
    },
    alerts: { count: raised.length, told: raised.filter(({ isTold }) => isTold).length },
    falseAlerts: falseCount,
    falseAlertsPer1000TokenMonths: (1000 * falseCount) / tokenMonths,
    budgetKept: falseCount / (promised.alertsPerTokenMonth * tokenMonths),
    falseRevocations,
    falseRevocationsPer1000TokenMonths: (1000 * falseRevocations) / tokenMonths,
    precision: caught.length / (caught.length + falseCount),
    scenarios: scenarioRows(judged, revocations, level),
    detectors: detectorRows(alerts, caught, thefts.length, promised.alertThreshold),
    settings: settings.map((setting) => settingRow(measured, thefts, setting)),
    curve: thresholds.map((_, i) => pointOf(measured, thefts, i)),
    labels: judged.map((one) => labelRow(one, raised, level)),
    falseAlertRows: alerts.filter(({ isFalse }) => isFalse).map(falseAlertRow),
  };
}

function isFalseRevocation({ wouldRevoke, label }: Explained): boolean {
  return wouldRevoke && label?.kind !== 'theft';
}

function scenarioRows(
  judged: readonly Judged[],
  revocations: readonly Raised[],
  level: number,
): readonly ScenarioRow[] {
  const groups = Map.groupBy(judged, ({ label }) => `${label.kind} ${label.scenario}`);
  return [...groups.values()].map((group) => {
    const { scenario, kind } = (group[0] as Judged).label;
    return {
      scenario,
      kind,
      count: group.length,
      alerted: group.filter(({ crossings }) => crossings[level] !== undefined).length,
      wouldRevoke: group.filter(({ label }) => revocations.some((one) => overlaps(label, one))).length,
      delays: delaysOf(group, level),
    };
  });
}

function detectorRows(
  alerts: readonly Explained[],
  caught: readonly Judged[],
  theftCount: number,
  threshold: number,
): readonly DetectorRow[] {
  const falseOnes = alerts.filter(({ isFalse }) => isFalse);
  const ofThefts = caught.map(({ label }) => alerts.filter((one) => overlaps(label, one)));
  const names = new Set(alerts.flatMap(detectorsOf));
  const rows = [...names].map((detector): DetectorRow => {
    const names = (one: Raised) => detectorsOf(one).includes(detector);
    const remains = ({ alert, without }: Raised) => (without.get(detector) ?? alert.worst.score) >= threshold;
    const inThefts = ofThefts.filter((some) => some.some(names)).length;
    const inFalseAlerts = falseOnes.filter(names).length;
    return {
      detector,
      inThefts,
      inFalseAlerts,
      inFalseRevocations: alerts.filter((one) => isFalseRevocation(one) && names(one)).length,
      recall: inThefts / theftCount,
      precision: inThefts / (inThefts + inFalseAlerts),
      without: {
        caught: ofThefts.filter((some) => some.some(remains)).length,
        falseAlerts: falseOnes.filter(remains).length,
      },
    };
  });
  return rows.sort((a, b) => b.inThefts - a.inThefts || b.inFalseAlerts - a.inFalseAlerts);
}

function pointOf({ thresholds, falseAlerts, tokenMonths }: Measured, thefts: readonly Judged[], i: number): CurvePoint {
  const caught = thefts.filter(({ crossings }) => crossings[i] !== undefined).length;
  const falseCount = falseAlerts[i] ?? 0;
  return {
    threshold: thresholds[i] ?? Number.NaN,
    recall: caught / thefts.length,
    precision: caught / (caught + falseCount),
    falseAlertsPerTokenMonth: falseCount / tokenMonths,
  };
}

function settingRow(measured: Measured, thefts: readonly Judged[], setting: Setting): SettingRow {
  const i = measured.thresholds.indexOf(setting.threshold);
  return {
    ...setting,
    ...pointOf(measured, thefts, i),
    caught: thefts.filter(({ crossings }) => crossings[i] !== undefined).length,
    falseAlerts: measured.falseAlerts[i] ?? 0,
  };
}

function labelRow(judged: Judged, raised: readonly Raised[], level: number): LabelRow {
  const { label, eventCount, rowCount, scoreMax } = judged;
  const delay = delayOf(judged, level);
  const alerts = delay === null ? [] : raised.filter((one) => overlaps(label, one));
  return {
    ...label,
    eventCount,
    rowCount,
    scoreMax,
    delay,
    detectors: [...new Set(alerts.flatMap(detectorsOf))],
    wouldRevoke: alerts.some(({ wouldRevoke }) => wouldRevoke),
  };
}

function falseAlertRow(raised: Explained): FalseAlertRow {
  const { token, openedAt, worst } = raised.alert;
  return {
    token,
    openedAt,
    score: worst.score,
    detectors: detectorsOf(raised),
    explanations: worst.findings.map(({ explanation }) => explanation),
    wouldRevoke: raised.wouldRevoke,
    scenario: raised.label?.kind === 'benign' ? raised.label.scenario : null,
  };
}

/** @returns the share of thefts caught at the lowest threshold that keeps a budget, in alerts a token-month */
export function recallAt({ curve }: Pick<Report, 'curve'>, falseAlertsPerTokenMonth: number): number {
  const kept = curve.find((point) => point.falseAlertsPerTokenMonth <= falseAlertsPerTokenMonth);
  return kept?.recall ?? 0;
}

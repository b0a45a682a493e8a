import { together, type Use, type UsualUse } from './usual-use.ts';

/** What two uses can differ in. */
export const RESPECTS = [
  'operation',
  'tables',
  'rows',
  'outcome',
  'database',
  'network',
  'application',
  'hour',
] as const;

/** In each respect from 0, the same, to 1, nothing in common. */
export type Differences = Readonly<Record<(typeof RESPECTS)[number], number>>;

/** Kinds of use that are alike as seen from the one they are compared with. */
export interface NearUse extends Omit<UsualUse, 'network' | 'asn'> {
  readonly networks: readonly (string | null)[];
  readonly differences: Differences;
  /** Their sum: in how many respects it is another. */
  readonly distance: number;
}

/** A thousand times as many rows, or as few, have nothing in common. */
const ROWS_DECADES = 3;
/** Nor have times of the week that are half a day apart. */
const WEEK_DISTANCE_MS = 12 * 3_600_000;
/** Another network of the same operator is half as strange. */
const SAME_OPERATOR = 0.5;

/**
 * What comes nearest to a use, the nearest first; of equally near ones, what happened more often. Kinds that differ only in which other tables or
 * which other networks they have are taken together.
 *
 * @param usual the most frequent first: in that order names are given
 */
export function nearestUses(use: Use, usual: readonly UsualUse[], countMax: number): readonly NearUse[] {
  return [...Map.groupBy(usual, (one) => likenessKey(use, one)).values()]
    .map((alike) => nearUseOf(use, alike))
    .sort((a, b) => a.distance - b.distance || b.eventCount - a.eventCount || b.lastAt - a.lastAt)
    .slice(0, countMax);
}

function likenessKey(use: Use, one: UsualUse): string {
  const { operation, tables, success, database, application } = one;
  const shared = tableDifference(use.tables, tables) === 1 ? null : tables;
  return JSON.stringify([operation, shared, success, database, networkDifference(use, one), application]);
}

function nearUseOf(use: Use, alike: readonly UsualUse[]): NearUse {
  const tables = [...new Set(alike.flatMap((one) => one.tables))];
  const networks = [...new Set(alike.map((one) => one.network))];
  const whole = { ...alike.reduce(together), tables };
  const differences = differencesOf(use, whole);
  const { network, asn, ...kind } = whole;
  return { ...kind, networks, differences, distance: RESPECTS.reduce((sum, name) => sum + differences[name], 0) };
}

/**
 * In what a use is unlike a usual one. What is not known is a value of its own: like itself, and like nothing else. Rows are compared with the
 * nearest that the usual one has had, the hour of the week likewise.
 */
export function differencesOf(use: Use, usual: UsualUse): Differences {
  return {
    operation: unlike(use.operation, usual.operation),
    tables: tableDifference(use.tables, usual.tables),
    rows: rowDifference(use.rows, usual.rows),
    outcome: unlike(use.success, usual.success),
    database: unlike(use.database, usual.database),
    network: networkDifference(use, usual),
    application: unlike(use.application, usual.application),
    hour: Math.min(1, usual.weekDistanceMs / WEEK_DISTANCE_MS),
  };
}

function unlike(a: unknown, b: unknown): number {
  return a === b ? 0 : 1;
}

/** Of the tables of both, the share that only one of them has (Jaccard's distance). */
function tableDifference(a: readonly string[], b: readonly string[]): number {
  const all = new Set([...a, ...b]).size;
  const shared = new Set(a).size + new Set(b).size - all;
  return all === 0 ? 0 : 1 - shared / all;
}

function rowDifference(rows: number | null, usual: UsualUse['rows']): number {
  if (rows === null || usual === null) return unlike(rows, usual);
  const nearest = Math.min(Math.max(rows, usual.least), usual.most);
  return Math.min(1, Math.abs(Math.log10((rows + 1) / (nearest + 1))) / ROWS_DECADES);
}

function networkDifference(use: Use, usual: UsualUse): number {
  if (use.network === usual.network) return 0;
  return use.asn !== null && use.asn === usual.asn ? SAME_OPERATOR : 1;
}

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './time.ts';

/** Something that is usual for a token, as one would tell a colleague: no more exact than it matters, so that baselines that are alike say the same. */
export interface Fact {
  /** "known", "in a minute": which part of the field it is; empty where there is one only. */
  readonly what: string;
  /** A list is of names, in no order. */
  readonly value: string | readonly string[];
}

/** Spells out a name by its hash, or says that it was not found. */
export type NameOf = (hash: number) => string;

/** What a field may do to be told of in words. The command line asks; detectors do not. What says nothing to a person has no facts. */
export interface Tellable {
  facts(nameOf: NameOf): readonly Fact[];
}

/** To one significant digit: `about 300`. */
export function aboutText(value: number): string {
  return `about ${grouped(Number(value.toPrecision(1)))}`;
}

/** How often something happens: `never in about 400`, `1 in about 30`, `80 %`. */
export function oftenText(times: number, occasions: number): string {
  if (occasions <= 0) return 'never asked so far';
  if (times < 0.5) return `never in ${aboutText(Math.max(1, occasions))}`;
  const share = Math.min(1, times / occasions);
  return share > 0.2 ? `${Math.round(20 * share) * 5} %` : `1 in ${aboutText(1 / share)}`;
}

/** `2026-09-07`. @param day since the epoch, UTC */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** `a minute`, `5 minutes`. */
export function spanText(ms: number): string {
  const [unitMs, unit] = (
    [
      [DAY_MS, 'day'],
      [HOUR_MS, 'hour'],
      [MINUTE_MS, 'minute'],
      [SECOND_MS, 'second'],
    ] as const
  ).find(([unitMs]) => ms >= unitMs) ?? [1, 'millisecond'];
  const count = ms / unitMs;
  return count === 1 ? `${unit === 'hour' ? 'an' : 'a'} ${unit}` : `${grouped(count)} ${unit}s`;
}

/** `48,211`: whole numbers in groups; small ones as they are. */
function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 20 });
}

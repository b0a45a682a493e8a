import { isoTime } from '../../deliver/words.ts';
import { numberText } from '../../domain/words.ts';

/** Figures as the page shows them. What is no number, such as a share of nothing, is a dash. */

const NONE = '–';

/** `73 %`. */
export function percentText(share: number): string {
  if (!Number.isFinite(share)) return NONE;
  const percent = 100 * share;
  if (percent > 0 && percent < 0.05) return '< 0.1 %';
  return `${percent > 0 && percent < 1 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** Three digits that count: `0.103`, `10.3`, `1,030`. */
export function rateText(rate: number): string {
  if (!Number.isFinite(rate)) return NONE;
  if (rate === 0) return '0';
  return rate < 0.01 ? String(Number(rate.toPrecision(3))) : numberText(Number(rate.toPrecision(3)));
}

/** `14.9 bits`. */
export function bitsText(bits: number): string {
  return `${bits.toFixed(1)} bits`;
}

/** `0.2 s`, `12 min`, `3.5 h`, `2.1 days`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 2 * 3600) return `${(seconds / 60).toFixed(0)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}

/** `2026-09-07 09:14:00`, UTC. */
export function momentText(at: number): string {
  return isoTime(at)?.slice(0, 19).replace('T', ' ') ?? 'unknown';
}

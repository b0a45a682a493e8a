import { numberText } from '../domain/words.ts';

/** Sizes, times and odds as a reader reads them. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const MAGNITUDES: readonly (readonly [number, string])[] = [
  [1e12, 'trillion'],
  [1e9, 'billion'],
  [1e6, 'million'],
];

/** `9.1 MiB`. */
export function byteText(byteCount: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log2(Math.max(byteCount, 1)) / 10), 0), UNITS.length - 1);
  return `${(byteCount / 1024 ** power).toLocaleString('en-US', { maximumFractionDigits: power === 0 ? 0 : 1 })} ${UNITS[power]}`;
}

/** `2026-09-07 09:14:03.120 UTC`; what is no time is said to be unknown. */
export function timeText(at: number): string {
  const iso = isoTime(at);
  return iso === null ? 'at an unknown time' : `${iso.slice(0, -1).replace('T', ' ')} UTC`;
}

/** RFC 3339; `null` for what is no time, since an event's may be anything. */
export function isoTime(at: number): string | null {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** `+120 ms`, `+3.2 s`, `−4 min`: clocks of several machines may disagree. */
export function deltaText(deltaMs: number): string {
  const size = Math.abs(deltaMs);
  const sign = deltaMs < 0 ? '−' : '+';
  if (size < 1000) return `${sign}${Math.round(size)} ms`;
  if (size < 120_000) return `${sign}${numberText(Math.round(size / 100) / 10)} s`;
  if (size < 7_200_000) return `${sign}${Math.round(size / 60_000)} min`;
  if (size < 172_800_000) return `${sign}${numberText(Math.round(size / 360_000) / 10)} h`;
  return `${sign}${numberText(Math.round(size / 8_640_000) / 10)} days`;
}

/** `about 2.4 billion`: two to the power of a score. */
export function oddsText(bits: number): string {
  const odds = 2 ** Math.max(bits, 0);
  if (odds >= 1e15) return 'more than a thousand trillion';
  const [unit, name] = MAGNITUDES.find(([size]) => odds >= size) ?? [1, ''];
  const rounded = Number((odds / unit).toPrecision(2));
  return `about ${numberText(rounded)}${name === '' ? '' : ` ${name}`}`;
}

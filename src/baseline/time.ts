export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Days since the epoch, UTC. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

/** Hours since the epoch, UTC. */
export function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS);
}

/** Hour of the week, 0..167; 0 is Monday 00:00 UTC. The epoch was a Thursday. */
export function hourOfWeekOf(at: number): number {
  const hour = (hourOf(at) + 72) % 168;
  return hour < 0 ? hour + 168 : hour;
}

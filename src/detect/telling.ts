import { HOUR_MS, SECOND_MS } from '../baseline/time.ts';
import type { Thresholds } from './budget.ts';
import type { Episode } from './notes.ts';

/** So many bits more are news: evidence that has doubled, about. */
const SCORE_STEP = 1;
/**
 * Otherwise an alert is brought up to date at most this often, and only when a tenth more has been done than was told: a backlog has hours of
 * events in a second, and an episode of a week ten thousand of them.
 */
const INTERVAL_MS = 10 * SECOND_MS;
const GROWTH = 1.1;
/** Even so, that it goes on is told this often. */
const AGAIN_MS = HOUR_MS;

/** Whether an event above the threshold changes what is known of the episode enough to tell again. */
export function isWorthTelling(
  { told, eventCount, rowCount }: Episode,
  at: number,
  score: number,
  detectors: readonly string[],
  { revoke }: Thresholds,
): boolean {
  if (told === null) return true;
  const sinceMs = at - told.at;
  const hasGrown = eventCount > GROWTH * told.eventCount || rowCount > GROWTH * told.rowCount;
  return (
    score >= told.score + SCORE_STEP ||
    (score >= revoke && told.score < revoke) ||
    detectors.some((id) => !told.detectors.includes(id)) ||
    (sinceMs >= INTERVAL_MS && hasGrown) ||
    sinceMs >= AGAIN_MS
  );
}

/** Notes what has been told of an episode by now. */
export function noteTold(episode: Episode, at: number, score: number, detectors: readonly string[]): void {
  const { told, eventCount, rowCount } = episode;
  episode.told = {
    at,
    score: Math.max(score, told?.score ?? 0),
    detectors: [...new Set([...(told?.detectors ?? []), ...detectors])],
    eventCount,
    rowCount,
  };
}

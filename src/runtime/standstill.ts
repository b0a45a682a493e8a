import type { Clock } from '../domain/clock.ts';
import type { LogError } from '../log/log.ts';
import { createSparing } from '../pipeline/sparing.ts';
import type { Logger } from './logger.ts';

/** Whether our log waits for something that only an operator can give it, so that nothing goes on. */
export interface Standstill {
  /** What it waits for; none: it does not. */
  obstacles(): readonly string[];
  /** Takes what it waits for, at each attempt, and `null` when it goes on. */
  readonly onWaiting: (why: LogError | null) => void;
}

const INTERVAL_MS = 60_000;

/** Logs that our log waits, at once and then once a minute, also when it comes and goes; and that what was told is over. */
export function createStandstill(logger: Pick<Logger, 'error' | 'info'>, clock: Pick<Clock, 'elapsed'>): Standstill {
  let waiting: { readonly why: LogError; readonly since: number; told: boolean } | undefined;
  const sparing = createSparing(clock, INTERVAL_MS);
  const waitedMs = (since: number) => Math.round(clock.elapsed() - since);
  return {
    obstacles: () => (waiting ? [`our log waits for room: ${waiting.why.message}`] : []),
    onWaiting: (why) => {
      if (why === null) {
        if (waiting?.told) logger.info({ waitedMs: waitedMs(waiting.since) }, 'our log is written again');
        waiting = undefined;
        return;
      }
      const current = { why, since: waiting?.since ?? clock.elapsed(), told: waiting?.told ?? false };
      waiting = current;
      sparing.note(1, () => {
        current.told = true;
        const facts = { cause: why.message, waitedMs: waitedMs(current.since) };
        logger.error(facts, 'our log waits for room: nothing is lost, and nothing is detected until there is some');
      });
    },
  };
}

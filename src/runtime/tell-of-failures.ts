import { BadAnswer } from '../detect/answers.ts';
import type { EngineOptions } from '../detect/engine.ts';
import type { Clock } from '../domain/clock.ts';
import { createSparing, type Sparing } from '../pipeline/sparing.ts';
import type { Logger } from './logger.ts';

const INTERVAL_MS = 60_000;
const FRAME = /^ {4}at (.+)$/m;

/**
 * Logs that detectors fail: each once a minute, with how often, since one that fails at all may do so at every event. What its error says is
 * left out, for it may hold an event's text.
 */
export function tellOfFailures(
  logger: Pick<Logger, 'error'>,
  clock: Pick<Clock, 'elapsed'>,
): EngineOptions['onFailure'] {
  const sparings = new Map<string, Sparing>();
  return (detector, cause) => {
    const sparing = sparings.get(detector) ?? createSparing(clock, INTERVAL_MS);
    sparings.set(detector, sparing);
    sparing.note(1, (count) =>
      logger.error({ detector, count, ...placeOf(cause) }, 'a detector failed: the others go on without it'),
    );
  };
}

function placeOf(cause: unknown): Readonly<Record<'error' | 'where' | 'what', string | undefined>> {
  if (cause instanceof BadAnswer) return { error: cause.name, what: cause.message, where: undefined };
  if (!(cause instanceof Error)) return { error: typeof cause, what: undefined, where: undefined };
  // The stack begins with the message.
  const frames = cause.stack?.slice(`${cause.name}: ${cause.message}`.length) ?? '';
  return { error: cause.constructor.name, what: undefined, where: FRAME.exec(frames)?.[1] };
}

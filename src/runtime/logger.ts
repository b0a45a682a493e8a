import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Structured logs on standard error, so that standard output stays for results. Never holds a secret or an event's text. */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}

import type { Enrich } from '../enrich/enrich.ts';
import type { Log, NewRecord } from '../log/log.ts';
import type { Format } from '../normalise/format.ts';
import { encodeStoredEvent } from '../normalise/stored-event.ts';
import type { DeadLetter } from './dead-letter.ts';
import { TOPICS } from './topics.ts';

/** How a source's records are read now. */
export interface Reading {
  readonly format: Format;
  readonly enrich: Enrich;
}

export interface Redriven {
  readonly eventCount: number;
  readonly ignoredCount: number;
  readonly stillDead: readonly { readonly id: string; readonly reason: string }[];
  /** Not tried: only the beginning of the record was kept. */
  readonly truncatedCount: number;
}

/**
 * Reads dead letters again. What can be read now goes to the events log, and a record after its letter says that the letter counts no more: it
 * stays in the log for its time. The rest stays as it is.
 */
export async function redrive(
  log: Log,
  letters: readonly DeadLetter[],
  readings: ReadonlyMap<string, Reading>,
): Promise<Redriven> {
  const events: NewRecord[] = [];
  const settled: string[] = [];
  const stillDead: { id: string; reason: string }[] = [];
  let ignoredCount = 0;
  const whole = letters.filter(({ truncated }) => !truncated);
  for (const letter of whole) {
    const reading = readings.get(letter.source);
    if (reading === undefined) {
      stillDead.push({ id: letter.id, reason: `no source named "${letter.source}" is configured` });
      continue;
    }
    const normaliser = reading.format.open();
    const raw = { id: letter.id, value: Buffer.from(letter.raw, 'base64') };
    for (const outcome of [...normaliser.push(raw), ...normaliser.flush()]) {
      if (outcome.kind === 'dead-letter') stillDead.push({ id: letter.id, reason: outcome.reason });
      else settled.push(letter.id);
      if (outcome.kind === 'ignored') ignoredCount += 1;
      if (outcome.kind !== 'event') continue;
      const event = reading.enrich(outcome.event, letter.receivedAt);
      events.push({ key: event.token, value: Buffer.from(encodeStoredEvent(event, null)) });
    }
  }
  if (events.length > 0) await log.append(TOPICS.events, events);
  // Only now: a letter may be read twice after a crash here, but never lost.
  if (settled.length > 0)
    await log.append(
      TOPICS.deadLetters,
      settled.map((id) => ({ key: id, value: null })),
    );
  return { eventCount: events.length, ignoredCount, stillDead, truncatedCount: letters.length - whole.length };
}

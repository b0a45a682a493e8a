import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEnrich } from '../../src/enrich/enrich.ts';
import type { Intake } from '../../src/ingest/source.ts';
import { openEmbeddedLog } from '../../src/log/embedded.ts';
import type { Log } from '../../src/log/log.ts';
import type { Format, Outcome, RawRecord } from '../../src/normalise/format.ts';
import { FORMATS } from '../../src/normalise/formats.ts';
import { decodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { type CollectCounts, createCounts, createIntake } from '../../src/pipeline/collect.ts';
import { type DeadLetter, decodeDeadLetter } from '../../src/pipeline/dead-letter.ts';
import { TOPICS, topicSpecs } from '../../src/pipeline/topics.ts';
import { systemClock } from '../../src/runtime/clock.ts';

/** A temporary folder with a real log in it, and what collecting put there. */
export interface Collecting extends AsyncDisposable {
  readonly folder: string;
  readonly log: Log;
  readonly counts: CollectCounts;
  intake(source: string, format?: Format): Intake;
  /** In the order of their partitions. */
  events(): Promise<readonly { readonly id: string; readonly name: string | null }[]>;
  /** Names of the events, sorted. */
  names(): Promise<readonly (string | null)[]>;
  deadLetters(): Promise<readonly DeadLetter[]>;
  /** Closes the log and opens it again, as a restart does. */
  reopen(): Promise<void>;
}

export async function startCollecting(): Promise<Collecting> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenwarden-ingest-'));
  let log = await openCollectLog(folder);
  const counts = createCounts();
  const events = async () => {
    const found: { id: string; name: string | null }[] = [];
    for (const { partition } of await log.offsets(TOPICS.events)) {
      for await (const batch of log.read(TOPICS.events, partition)) {
        for (const { value } of batch) found.push(nameOf(value));
      }
    }
    return found;
  };
  return {
    folder,
    get log() {
      return log;
    },
    counts,
    intake: (source, format) => intakeOf(log, source, counts, format),
    events,
    names: async () => (await events()).map(({ name }) => name).sort(),
    async deadLetters() {
      const found: DeadLetter[] = [];
      for await (const batch of log.read(TOPICS.deadLetters, 0)) {
        for (const { value } of batch) if (value) found.push(decodeDeadLetter(value));
      }
      return found;
    },
    async reopen() {
      await log.close();
      log = await openCollectLog(folder);
    },
    async [Symbol.asyncDispose]() {
      await log.close();
      await rm(folder, { recursive: true });
    },
  };
}

export async function openCollectLog(folder: string): Promise<Log> {
  const log = await openEmbeddedLog({ folder: join(folder, 'log'), access: 'own', clock: systemClock });
  await log.ensureTopics(topicSpecs({ partitionCount: 3, retentionDays: 1 }));
  return log;
}

export function intakeOf(log: Log, source: string, counts: CollectCounts, format = canonical()): Intake {
  const enrich = createEnrich({
    namespace: null,
    fingerprintTokens: 'never',
    fingerprint: (secret) => secret,
    factsOfAddress: () => null,
    factsOfToken: () => null,
    ageMsMax: null,
  });
  return createIntake({ log, source, format, enrich, counts });
}

function canonical(): Format {
  return FORMATS.find(({ id }) => id === 'canonical')!;
}

function nameOf(value: Buffer | null): { id: string; name: string | null } {
  const event = decodeStoredEvent(value!, '');
  if ('code' in event) throw new Error(event.reason);
  return { id: event.id, name: event.principal };
}

/** A canonical record without its newline. Names are found again in `Collecting.names`. */
export function line(name: string, token = `token-${name.length}`): string {
  return JSON.stringify({ time: '2026-09-07T09:14:00Z', token, principal: name });
}

/** A run of lines `from` to `to - 1`, ending in a newline. */
export function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => `${line(nameAt(from + i), `token-${i % 7}`)}\n`).join('');
}

export function nameAt(index: number): string {
  return `line-${String(index).padStart(6, '0')}`;
}

export function namesUpTo(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => nameAt(i));
}

/** Canonical records, of which each is held back until the next one comes: as of formats with several records a statement. */
export function holdingFormat(): Format {
  return {
    ...canonical(),
    open() {
      const inner = canonical().open();
      let held: RawRecord | undefined;
      const release = (): readonly Outcome[] => {
        const record = held;
        held = undefined;
        return record ? inner.push(record) : [];
      };
      return {
        push(record) {
          const outcomes = release();
          held = record;
          return outcomes;
        },
        flush: () => [...release(), ...inner.flush()],
      };
    },
  };
}

/** Waits until a condition holds. */
export async function until(holds: () => Promise<boolean> | boolean, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

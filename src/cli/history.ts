import { accessSync, constants, createReadStream, type ReadStream, statSync } from 'node:fs';
import type { Config } from '../config/load.ts';
import { policyOf } from '../config/mapping.ts';
import type { Policy } from '../decide/policy.ts';
import type { AlertEntry } from '../decide/responder.ts';
import { readLines } from '../ingest/lines.ts';
import { unpack } from '../ingest/unpack.ts';
import { Replay, type ReplayWatch } from '../pipeline/replay.ts';
import { createKeys, REPLAY_KEYS } from '../runtime/keys.ts';
import { engineOptions, enrichOf, formatOf } from '../runtime/reading.ts';
import { type CliIo, startProgress, UsageError } from './io.ts';
import type { Project } from './project.ts';

/** A file of recorded events, and how to read it. */
export interface History {
  readonly file: string;
  readonly format: string;
}

/** What a command does with a replay while it runs. */
export interface Watch extends Pick<ReplayWatch, 'scored'> {
  readonly assessment?: ReplayWatch['assessment'];
  /** Called every now and then: the replay goes on when it resolves. */
  readonly caughtUp?: () => Promise<unknown>;
}

/** How a replay went. */
export interface Replayed {
  readonly run: Replay;
  readonly alerts: readonly AlertEntry[];
  readonly elapsedMs: number;
}

const LOOK_RECORDS = 1000;
const REASONS_SHOWN = 5;

/** Replays a file as the configuration says, shows how far it is, and says at the end what could not be read and which detectors failed. */
export async function replayHistory(
  io: CliIo,
  { file, format }: History,
  { config, detectors }: Project,
  { scored, assessment = () => undefined, caughtUp }: Watch,
): Promise<Replayed> {
  const sizeBytes = checkReadable(file);
  const keys = config.fingerprintKey ? createKeys(config.fingerprintKey.reveal()) : REPLAY_KEYS;
  const [reasons, failures] = [new Tally(), new Tally()];
  const engine = engineOptions(config, detectors, keys, (id) => failures.add(id));
  const enrich = await enrichOf(config, { fingerprintTokens: 'when-secret' }, keys);
  const run = new Replay(
    { format: formatOf(format), enrich, engine, policy: replayPolicy(config) },
    { scored, assessment, deadLetter: ({ code, reason }) => reasons.add(`${code}: ${reason}`) },
  );
  const progress = startProgress(io);
  const startedAt = performance.now();
  const input = createReadStream(file);
  for await (const line of linesOf(file, input)) {
    run.push(`replay/0/${line.offset}`, line.value);
    if (run.counts.records % LOOK_RECORDS === 0) {
      const { events, assessments } = run.counts;
      progress.update(`${percent(input.bytesRead, sizeBytes)} ${events} events, ${assessments} findings`);
      await caughtUp?.();
    }
    if (io.interrupted.aborted) throw new UsageError('interrupted', 130);
  }
  const alerts = run.finish();
  progress.end();
  for (const [reason, count] of reasons.first(REASONS_SHOWN)) io.err(`${count} × ${reason}\n`);
  for (const [id, count] of failures.first()) io.err(`the detector ${id} failed ${count} times\n`);
  return { run, alerts, elapsedMs: performance.now() - startedAt };
}

/** What would be done with revocation switched on: a configuration without rules gets one for every token. */
function replayPolicy(config: Config): Policy {
  const policy = policyOf(config);
  const revocationRules = policy.revocationRules.length > 0 ? policy.revocationRules : [{ match: {}, revoker: 'any' }];
  return { ...policy, mode: 'observe', revocationRules, routes: [] };
}

class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  first(limit = this.#counts.size): readonly (readonly [string, number])[] {
    return [...this.#counts].slice(0, limit);
  }
}

/** @returns the file's size in bytes. @throws UsageError when it is none that can be read */
export function checkReadable(file: string): number {
  try {
    accessSync(file, constants.R_OK);
    const facts = statSync(file);
    if (facts.isDirectory()) throw new UsageError(`cannot read ${file}: it is a folder`);
    return facts.size;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`);
  }
}

async function* linesOf(file: string, input: ReadStream): ReturnType<typeof readLines> {
  try {
    yield* readLines(file.endsWith('.gz') ? unpack(input) : input);
  } catch (cause) {
    throw new UsageError(`cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`);
  }
}

function percent(done: number, total: number): string {
  return total === 0 ? '' : `${Math.floor((100 * done) / total)} %`.padStart(5);
}

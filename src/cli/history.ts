import type { Config } from '../config/load.ts';
import { policyOf } from '../config/mapping.ts';
import type { AlertEntry } from '../decide/entries.ts';
import type { Policy } from '../decide/policy.ts';
import { numberText } from '../domain/words.ts';
import { Replay, type ReplayWatch } from '../pipeline/replay.ts';
import { createKeys, REPLAY_KEYS } from '../runtime/keys.ts';
import { engineOptions } from '../runtime/reading.ts';
import { openArchiveHistory } from './history-archive.ts';
import { openFileHistory } from './history-file.ts';
import type { HistorySource, OpenHistory } from './history-source.ts';
import { type CliIo, progressBar, startProgress, UsageError } from './io.ts';
import type { Project } from './project.ts';

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
  /** What was read: file or address. */
  readonly where: string;
}

const LOOK_RECORDS = 1000;
const REASONS_SHOWN = 5;

/** Replays history as the configuration says, shows how far it is, and says at the end what could not be read and which detectors failed. */
export async function replayHistory(
  io: CliIo,
  source: HistorySource,
  project: Project,
  watch: Watch,
): Promise<Replayed> {
  const { config } = project;
  const history = source.kind === 'file' ? openFileHistory(source, config) : await openArchiveHistory(source, config);
  try {
    return await replayOpen(io, history, project, watch);
  } finally {
    await history.close();
  }
}

async function replayOpen(
  io: CliIo,
  history: OpenHistory,
  { config, detectors }: Project,
  { scored, assessment = () => undefined, caughtUp }: Watch,
): Promise<Replayed> {
  const keys = config.fingerprintKey ? createKeys(config.fingerprintKey.reveal()) : REPLAY_KEYS;
  const [reasons, failures] = [new Tally(), new Tally()];
  const engine = engineOptions(config, detectors, keys, (id) => failures.add(id));
  const enrich = await history.enrich(keys);
  const run = new Replay(
    { format: history.format, enrich, engine, policy: replayPolicy(config) },
    { scored, assessment, deadLetter: ({ code, reason }) => reasons.add(`${code}: ${reason}`) },
  );
  const progress = startProgress(io);
  const startedAt = performance.now();
  for await (const { id, value } of history.records) {
    run.push(id, value);
    if (run.counts.records % LOOK_RECORDS === 0) {
      progress.update(() => progressText(history.share(), run, performance.now() - startedAt));
      await caughtUp?.();
    }
    if (io.interrupted.aborted) throw new UsageError('interrupted', 130);
  }
  const alerts = run.finish();
  progress.end();
  for (const [reason, count] of reasons.first(REASONS_SHOWN)) io.err(`${count} × ${reason}\n`);
  for (const [id, count] of failures.first()) io.err(`the detector ${id} failed ${count} times\n`);
  return { run, alerts, elapsedMs: performance.now() - startedAt, where: history.where };
}

function progressText(share: number, { counts: { events, assessments } }: Replay, elapsedMs: number): string {
  const perSecond = Math.round(events / Math.max(0.001, elapsedMs / 1000));
  return `${progressBar(share)}  ${numberText(events)} events, ${numberText(perSecond)} events/s, ${numberText(assessments)} findings`;
}

/** What would be done with revocation switched on: a configuration without rules gets one for every token. */
function replayPolicy(config: Config): Policy {
  const policy = policyOf(config);
  const revocationRules = policy.revocationRules.length > 0 ? policy.revocationRules : [{ match: {}, revoker: 'any' }];
  // One reader, whoever they are: so it shows how often somebody would be told.
  return { ...policy, mode: 'observe', revocationRules, routes: [{ match: {}, receivers: ['anybody'] }] };
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

import type { EngineOptions } from '../detect/engine.ts';
import type { TokenSummary } from '../detect/header.ts';
import type { Log } from '../log/log.ts';
import type { BaselineReader } from '../pipeline/baselines.ts';
import { readBaseline, type Step, stepsOfLog, TokenPast } from '../pipeline/token-past.ts';
import { engineOptions, keysOf } from '../runtime/reading.ts';
import { openArchive } from './history-archive.ts';
import { ALWAYS } from './history-source.ts';
import { type CliIo, progressBar, startProgress, UsageError } from './io.ts';
import { readLedger } from './ledger.ts';
import type { Project } from './project.ts';

/** Where a token's events are read from. */
export const PAST_SOURCES = ['log', 'clickhouse'] as const;
export type PastSource = (typeof PAST_SOURCES)[number];

/** Where else there is some of what an archive would have. */
export const OF_LOG = 'read the events log (--from log)';

/** A token's baseline as it is now, and what reads its past. */
export interface Known {
  readonly token: string;
  readonly log: Log;
  readonly project: Project;
  readonly options: EngineOptions;
  readonly reader: BaselineReader;
  readonly summary: TokenSummary;
}

/** Reads what is known of a token. @throws UsageError when that is nothing */
export async function readKnown(log: Log, project: Project, token: string): Promise<Known> {
  const { config, detectors } = project;
  const options = engineOptions(config, detectors, keysOf(config), () => undefined);
  const reader = await readBaseline(log, options, token);
  const summary = reader.engine.summary(token);
  if (summary === undefined)
    throw new UsageError(`no events of a token named ${JSON.stringify(token)} have been learned`, 1);
  return { token, log, project, options, reader, summary };
}

/** Goes through a token's events for the names in them. */
export async function readNames(io: CliIo, known: Known, source: PastSource): Promise<TokenPast['names']> {
  const { names } = pastOf(known, source, 0);
  await eachStep(io, known.token, stepsOf(known, source), (step) => {
    if ('event' in step && step.event.token === known.token) names.hear(step.event);
  });
  return names;
}

/**
 * Goes through a token's past up to a time, as detect did.
 *
 * @throws UsageError when not all of it is there any more, or not yet: what came of a part of it was never known
 */
export async function readPast(io: CliIo, known: Known, source: PastSource, until: number): Promise<TokenPast> {
  const { token, summary } = known;
  if (until < summary.firstSeenAt)
    throw new UsageError(
      `${JSON.stringify(token)} was first seen at ${iso(summary.firstSeenAt)}: at ${iso(until)} nothing was known of it`,
      1,
    );
  if (source === 'clickhouse') refuseTakenBack(known, until);
  const past = pastOf(known, source, until);
  await eachStep(io, token, stepsOf(known, source), (step) => past.take(step));
  refuseParts(known, source, until, past);
  return past;
}

function pastOf({ token, options, reader }: Known, source: PastSource, until: number): TokenPast {
  const layoutOf = (fingerprint: string) => reader.layouts.get(fingerprint);
  // The archive is asked for one token's events: what others do is taken as it is now.
  const common = source === 'clickhouse' ? { common: reader.engine.fleet.snapshot() } : {};
  return new TokenPast(options, { token, until, layoutOf, ...common });
}

/** Steps that tell which share of them was read. */
type Steps = (onRead: (share: number) => void) => AsyncIterable<Step>;

function stepsOf(known: Known, source: PastSource): Steps {
  return (onRead) => (source === 'log' ? stepsOfLog(known.log, known.token, onRead) : stepsOfArchive(known, onRead));
}

/** Goes through what happened to a token, with a bar. @throws UsageError when the user wants it to end */
export async function eachStep(io: CliIo, token: string, steps: Steps, take: (step: Step) => void): Promise<void> {
  const progress = startProgress(io);
  const onRead = (share: number) => {
    progress.update(() => `${progressBar(share)}  reading what ${JSON.stringify(token)} did`);
    if (io.interrupted.aborted) throw new UsageError('interrupted', 130);
  };
  try {
    for await (const step of steps(onRead)) take(step);
  } finally {
    progress.end();
  }
}

/** The token's events as the archive keeps them, with what people said of it as the ledger does, where its time puts it. */
async function* stepsOfArchive({ token, log, project }: Known, onRead: (share: number) => void): AsyncGenerator<Step> {
  const { alerts } = await readLedger(log);
  const verdicts = [...alerts.values()]
    .flatMap(({ verdicts = [] }) => verdicts)
    .filter((verdict) => verdict.token === token)
    .sort((a, b) => a.at - b.at);
  const archive = await openArchive({ ...ALWAYS, token }, project.config, OF_LOG);
  let offset = 0;
  try {
    for await (const page of archive.pages) {
      for (const { event, loggedAt } of page) {
        while (verdicts[0] && verdicts[0].at <= loggedAt)
          yield { aside: { verdict: verdicts.shift() as (typeof verdicts)[0] }, offset: offset++, loggedAt };
        yield { event, settledTo: null, offset: offset++, loggedAt };
      }
      onRead(Math.min(1, offset / archive.rowCount));
    }
    for (const verdict of verdicts) yield { aside: { verdict }, offset: offset++, loggedAt: verdict.at };
  } finally {
    await archive.close();
  }
}

/** The archive has the token's events and not what was taken back of them. */
function refuseTakenBack({ token, summary: { rolledBack } }: Known, until: number): void {
  if (rolledBack.to === 0 || until <= rolledBack.to) return;
  throw new UsageError(
    `${JSON.stringify(token)} was put back to what was known at ${iso(rolledBack.to)}, and the archive does not keep what that took back: name a time before then, or read the events log (--from log). Nothing was changed.`,
    1,
  );
}

function refuseParts({ token, summary }: Known, source: PastSource, until: number, past: TokenPast): void {
  const { firstSeenAt, lastSeenAt } = summary;
  const what = source === 'log' ? 'the events log' : 'the archive';
  const name = JSON.stringify(token);
  if (past.firstAt === undefined || past.firstAt > firstSeenAt) {
    const kept = past.firstAt === undefined ? 'none of its events' : `its events from ${iso(past.firstAt)} on`;
    const advice = source === 'log' ? 'The archive may have more: --from clickhouse.' : 'See clickhouse.retentionDays.';
    throw new UsageError(
      `${name} was first seen at ${iso(firstSeenAt)}, and ${what} keeps ${kept}: what was known at a time cannot be found out without the rest. ${advice} Nothing was changed.`,
      1,
    );
  }
  if (past.lastAt < Math.min(until, lastSeenAt))
    throw new UsageError(
      `${what} has events of ${name} up to ${iso(past.lastAt)} only, and it was last seen at ${iso(lastSeenAt)}: try again when it has caught up. Nothing was changed.`,
      1,
    );
}

/** For messages; later than any time that can be written: now. */
function iso(at: number): string {
  return at > ALWAYS.to ? 'now' : new Date(at).toISOString();
}

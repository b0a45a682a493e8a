import { Command } from 'commander';
import { countDeadLetters } from '../../pipeline/read-dead-letters.ts';
import { type Reader, readReaders } from '../../pipeline/readers.ts';
import { TOPICS } from '../../pipeline/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Status } from '../../runtime/status.ts';
import { type CliIo, table } from '../io.ts';
import { configOption, withLog } from '../project.ts';

/** How long a process may take to answer. It waits for its logs, so longer than it does. */
const ANSWER_MS_MAX = 5000;
/** How far behind is wrong where no process says. */
const LAG_MS_MAX = 60_000;

/** What is found out, and what is wrong with it. */
interface Findings {
  readonly readers: readonly Reader[];
  readonly deadLetterCount: number;
  /** Where a process was to be asked; `null`: the configuration does not say. */
  readonly url: string | null;
  /** What it said; `null`: nothing. */
  readonly process: Status | null;
  readonly wrong: readonly string[];
}

export function statusCommand(io: CliIo): Command {
  return new Command('status')
    .description(
      'how far each stage has come, by the logs, and what the running process says; exit code 1 when something is wrong',
    )
    .addOption(configOption())
    .option('--json', 'as one JSON object')
    .action(async (options: { config?: string; json?: true }) => {
      await withLog(io, options.config, 'read', async (log, { config: { operations } }) => {
        const url = operations ? `http://${hostOf(operations.host)}:${operations.port}/status` : null;
        const [committed, deadLetterCount, live] = await Promise.all([
          readReaders(log, systemClock.now()),
          countDeadLetters(log),
          url === null ? null : askProcess(url),
        ]);
        const readers = merge(committed, live);
        const found: Findings = {
          readers,
          deadLetterCount,
          url,
          process: live,
          wrong: wrongsOf(readers, url, live, operations?.readyLagMsMax ?? LAG_MS_MAX),
        };
        if (options.json) io.out(`${JSON.stringify(found)}\n`);
        else show(io, found);
        if (found.wrong.length > 0) process.exitCode = 1;
      });
    });
}

/** Where a process that listens everywhere is asked. */
function hostOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

async function askProcess(url: string): Promise<Status | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX), redirect: 'error' });
    return answer.ok ? ((await answer.json()) as Status) : null;
  } catch {
    return null;
  }
}

/** What the process knows of its own stages and sources is ahead of what they have committed. */
function merge(committed: readonly Reader[], live: Status | null): readonly Reader[] {
  const own = new Map((live?.readers ?? []).map((reader) => [keyOf(reader), reader]));
  const merged = committed.map((reader) => own.get(keyOf(reader)) ?? reader);
  const known = new Set(committed.map(keyOf));
  return [...(live?.readers ?? []).filter((reader) => !known.has(keyOf(reader))), ...merged];
}

function keyOf({ group, topic, partition }: Reader): string {
  return `${group}/${topic}/${partition}`;
}

/** Stages that the process does not run are judged by the logs. */
function wrongsOf(readers: readonly Reader[], url: string | null, live: Status | null, lagMsMax: number): string[] {
  const told = new Set((live?.readers ?? []).map(keyOf));
  const late = readers
    .filter((reader) => reader.lagMs > lagMsMax && !told.has(keyOf(reader)))
    .map(({ group, topic, partition }) => `${group} is behind at ${topic}/${partition}`);
  if (live) return [...live.obstacles, ...late];
  return url === null ? late : [`no process answers at ${url}`, ...late];
}

function show(io: CliIo, { readers, deadLetterCount, url, process: live, wrong }: Findings): void {
  const rows = readers.map(({ group, topic, partition, committed, end, lagRecords, lagMs }) => [
    group,
    `${topic}/${partition}`,
    String(committed),
    String(end),
    String(lagRecords),
    secondsText(lagMs),
  ]);
  table(io, ['READER', 'LOG', 'COMMITTED', 'END', 'BEHIND', 'OLDEST'], rows);
  if (live) showProcess(io, live);
  else if (url === null)
    io.out('\nThere is no operations endpoint to ask (operations: {} in the configuration): by the logs only.\n');
  io.out(`${deadLetterCount} dead letters are kept.\n`);
  for (const text of wrong) io.out(`! ${text}\n`);
}

function showProcess(io: CliIo, { counts, rests, uptimeMs }: Status): void {
  const { detect, respond } = counts;
  if (detect && detect.partitions.length > 0) {
    io.out('\n');
    const rows = detect.partitions.map(({ partition, tokenCount, position, checkpointAgeMs }) => {
      const age = checkpointAgeMs === 0 ? 'all durable' : `${secondsText(checkpointAgeMs)} ago`;
      return [`${TOPICS.events}/${partition}`, String(tokenCount), String(position), age];
    });
    table(io, ['BASELINES', 'TOKENS', 'POSITION', 'CHECKPOINT'], rows);
  }
  if (respond?.open && respond.open.length > 0) {
    io.out('\n');
    const rows = respond.open.map(({ kind, target, count, oldestAt }) => [
      `${kind} ${target}`,
      String(count),
      secondsText(systemClock.now() - oldestAt),
    ]);
    table(io, ['QUEUE', 'OPEN', 'OLDEST'], rows);
  }
  const lost = rests.reduce((sum, { restRecords }) => sum + Math.abs(restRecords), 0);
  const office = respond?.open === null ? '; another process responds' : '';
  io.out(`\nThe process runs for ${Math.round(uptimeMs / 1000)} s${office}; ${lost} records are not accounted for.\n`);
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

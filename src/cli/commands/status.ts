import { Command } from 'commander';
import { type Reader, readReaders } from '../../pipeline/readers.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Status } from '../../runtime/observe.ts';
import { type CliIo, table } from '../io.ts';
import { configOption, withLog } from '../project.ts';

/** How long a process may take to answer. */
const ANSWER_MS_MAX = 3000;

/** What one process says of itself, as JSON carries it. */
type Live = Pick<Status, 'alive' | 'obstacles' | 'rests' | 'uptimeMs'>;

export function statusCommand(io: CliIo): Command {
  return new Command('status')
    .description(
      'how far each stage has come, by the logs, and what the running process says; exit code 1 when something is wrong',
    )
    .addOption(configOption())
    .option('--json', 'as one JSON object')
    .action(async (options: { config?: string; json?: true }) => {
      await withLog(io, options.config, 'read', async (log, { config }) => {
        const readers = await readReaders(log, systemClock.now());
        const { operations } = config;
        const live = operations
          ? await askProcess(`http://${hostOf(operations.host)}:${operations.port}/status`)
          : null;
        const wrong = wrongsOf(readers, live, operations?.readyLagMsMax ?? 60_000);
        if (options.json) io.out(`${JSON.stringify({ readers, process: live, wrong })}\n`);
        else show(io, readers, live, operations !== undefined, wrong);
        if (wrong.length > 0) process.exitCode = 1;
      });
    });
}

/** Where a process that listens everywhere is asked. */
function hostOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** @returns `undefined` when nobody answers */
async function askProcess(url: string): Promise<Live | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX), redirect: 'error' });
    return answer.ok ? ((await answer.json()) as Live) : undefined;
  } catch {
    return undefined;
  }
}

function wrongsOf(readers: readonly Reader[], live: Live | undefined | null, lagMsMax: number): readonly string[] {
  if (live) return live.obstacles;
  const late = readers.filter(({ lagMs }) => lagMs > lagMsMax);
  const texts = late.map(({ group, topic, partition }) => `${group} is behind at ${topic}/${partition}`);
  return live === undefined ? ['no process answers at the operations endpoint', ...texts] : texts;
}

function show(
  io: CliIo,
  readers: readonly Reader[],
  live: Live | undefined | null,
  isAsked: boolean,
  wrong: readonly string[],
): void {
  const rows = readers.map(({ group, topic, partition, committed, end, lagRecords, lagMs }) => [
    group,
    `${topic}/${partition}`,
    String(committed),
    String(end),
    String(lagRecords),
    `${(lagMs / 1000).toFixed(1)} s`,
  ]);
  table(io, ['STAGE', 'LOG', 'COMMITTED', 'END', 'BEHIND', 'OLDEST'], rows);
  if (live) {
    const lost = live.rests.reduce((sum, { restRecords }) => sum + Math.abs(restRecords), 0);
    io.out(`\nThe process runs for ${Math.round(live.uptimeMs / 1000)} s; ${lost} records are not accounted for.\n`);
  } else if (!isAsked)
    io.out('\nThere is no operations endpoint to ask (operations: {} in the configuration): by the logs only.\n');
  for (const text of wrong) io.out(`! ${text}\n`);
}

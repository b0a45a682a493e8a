import { setImmediate as nextTurn } from 'node:timers/promises';
import { Command } from 'commander';
import { DAY_MS } from '../../baseline/time.ts';
import type { Scenario } from '../../simulate/scenario.ts';
import { createStory, SCENARIOS } from '../../simulate/story.ts';
import { type CliIo, table, UsageError, wholeNumber } from '../io.ts';
import { createLineFiles } from '../line-file.ts';

interface Options {
  readonly scenario: readonly string[];
  readonly seed: string;
  readonly tokens: number;
  readonly days: number;
  readonly copies: number;
  readonly from: string;
  readonly labels?: string;
  readonly output?: string;
  readonly list?: boolean;
}

export function simulateCommand(io: CliIo): Command {
  return new Command('simulate')
    .description(
      'write the life of a made-up fleet of tokens and what befalls it, with labels that say so, for `backtest`',
    )
    .option('--scenario <ids...>', 'what happens; `all`: everything that befalls single tokens', ['all'])
    .option('--seed <text>', 'the same seed gives the same events', 'tokenwarden')
    .option('--tokens <count>', 'size of the fleet', wholeNumber(1, 1_000_000), 300)
    .option('--days <count>', 'how long it goes; the first six in ten are calm', wholeNumber(1, 3650), 75)
    .option('--copies <count>', 'tokens that each scenario befalls', wholeNumber(1, 100_000), 5)
    .option('--from <date>', 'the first day, UTC', '2026-01-05')
    .option('--output <file>', 'where events go, .gz too; else to standard output')
    .option('--labels <file>', 'where labels go')
    .option('--list', 'say which scenarios there are')
    .action((options: Options) => (options.list ? list(io) : simulate(io, options)));
}

function list(io: CliIo): void {
  table(
    io,
    ['scenario', 'kind', 'scope', 'what happens'],
    SCENARIOS.map(({ id, kind, scope, about }) => [id, kind, scope, about]),
  );
}

async function simulate(io: CliIo, options: Options): Promise<void> {
  const story = storyOf(options);
  const [labelFile, output] = await createLineFiles([options.labels, options.output]);
  for (const label of story.labels) {
    const taken = label.taken?.map(([at, rows]) => [iso(at), rows]);
    labelFile?.write({ ...label, from: iso(label.from), until: iso(label.until), taken });
  }
  let dayAt = Date.parse(options.from);
  for (const records of story.days()) {
    const [from, until] = [dayAt, dayAt + DAY_MS];
    dayAt = until;
    // Before its day's events: what counts is the time of each event.
    const notices = story.notices.filter(({ at }) => at >= from && at < until).map((notice) => ({ notice }));
    const lines = [...notices, ...records];
    if (output === undefined) io.out(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    else for (const line of lines) output.write(line);
    await output?.caughtUp();
    // Signals, and the end of whoever reads, are noticed between two turns.
    await nextTurn();
    if (io.interrupted.aborted) throw new UsageError('interrupted', 130);
  }
  await Promise.all([labelFile?.close(), output?.close()]);
}

function storyOf({ scenario, seed, tokens, days, copies, from }: Options) {
  const fromAt = Date.parse(`${from}T00:00:00Z`);
  if (Number.isNaN(fromAt) || iso(fromAt).slice(0, 10) !== from)
    throw new UsageError(`--from ${from}: write a date like 2026-01-05`);
  const scenarios = scenario.flatMap(scenariosOf);
  try {
    return createStory({ seed, tokenCount: tokens, fromAt, dayCount: days, scenarios, castCount: copies });
  } catch (cause) {
    if (cause instanceof RangeError) throw new UsageError(`--days: ${cause.message}`);
    throw cause;
  }
}

function scenariosOf(id: string): readonly Scenario[] {
  if (id === 'all') return SCENARIOS.filter(({ scope }) => scope === 'token');
  const found = SCENARIOS.filter((scenario) => scenario.id === id);
  if (found.length > 0) return found;
  throw new UsageError(`--scenario ${id}: there is none of that name. \`tokenwarden simulate --list\` names them.`);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

import { Command } from 'commander';
import { safeText } from '../../deliver/safe-text.ts';
import type { DeadLetter } from '../../pipeline/dead-letter.ts';
import { readDeadLetters } from '../../pipeline/read-dead-letters.ts';
import { redrive } from '../../pipeline/redrive.ts';
import { topicSpecs } from '../../pipeline/topics.ts';
import { readingsOf } from '../../runtime/reading.ts';
import { type CliIo, table, UsageError, wholeNumber } from '../io.ts';
import { configOption, withLog } from '../project.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly source?: string;
  readonly limit: number;
}

export function deadLettersCommand(io: CliIo): Command {
  const command = new Command('dead-letters').description('show records that could not be read, and read them again');
  command
    .command('list')
    .description('list dead letters, the latest first')
    .option('--source <name>', 'only those of this source')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 1_000_000), 50)
    .option('--json', 'print one JSON object a line')
    .addOption(configOption())
    .action((options: Options) =>
      withLog(io, options.config, 'read', async (log) => list(io, await readDeadLetters(log), options)),
    );
  command
    .command('show')
    .description('show one dead letter with the record itself')
    .argument('<id>', 'its coordinates, as listed')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action((id: string, options: Options) =>
      withLog(io, options.config, 'read', async (log) => show(io, await readDeadLetters(log), id, options)),
    );
  command
    .command('redrive')
    .description(
      'read dead letters again, after a mended format or configuration; those that can be read now become events',
    )
    .argument('[ids...]', 'which ones; default: all')
    .option('--source <name>', 'only those of this source')
    .addOption(configOption())
    .action((ids: string[], options: Options) =>
      withLog(io, options.config, 'append', async (log, { config }) => {
        // Refuses when the events' partitions are not those that are configured.
        await log.ensureTopics(topicSpecs(config.log));
        const letters = choose(await readDeadLetters(log), ids, options.source);
        const { eventCount, ignoredCount, stillDead, truncatedCount } = await redrive(
          log,
          letters,
          await readingsOf(config),
        );
        io.out(
          `${eventCount} became events, ${ignoredCount} are no accesses, ${stillDead.length} still cannot be read\n`,
        );
        for (const { id, reason } of stillDead.slice(0, 20)) io.out(`  ${id}: ${safeText(reason, 200)}\n`);
        if (truncatedCount > 0)
          io.err(`${truncatedCount} were too long to be kept whole: read them again from their source\n`);
      }),
    );
  return command;
}

function choose(
  letters: readonly DeadLetter[],
  ids: readonly string[],
  source: string | undefined,
): readonly DeadLetter[] {
  for (const id of ids)
    if (!letters.some((letter) => letter.id === id)) throw new UsageError(`no dead letter has the id "${id}"`, 1);
  return letters.filter(
    (letter) => (ids.length === 0 || ids.includes(letter.id)) && (source === undefined || letter.source === source),
  );
}

function list(io: CliIo, letters: readonly DeadLetter[], { json, source, limit }: Options): void {
  const chosen = choose(letters, [], source).toReversed().slice(0, limit);
  if (json) {
    for (const letter of chosen) io.out(`${JSON.stringify(letter)}\n`);
    return;
  }
  if (chosen.length === 0) {
    io.err('no dead letters\n');
    return;
  }
  table(
    io,
    ['ID', 'CODE', 'BYTES', 'REASON'],
    chosen.map((letter) => [letter.id, letter.code, String(letter.rawBytes), safeText(letter.reason, 120)]),
  );
}

function show(io: CliIo, letters: readonly DeadLetter[], id: string, { json }: Options): void {
  const [letter] = choose(letters, [id], undefined);
  if (letter === undefined) return;
  if (json) {
    io.out(`${JSON.stringify(letter, null, 2)}\n`);
    return;
  }
  const { raw, ...facts } = letter;
  for (const [name, value] of Object.entries(facts)) io.out(`${name.padEnd(11)} ${safeText(String(value), 500)}\n`);
  io.out(`\n${safeText(Buffer.from(raw, 'base64').toString(), 4000)}\n`);
}

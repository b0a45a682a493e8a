import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { alertsCommand } from './commands/alerts.ts';
import { backtestCommand } from './commands/backtest.ts';
import { baselineCommand } from './commands/baseline.ts';
import { configCommand } from './commands/config.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { demoCommand } from './commands/demo.ts';
import { detectorsCommand } from './commands/detectors.ts';
import { generateCommand } from './commands/generate.ts';
import { leakedCommand } from './commands/leaked.ts';
import { receiveCommand } from './commands/receive.ts';
import { replayCommand } from './commands/replay.ts';
import { revokeCommand } from './commands/revoke.ts';
import { runCommand } from './commands/run.ts';
import { simulateCommand } from './commands/simulate.ts';
import { statusCommand } from './commands/status.ts';
import { verdictCommand } from './commands/verdict.ts';
import type { CliIo } from './io.ts';

const { version } = JSON.parse(readFileSync(findPackageFile(), 'utf8')) as { version: string };

/** Parses and runs one command line. @returns the exit code: 0 done, 1 failed, 2 used wrongly. */
export async function runCli(args: readonly string[], io: CliIo = processIo()): Promise<number> {
  try {
    await createProgram(io).parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : 2;
    return complain(io, cause);
  }
}

export function createProgram(io: CliIo): Command {
  const program = new Command('tokenwarden')
    .description(
      'Watches how database tokens are used, says what deviates and why, and takes a stolen token out of use within seconds.',
    )
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err });
  const commands = [
    runCommand,
    statusCommand,
    demoCommand,
    replayCommand,
    backtestCommand,
    alertsCommand,
    baselineCommand,
    revokeCommand,
    verdictCommand,
    leakedCommand,
    deadLettersCommand,
    detectorsCommand,
    configCommand,
    generateCommand,
    simulateCommand,
    receiveCommand,
  ];
  for (const create of commands) program.addCommand(inherit(create(io), program));
  return program;
}

/** Has a command and those below it report, complain and end as the program does. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}

/** Says what went wrong: in a sentence where the user can mend it, with a stack where only we can. */
function complain(io: CliIo, cause: unknown): number {
  if (!(cause instanceof Error)) {
    io.err(`tokenwarden: ${String(cause)}\n`);
    return 1;
  }
  const known = 'code' in cause || 'exitCode' in cause;
  io.err(`tokenwarden: ${known ? cause.message : (cause.stack ?? cause.message)}\n`);
  return 'exitCode' in cause && typeof cause.exitCode === 'number' ? cause.exitCode : 1;
}

function processIo(): CliIo {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  // Whoever reads us has enough, as `head` does: nothing is left to do for them.
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EPIPE') throw cause;
    process.exit(0);
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    colours: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
    env: process.env,
    interrupted: interrupted.signal,
  };
}

/** `package.json` is two levels up from the sources, three from `dist`. */
function findPackageFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json', import.meta.url);
}

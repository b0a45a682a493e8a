import { Command } from 'commander';
import { type CaseOutcome, runCases } from '../../detect/cases.ts';
import type { AnyDetector } from '../../detect/detector.ts';
import { checkLaws } from '../../detect/laws.ts';
import { detectorPage, stateBytesOf } from '../detector-page.ts';
import { type CliIo, table, UsageError } from '../io.ts';
import { configOption, detectorsOption, loadProject } from '../project.ts';

interface Options {
  readonly config?: string;
  readonly detectors?: string[];
  readonly json?: boolean;
}

export function detectorsCommand(io: CliIo): Command {
  const command = new Command('detectors').description('list detectors, explain them, hold them to the laws');
  const load = async ({ config, detectors }: Options) => (await loadProject(io, config, detectors)).detectors;
  command
    .command('list')
    .description('list the detectors there are')
    .addOption(configOption())
    .addOption(detectorsOption())
    .option('--json', 'print JSON')
    .action(async (options: Options) => list(io, await load(options), options));
  command
    .command('show')
    .description('print the manual page of a detector: what it sees, its options, what to do')
    .argument('<id>', 'a detector')
    .addOption(configOption())
    .addOption(detectorsOption())
    .action(async (id: string, options: Options) => {
      for (const detector of pick(await load(options), id)) io.out(detectorPage(detector));
    });
  command
    .command('test')
    .description('run the cases of one detector, or of all, and hold it to the laws that every detector keeps')
    .argument('[id]', 'a detector')
    .addOption(configOption())
    .addOption(detectorsOption())
    .option('--json', 'print JSON')
    .action(async (id: string | undefined, options: Options) => test(io, pick(await load(options), id), options));
  return command;
}

function pick(detectors: readonly AnyDetector[], id: string | undefined): readonly AnyDetector[] {
  if (id === undefined) return detectors;
  const found = detectors.filter((detector) => detector.id === id);
  if (found.length === 0) {
    throw new UsageError(
      `no detector is named "${id}"; there are ${detectors.map((detector) => detector.id).join(', ')}`,
    );
  }
  return found;
}

function list(io: CliIo, detectors: readonly AnyDetector[], { json }: Options): void {
  const facts = detectors.map((detector) => {
    const { id, title, status, severity, dimension, attack } = detector;
    return { id, title, status, severity, dimension, attack, stateBytes: stateBytesOf(detector) };
  });
  if (json) {
    io.out(`${JSON.stringify(facts, null, 2)}\n`);
    return;
  }
  table(
    io,
    ['ID', 'DIMENSION', 'SEVERITY', 'STATUS', 'BYTES', 'TITLE'],
    facts.map((row) => [row.id, row.dimension, row.severity, row.status, String(row.stateBytes), row.title]),
  );
}

function test(io: CliIo, detectors: readonly AnyDetector[], { json }: Options): void {
  const results = detectors.map((detector) => ({
    id: detector.id,
    cases: runCases(detector),
    laws: checkLaws(detector),
  }));
  if (json) io.out(`${JSON.stringify(results, null, 2)}\n`);
  for (const { id, cases, laws } of json ? [] : results) {
    io.out(`${id}\n`);
    for (const outcome of cases) printCase(io, outcome);
    for (const { law, faults } of laws) {
      io.out(`  ${faults.length === 0 ? 'ok  ' : 'FAIL'} law: ${law}\n`);
      for (const fault of faults.slice(0, 5)) io.out(`         ${fault}\n`);
    }
  }
  const failed = results.flatMap(({ laws }) => laws).filter(({ faults }) => faults.length > 0).length;
  if (failed > 0) throw new UsageError(`${failed} law${failed === 1 ? ' is' : 's are'} broken`, 1);
}

function printCase(io: CliIo, { name, expected, bits, holds, explanation }: CaseOutcome): void {
  const verdict = `${holds ? 'ok  ' : 'FAIL'} ${expected === 'fires' ? 'fires ' : 'silent'}`;
  io.out(`  ${verdict} ${bits.toFixed(1).padStart(5)} bits  ${name}\n`);
  if (!holds || expected === 'fires') io.out(`         ${explanation || '(nothing was scored)'}\n`);
}

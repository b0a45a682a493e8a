import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { quoted } from '../../deliver/safe-text.ts';
import type { TokenFact } from '../../detect/facts.ts';
import type { TokenSummary } from '../../detect/header.ts';
import { keyCheckOf } from '../../detect/rollback.ts';
import { countText } from '../../domain/words.ts';
import { rollbackRecord } from '../../pipeline/rollback-record.ts';
import type { TokenPast } from '../../pipeline/token-past.ts';
import { TOPICS } from '../../pipeline/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type Change, changesOf, printChanges, printFacts } from '../baseline-rows.ts';
import { timeOf } from '../history-source.ts';
import { type CliIo, table, UsageError } from '../io.ts';
import { type Ledger, leakText, readLedger } from '../ledger.ts';
import { configOption, withLog } from '../project.ts';
import { type Known, PAST_SOURCES, type PastSource, readKnown, readNames, readPast } from '../token-history.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly from: PastSource;
}

/** What is usual for a token, what changed lately, and how to take it back. */
export function baselineCommand(io: CliIo): Command {
  const command = new Command('baseline').description(
    'what is usual for a token: show it, compare it with what it was, put it back',
  );
  for (const create of [showCommand, diffCommand, rollbackCommand, rebuildCommand]) command.addCommand(create(io));
  return command;
}

/** A command about one token, whose past is read from somewhere. */
function aboutToken(name: string): Command {
  return new Command(name)
    .argument('<token>', 'its id')
    .addOption(configOption())
    .addOption(
      new Option('--from <source>', 'where its events are read from: the events log, or the archive')
        .choices(PAST_SOURCES)
        .default('log'),
    );
}

function showCommand(io: CliIo): Command {
  return aboutToken('show')
    .description('show what is usual for a token by each detector, how suspicious it is, and its alerts')
    .option('--no-names', 'leave names as hashes: its events are not read')
    .option('--json', 'print JSON')
    .action((token: string, options: Options & { readonly names: boolean }) =>
      withLog(io, options.config, 'read', async (log, project) => {
        const known = await readKnown(log, project, token);
        const names = options.names ? await readNames(io, known, options.from) : undefined;
        const facts = known.reader.engine.facts(token, names?.nameOf ?? hashText) ?? [];
        show(io, known, facts, await readLedger(log), options.json === true);
      }),
    );
}

function hashText(hash: number): string {
  return `#${hash.toString(16).padStart(8, '0')}`;
}

function show(io: CliIo, known: Known, facts: readonly TokenFact[], ledger: Ledger, json: boolean): void {
  const { token, summary } = known;
  const alerts = alertsOf(token, ledger);
  const leak = ledger.leaks.get(token);
  if (json) {
    io.out(`${JSON.stringify({ token, ...summary, alerts, ...(leak ? { leak } : {}), facts }, null, 2)}\n`);
    return;
  }
  io.out(`token ${quoted(token, 200)}, alerts: ${alerts.join(', ') || 'none'}\n`);
  if (leak) io.out(`leak of it: ${leakText(leak)}\n`);
  io.out('\n');
  printFacts(io, facts);
  io.out('\n');
  const open = summary.suspicions.filter(({ sum }) => sum > 0);
  if (open.length === 0) io.out('no evidence against it is open\n');
  else
    table(
      io,
      ['DETECTOR', 'EVIDENCE NOW (BITS)'],
      open.map(({ detector, sum }) => [detector, sum.toFixed(1)]),
    );
}

function alertsOf(token: string, { alerts }: Ledger): readonly string[] {
  return [...alerts.values()].filter(({ alert }) => alert.token === token).map(({ alert }) => alert.id);
}

function diffCommand(io: CliIo): Command {
  return aboutToken('diff')
    .description('show what is usual for a token now and was not then, or the other way round')
    .requiredOption('--since <time>', 'what it is compared with: what was known at this time', timeOf)
    .option('--json', 'print JSON')
    .action((token: string, options: Options & { readonly since: number }) =>
      withLog(io, options.config, 'read', async (log, project) => {
        const known = await readKnown(log, project, token);
        const changes = changesSince(known, await readPast(io, known, options.from, options.since));
        if (options.json) io.out(`${JSON.stringify({ token, since: options.since, changes }, null, 2)}\n`);
        else if (changes.length === 0) io.out('nothing differs\n');
        else printChanges(io, changes);
      }),
    );
}

function changesSince({ reader, token }: Known, past: TokenPast): readonly Change[] {
  const { nameOf } = past.names;
  return changesOf(past.engine.facts(token, nameOf) ?? [], reader.engine.facts(token, nameOf) ?? []);
}

function rollbackCommand(io: CliIo): Command {
  return aboutToken('rollback')
    .description('put back what was usual for a token at a time, and forget what it has learned since')
    .requiredOption('--to <time>', 'what was known before the first of its events that is later', timeOf)
    .action((token: string, options: Options & { readonly to: number }) =>
      withLog(io, options.config, 'append', async (log, project) => {
        if (options.to > systemClock.now()) throw new UsageError('--to must not lie in the future');
        const known = await readKnown(log, project, token);
        const past = await readPast(io, known, options.from, options.to);
        if (!(await putBack(io, known, past, options.to, null))) return;
        const forgotten = known.summary.eventCount - (past.engine.summary(token)?.eventCount ?? 0);
        io.err(
          `asked for: what ${quoted(token)} has learned since ${new Date(options.to).toISOString()} is forgotten, from ${countText(forgotten, 'event')}\n`,
        );
        await tellOfOpen(io, known);
      }),
    );
}

/** What was known once says nothing of what is going on. */
async function tellOfOpen(io: CliIo, known: Known): Promise<void> {
  const open = known.summary.suspicions.filter(({ sum }) => sum >= 1);
  if (open.length === 0) return;
  const sums = open.map(({ detector, sum }) => `${detector} ${sum.toFixed(1)} bits`).join(', ');
  const alert = alertsOf(known.token, await readLedger(known.log)).at(-1);
  const answer = alert === undefined ? '' : `; "tokenwarden verdict ${alert} true-positive" sets it back`;
  io.err(`evidence that is open now stays (${sums}), and so do its alerts${answer}\n`);
}

function rebuildCommand(io: CliIo): Command {
  return aboutToken('rebuild')
    .description('have detectors that are new, or changed, learn a token’s past; the others keep what they know')
    .option('--detector <ids...>', 'these; else those that know fewer days of it than others')
    .action((token: string, options: Options & { readonly detector?: readonly string[] }) =>
      withLog(io, options.config, 'append', async (log, project) => {
        const ids = project.detectors.map(({ id }) => id);
        const unknown = options.detector?.find((id) => !ids.includes(id));
        if (unknown !== undefined)
          throw new UsageError(`--detector ${unknown}: there is none of that name. Known: ${ids.join(', ')}`);
        const known = await readKnown(log, project, token);
        const detectors = options.detector ?? youngDetectors(known.summary);
        if (detectors.length === 0) {
          io.err(
            'every detector knows as many days of it: nothing was changed. Name one that is to learn anew: --detector\n',
          );
          return;
        }
        const past = await readPast(io, known, options.from, Number.POSITIVE_INFINITY);
        if (!(await putBack(io, known, past, systemClock.now(), detectors))) return;
        io.err(
          `asked for: what ${quoted(token)} did before is learned by ${detectors.join(', ')}; other detectors keep what they know\n`,
        );
      }),
    );
}

/** Detectors that rest on fewer days than others: they were not there from the beginning. */
function youngDetectors({ suspicions }: TokenSummary): readonly string[] {
  const daysMax = Math.max(...suspicions.map(({ days }) => Math.round(days)));
  return suspicions.filter(({ days }) => Math.round(days) < daysMax).map(({ detector }) => detector);
}

/**
 * Says to detect, behind the token's events, that what was known is to be known again, and shows what that changes.
 *
 * @returns whether it changes anything: else nothing is said
 * @throws UsageError when those who detect could not read it
 */
async function putBack(
  io: CliIo,
  known: Known,
  past: TokenPast,
  to: number,
  detectors: readonly string[] | null,
): Promise<boolean> {
  const { log, token, reader, options, summary } = known;
  const { engine, layouts } = reader;
  const snapshot = past.engine.snapshot(token);
  if (snapshot === undefined || !layouts.has(engine.layout.fingerprint))
    throw new UsageError(
      'whoever detects keeps other things in mind than this release with these detectors would: start that with the same release and configuration first. Nothing was changed.',
      1,
    );
  // Later than the one before, whatever this machine's clock says.
  const at = Math.max(systemClock.now(), summary.rolledBack.at + 1);
  const keyCheck = keyCheckOf(options.hashSeed);
  const rollback = { token, at, to, detectors, keyCheck, by: userInfo().username, snapshot };
  const facts = () => (engine.facts(token, past.names.nameOf) ?? []).filter(({ what }) => what !== 'rolled back');
  const before = facts();
  // Done here as it will be there, to know what comes of it.
  engine.rollBack(rollback, Number.MAX_SAFE_INTEGER, (fingerprint) => layouts.get(fingerprint));
  const changes = changesOf(before, facts());
  if (changes.length === 0) {
    io.err('what is usual for it would be the same: nothing was changed\n');
    return false;
  }
  await log.append(TOPICS.events, [rollbackRecord(rollback)]);
  printChanges(io, changes);
  io.err('the process that detects takes it in its turn, and logs that it did\n');
  return true;
}

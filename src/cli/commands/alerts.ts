import { Command, Option } from 'commander';
import type { ActionEntry, AlertEntry } from '../../decide/entries.ts';
import { layOutText } from '../../deliver/receivers/console.ts';
import { safeText } from '../../deliver/safe-text.ts';
import { type CliIo, table, wholeNumber } from '../io.ts';
import { alertOf, type Ledger, leakText, readLedger, situationOf } from '../ledger.ts';
import { type About, readNearest } from '../nearest.ts';
import { printNearest } from '../nearest-rows.ts';
import { configOption, withLog } from '../project.ts';
import { PAST_SOURCES, type PastSource } from '../token-history.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly token?: string;
  readonly partOf?: string;
  readonly limit: number;
}

export function alertsCommand(io: CliIo): Command {
  const command = new Command('alerts').description('show alerts, what was done about them and why');
  command
    .command('list')
    .description('list alerts, the latest first')
    .option('--token <id>', 'only those about this token')
    .option('--part-of <alert>', 'only this one and those that it tells of')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 1_000_000), 50)
    .option('--json', 'print one JSON object a line')
    .addOption(configOption())
    .action((options: Options) =>
      withLog(io, options.config, 'read', async (log) => list(io, await readLedger(log), options)),
    );
  command
    .command('show')
    .description('show one alert with its evidence, stamps and actions, beside what the token usually does')
    .argument('<alert>', 'its id')
    .option('--json', 'print JSON')
    .addOption(
      new Option(
        '--from <source>',
        'where that is read from (default: the archive; the events log while another process has the archive)',
      ).choices(PAST_SOURCES),
    )
    .addOption(configOption())
    .action((id: string, options: Options & { readonly from?: PastSource }) =>
      withLog(io, options.config, 'read', async (log, project) => {
        const ledger = await readLedger(log);
        const about = { log, project, entry: alertOf(ledger, id), alerts: ledger.alerts.values() };
        await show(io, ledger, about, options);
      }),
    );
  return command;
}

function list(io: CliIo, { alerts }: Ledger, { json, token, limit, partOf }: Options): void {
  const entries = [...alerts.values()]
    .filter(({ alert }) => token === undefined || alert.token === token)
    .filter((entry) => partOf === undefined || entry.alert.id === partOf || entry.partOf === partOf)
    .sort((a, b) => b.alert.openedAt - a.alert.openedAt)
    .slice(0, limit);
  if (json) {
    for (const entry of entries) io.out(`${JSON.stringify(entry)}\n`);
    return;
  }
  if (entries.length === 0) io.err('no alerts\n');
  else
    table(
      io,
      ['ID', 'OPENED', 'SEVERITY', 'SCORE', 'TOKEN', 'DETECTORS', 'REVOCATION', 'PART OF', 'VERDICT'],
      entries.map(rowOf),
    );
}

function rowOf({ alert, revocation, verdicts = [], fleet, partOf }: AlertEntry): readonly string[] {
  return [
    alert.id,
    new Date(alert.openedAt).toISOString(),
    alert.severity,
    alert.worst.score.toFixed(1),
    safeText(alert.token, 60),
    alert.worst.findings.map((finding) => finding.detector).join(','),
    revocation === null ? '' : `${revocation.state} (${revocation.reason.code})`,
    fleet ? `leads ${fleet.tokenCount} tokens` : (partOf ?? ''),
    verdicts.at(-1)?.kind ?? '',
  ];
}

async function show(
  io: CliIo,
  { actions, leaks }: Ledger,
  about: About,
  { json, from }: { readonly json?: boolean; readonly from?: PastSource },
): Promise<void> {
  const { entry } = about;
  const own = [...actions.values()].filter(({ action }) => action.alertId === entry.alert.id);
  if (json) {
    io.out(`${JSON.stringify({ ...entry, actions: own, nearest: await readNearest(io, about, from) }, null, 2)}\n`);
    return;
  }
  io.out(layOutText(situationOf(entry), io.colours));
  const leak = leaks.get(entry.alert.token);
  if (leak) io.out(`Leak of the token: ${leakText(leak)}\n`);
  for (const line of answersTo(entry)) io.out(`${line}\n`);
  io.out('\n');
  printNearest(io, await readNearest(io, about, from));
  if (own.length === 0) return;
  io.out('\n');
  table(io, ['ACTION', 'KIND', 'TARGET', 'STATE', 'ATTEMPTS', 'WHY', 'OUTCOME'], own.map(actionRowOf));
}

/** What people have said, the last one last, and what it means for who is told. */
function answersTo({ verdicts = [], suppression }: AlertEntry): readonly string[] {
  const lines = verdicts.map(({ kind, by, at, until, why }) => {
    const holds = until === null ? '' : `, holds until ${new Date(until).toISOString()}`;
    const because = why === '' ? '' : `: ${safeText(why, 500)}`;
    return `Answered ${kind} by ${safeText(by, 60)} at ${new Date(at).toISOString()}${holds}${because}`;
  });
  if (suppression === undefined) return lines;
  return [...lines, `Not told to anybody, and revokes nothing: ${safeText(suppression.reason.text, 700)}`];
}

function actionRowOf({ action, state, attemptCount, detail }: ActionEntry): readonly string[] {
  return [
    action.id,
    action.kind,
    action.target,
    state,
    String(attemptCount),
    safeText(action.reason.text, 200),
    safeText(detail, 120),
  ];
}

import { Command } from 'commander';
import type { ActionEntry, AlertEntry } from '../../decide/responder.ts';
import { layOutText } from '../../deliver/receivers/console.ts';
import { safeText } from '../../deliver/safe-text.ts';
import { type CliIo, table, UsageError, wholeNumber } from '../io.ts';
import { type Ledger, readLedger, situationOf } from '../ledger.ts';
import { configOption, withLog } from '../project.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly token?: string;
  readonly limit: number;
}

export function alertsCommand(io: CliIo): Command {
  const command = new Command('alerts').description('show alerts, what was done about them and why');
  command
    .command('list')
    .description('list alerts, the latest first')
    .option('--token <id>', 'only those about this token')
    .option('--limit <count>', 'at most so many', wholeNumber(1, 1_000_000), 50)
    .option('--json', 'print one JSON object a line')
    .addOption(configOption())
    .action((options: Options) =>
      withLog(io, options.config, 'read', async (log) => list(io, await readLedger(log), options)),
    );
  command
    .command('show')
    .description('show one alert with its evidence, stamps and actions')
    .argument('<alert>', 'its id')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action((id: string, options: Options) =>
      withLog(io, options.config, 'read', async (log) => show(io, await readLedger(log), id, options)),
    );
  return command;
}

function list(io: CliIo, { alerts }: Ledger, { json, token, limit }: Options): void {
  const entries = [...alerts.values()]
    .filter(({ alert }) => token === undefined || alert.token === token)
    .sort((a, b) => b.alert.openedAt - a.alert.openedAt)
    .slice(0, limit);
  if (json) {
    for (const entry of entries) io.out(`${JSON.stringify(entry)}\n`);
    return;
  }
  if (entries.length === 0) io.err('no alerts\n');
  else table(io, ['ID', 'OPENED', 'SEVERITY', 'SCORE', 'TOKEN', 'DETECTORS', 'REVOCATION'], entries.map(rowOf));
}

function rowOf({ alert, revocation }: AlertEntry): readonly string[] {
  return [
    alert.id,
    new Date(alert.openedAt).toISOString(),
    alert.severity,
    alert.worst.score.toFixed(1),
    safeText(alert.token, 60),
    alert.worst.findings.map((finding) => finding.detector).join(','),
    revocation === null ? '' : `${revocation.state} (${revocation.reason.code})`,
  ];
}

function show(io: CliIo, { alerts, actions }: Ledger, id: string, { json }: Options): void {
  const entry = alerts.get(id);
  if (entry === undefined) throw new UsageError(`no alert has the id "${id}": see "tokenwarden alerts list"`, 1);
  const own = [...actions.values()].filter(({ action }) => action.alertId === id);
  if (json) {
    io.out(`${JSON.stringify({ ...entry, actions: own }, null, 2)}\n`);
    return;
  }
  io.out(layOutText(situationOf(entry), io.colours));
  if (own.length > 0) io.out('\n');
  table(io, ['ACTION', 'KIND', 'TARGET', 'STATE', 'ATTEMPTS', 'WHY', 'OUTCOME'], own.map(actionRowOf));
}

function actionRowOf({ action, state, attemptCount, detail }: ActionEntry): readonly string[] {
  return [
    action.id,
    action.kind,
    action.target,
    state,
    String(attemptCount),
    action.reason.text,
    safeText(detail, 120),
  ];
}

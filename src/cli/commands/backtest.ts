import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Command } from 'commander';
import { type Label, parseLabel } from '../../backtest/labels.ts';
import { type Measured, Measurement } from '../../backtest/measure.ts';
import { type Report, recallAt, reportOf } from '../../backtest/report.ts';
import { thresholdsOf } from '../../detect/budget.ts';
import { countText } from '../../domain/words.ts';
import { checkReadable, replayHistory } from '../history.ts';
import { type CliIo, table, UsageError } from '../io.ts';
import { configOption, detectorsOption, formatOption, loadProject, type Project } from '../project.ts';

interface Options {
  readonly labels: string;
  readonly format: string;
  readonly config?: string;
  readonly detectors?: string[];
  readonly json?: boolean;
}

/** Bits at which recall and false alarms are measured beside the thresholds that are in use. */
const GRID = { from: 1, to: 60, step: 0.25 };
/** False alerts a token-month, for which the best recall is shown. */
const BUDGETS = [10, 1, 0.1, 0.01, 0.001];

export function backtestCommand(io: CliIo): Command {
  return new Command('backtest')
    .description('replay history beside labels: what is caught, how soon, and how many false alerts are paid for it')
    .argument('<file>', 'newline-separated records, .gz too')
    .requiredOption(
      '--labels <file>',
      'a JSON line for each thing that happened: {"scenario", "kind": "theft" or "benign", "token", "from", "until"}',
    )
    .addOption(formatOption())
    .addOption(configOption())
    .addOption(detectorsOption())
    .option('--json', 'print the report as JSON, with the whole curve')
    .action(async (file: string, options: Options) =>
      backtest(io, file, options, await loadProject(io, options.config, options.detectors)),
    );
}

async function backtest(io: CliIo, file: string, options: Options, project: Project): Promise<void> {
  const { alarmBudget } = project.config.detection;
  const { alert: alertThreshold, revoke: revokeThreshold } = thresholdsOf(alarmBudget);
  const labels = readLabels(options.labels);
  const measurement = new Measurement(labels, levelsOf(alertThreshold, revokeThreshold));
  const { alerts, elapsedMs } = await replayHistory(io, { file, format: options.format }, project, {
    scored: (event, score) => measurement.observe(event, score),
  });
  const measured = seenOf(io, measurement.finish(), options.labels, file);
  const raised = alerts.map(({ alert, revocation }) => ({ alert, wouldRevoke: revocation?.state === 'shadow' }));
  const alertsPerTokenMonth = alarmBudget.alarms / alarmBudget.tokenMonths;
  const report = reportOf(measured, raised, { alertThreshold, revokeThreshold, alertsPerTokenMonth });
  if (options.json) io.out(`${JSON.stringify(report)}\n`);
  else print(io, report, elapsedMs);
}

function readLabels(path: string): readonly Label[] {
  checkReadable(path);
  const bytes = readFileSync(path);
  const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n');
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    try {
      return [parseLabel(line)];
    } catch (cause) {
      throw new UsageError(`${path}, line ${i + 1}: ${(cause as Error).message}`);
    }
  });
}

function levelsOf(...used: readonly number[]): readonly number[] {
  const { from, to, step } = GRID;
  const grid = Array.from({ length: (to - from) / step + 1 }, (_, i) => from + i * step);
  return [...new Set([...grid, ...used])].sort((a, b) => a - b);
}

/** Leaves out labels that nothing was judged by, and says so: the name or the time is wrong, or the token did nothing. */
function seenOf(io: CliIo, measured: Measured, labelsPath: string, file: string): Measured {
  const judged = measured.judged.filter(({ eventCount }) => eventCount > 0);
  const unseen = measured.judged.filter(({ eventCount }) => eventCount === 0).map(({ label }) => label);
  if (unseen.length > 0) {
    const first = unseen.slice(0, 3).map(({ token, from }) => `${token} from ${new Date(from).toISOString()}`);
    io.err(
      `left out ${countText(unseen.length, 'label')} of ${labelsPath} without any event in ${file}: ${first.join(', ')}. ` +
        'A token is labelled under the name that `replay --all-scores` shows.\n',
    );
  }
  return { ...measured, judged };
}

function print(io: CliIo, report: Report, elapsedMs: number): void {
  const { thefts, promised, tokenMonths } = report;
  const figure = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : '-');
  io.out(
    `${countText(report.eventCount, 'event')} of ${countText(report.tokenCount, 'token')} over ${tokenMonths.toFixed(1)} token-months, in ${(elapsedMs / 1000).toFixed(1)} s\n\n` +
      `thefts             ${thefts.caught} of ${thefts.count} caught (${percent(thefts.recall)}), ${thefts.wouldRevoke} would be revoked\n` +
      `false alerts       ${report.falseAlerts}: ${figure(report.falseAlertsPer1000TokenMonths, 1)} per 1000 token-months; ${figure(1000 * promised.alertsPerTokenMonth, 1)} promised, ${figure(report.budgetKept, 2)} × the budget\n` +
      `false revocations  ${report.falseRevocations}: ${figure(report.falseRevocationsPer1000TokenMonths, 1)} per 1000 token-months\n` +
      `precision          ${percent(report.precision)} of alerts\n\n`,
  );
  printScenarios(io, report);
  io.out('\n');
  table(
    io,
    ['detector', 'in thefts', 'in false alerts'],
    report.detectors.map((row) => [row.detector, `${row.inThefts}`, `${row.inFalseAlerts}`]),
  );
  io.out('\n');
  table(
    io,
    ['false alerts allowed, per 1000 token-months', 'thefts caught'],
    BUDGETS.map((budget) => [`${1000 * budget}`, percent(recallAt(report, budget))]),
  );
}

function printScenarios(io: CliIo, { scenarios }: Report): void {
  const figure = (value: number | null, digits = 0) => value?.toFixed(digits) ?? '-';
  const head = ['scenario', 'kind', 'alerted', 'revoked', 'events', 'seconds', 'rows', 'share of rows'];
  table(
    io,
    head,
    scenarios.map((row) => [
      row.scenario,
      row.kind,
      `${row.alerted} of ${row.count}`,
      `${row.wouldRevoke}`,
      figure(row.events),
      figure(row.seconds, 1),
      figure(row.rows),
      row.shareOfRows === null ? '-' : percent(row.shareOfRows),
    ]),
  );
}

function percent(share: number): string {
  return Number.isNaN(share) ? '-' : `${(100 * share).toFixed(0)} %`;
}

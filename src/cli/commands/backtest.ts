import { createReadStream } from 'node:fs';
import { Command, Option } from 'commander';
import { type Label, parseLabel } from '../../backtest/labels.ts';
import { type Measured, Measurement } from '../../backtest/measure.ts';
import { type Report, recallAt, reportOf } from '../../backtest/report.ts';
import { thresholdsOf } from '../../detect/budget.ts';
import { countText } from '../../domain/words.ts';
import { readLines } from '../../ingest/lines.ts';
import { FORMATS } from '../../normalise/formats.ts';
import { replayHistory } from '../history.ts';
import { type CliIo, table, UsageError } from '../io.ts';
import { configOption, detectorsOption, loadProject, type Project } from '../project.ts';

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
    .addOption(
      new Option('--format <id>', 'how to read them').choices(FORMATS.map(({ id }) => id)).default('canonical'),
    )
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
  const labels = await readLabels(options.labels);
  const measurement = new Measurement(labels, levelsOf(alertThreshold, revokeThreshold));
  const { alerts, elapsedMs } = await replayHistory(io, { file, format: options.format }, project, {
    scored: (event, score) => measurement.observe(event, score),
    assessment: () => undefined,
    caughtUp: async () => undefined,
  });
  const measured = measurement.finish();
  checkAllSeen(measured, options.labels, file);
  const raised = alerts.map(({ alert, revocation }) => ({ alert, wouldRevoke: revocation?.state === 'shadow' }));
  const alertsPerTokenMonth = alarmBudget.alarms / alarmBudget.tokenMonths;
  const report = reportOf(measured, raised, { alertThreshold, revokeThreshold, alertsPerTokenMonth });
  if (options.json) io.out(`${JSON.stringify(report)}\n`);
  else print(io, report, elapsedMs);
}

async function readLabels(path: string): Promise<readonly Label[]> {
  const labels: Label[] = [];
  let number = 0;
  try {
    for await (const { value } of readLines(createReadStream(path))) {
      number += 1;
      const line = value.toString().trim();
      if (line !== '') labels.push(parseLabel(line));
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new UsageError(code === undefined ? `${path}, line ${number}: ${message}` : `cannot read ${path} (${code})`);
  }
  return labels;
}

function levelsOf(...used: readonly number[]): readonly number[] {
  const { from, to, step } = GRID;
  const grid = Array.from({ length: (to - from) / step + 1 }, (_, i) => from + i * step);
  return [...new Set([...grid, ...used])].sort((a, b) => a - b);
}

/** A label that nothing was judged by is a mistake: of the name, or of the time. */
function checkAllSeen({ judged }: Measured, labelsPath: string, file: string): void {
  const unseen = judged.filter(({ eventCount }) => eventCount === 0).map(({ label }) => label);
  if (unseen.length === 0) return;
  const first = unseen.slice(0, 3).map(({ token, from }) => `${token} from ${new Date(from).toISOString()}`);
  throw new UsageError(
    `${countText(unseen.length, 'label')} of ${labelsPath} covers no event of ${file}: ${first.join(', ')}. ` +
      'A token is labelled under the name that `replay --all-scores` shows.',
  );
}

function print(io: CliIo, report: Report, elapsedMs: number): void {
  const { thefts, promised, tokenMonths } = report;
  const per1000 = (rate: number) => (1000 * rate).toFixed(1);
  io.out(
    `${countText(report.eventCount, 'event')} of ${countText(report.tokenCount, 'token')} over ${tokenMonths.toFixed(1)} token-months, in ${(elapsedMs / 1000).toFixed(1)} s\n\n` +
      `thefts             ${thefts.caught} of ${thefts.count} caught (${percent(thefts.recall)}), ${thefts.wouldRevoke} would be revoked\n` +
      `false alerts       ${report.falseAlerts}: ${report.falseAlertsPer1000TokenMonths.toFixed(1)} per 1000 token-months; ${per1000(promised.alertsPerTokenMonth)} promised, ${report.budgetKept.toFixed(2)} × the budget\n` +
      `false revocations  ${report.falseRevocations}: ${report.falseRevocationsPer1000TokenMonths.toFixed(1)} per 1000 token-months\n` +
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

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Command } from 'commander';
import { type Label, parseLabel } from '../../backtest/labels.ts';
import { type Measured, Measurement } from '../../backtest/measure.ts';
import { type Promised, type Report, recallAt, reportOf, type Setting } from '../../backtest/report.ts';
import { ScoresWithout } from '../../backtest/without.ts';
import { installedOf } from '../../config/mapping.ts';
import { thresholdsOf } from '../../detect/budget.ts';
import { countText } from '../../domain/words.ts';
import { backtestPage } from '../backtest-page/page.ts';
import { replayHistory } from '../history.ts';
import { checkReadable } from '../history-file.ts';
import { type HistoryOptions, type HistorySource, historySourceOf, readsHistory } from '../history-source.ts';
import { type CliIo, table, UsageError } from '../io.ts';
import { configOption, detectorsOption, loadProject, type Project } from '../project.ts';
import { createTextFile, type TextFile } from '../text-file.ts';

interface Options extends HistoryOptions {
  readonly labels: string;
  readonly config?: string;
  readonly detectors?: string[];
  readonly html?: string;
  readonly json?: boolean;
}

/** Bits at which recall and false alarms are measured beside the thresholds that are in use. */
const GRID = { from: 1, to: 60, step: 0.25 };
/** False alerts a token-month, for which the best recall is shown, and what such a budget would have given. */
const BUDGETS = [10, 1, 0.1, 0.01, 0.001];

export function backtestCommand(io: CliIo): Command {
  return readsHistory(new Command('backtest'))
    .description('replay history beside labels: what is caught, how soon, and how many false alerts are paid for it')
    .requiredOption(
      '--labels <file>',
      'a JSON line for each thing that happened: {"scenario", "kind": "theft" or "benign", "token", "from", "until"}',
    )
    .addOption(configOption())
    .addOption(detectorsOption())
    .option('--html <file>', 'write the report as a page for people: one file, with pictures, without script')
    .option('--json', 'print the report as JSON, with the whole curve')
    .action(async (file: string | undefined, options: Options, command: Command) => {
      const source = historySourceOf(file, options, command);
      const project = await loadProject(io, options.config, options.detectors);
      await backtest(io, source, { ...options, version: command.parent?.version() ?? '' }, project);
    });
}

async function backtest(
  io: CliIo,
  source: HistorySource,
  options: Options & { readonly version: string },
  project: Project,
): Promise<void> {
  const { alarmBudget } = project.config.detection;
  const { alert: alertThreshold, revoke: revokeThreshold } = thresholdsOf(alarmBudget);
  const promised = {
    alertThreshold,
    revokeThreshold,
    alertsPerTokenMonth: alarmBudget.alarms / alarmBudget.tokenMonths,
  };
  const settings = settingsBeside(promised);
  const labels = readLabels(options.labels);
  const page = await createPage(options, source);
  const levels = levelsOf(alertThreshold, revokeThreshold, ...settings.map(({ threshold }) => threshold));
  const measurement = new Measurement(labels, levels);
  const scores = new ScoresWithout();
  const { alerts, elapsedMs, where, run } = await replayHistory(io, source, project, {
    scored: (event, score) => measurement.observe(event, score),
    assessment: (assessment) => scores.observe(assessment),
  });
  const measured = seenOf(io, measurement.finish(), options.labels, where);
  const raised = alerts.map(({ alert, revocation, told }) => {
    const isTold = told.length > 0;
    return { alert, wouldRevoke: revocation?.state === 'shadow', isTold, without: scores.of(alert.worst) };
  });
  const report = reportOf(measured, raised, promised, settings);
  await page?.write(
    backtestPage(report, {
      input: where,
      labels: options.labels,
      alarmBudget: `${alarmBudget.alarms} per ${countText(alarmBudget.tokenMonths, 'token-month')}`,
      detectorCount: installedOf(project.config, project.detectors).length,
      ignoredCount: run.counts.ignored,
      unreadableCount: run.counts.deadLetters,
      version: options.version,
    }),
  );
  if (options.json) io.out(`${JSON.stringify(report)}\n`);
  else print(io, report, elapsedMs);
}

/** Budgets to compare with, the present one among them; those too large for a threshold of their own are left out. */
function settingsBeside({ alertThreshold, alertsPerTokenMonth }: Promised): readonly Setting[] {
  const present = { alertsPerTokenMonth, threshold: alertThreshold };
  const others = BUDGETS.map((budget): Setting => {
    return { alertsPerTokenMonth: budget, threshold: thresholdsOf({ alarms: budget, tokenMonths: 1 }).alert };
  }).filter(({ threshold }) => Math.abs(threshold - alertThreshold) > 0.01);
  return [present, ...others].sort((a, b) => b.alertsPerTokenMonth - a.alertsPerTokenMonth);
}

/** Makes the page's file before anything is read: a year's replay must not end in a folder that is not there. */
async function createPage({ html, labels }: Options, source: HistorySource): Promise<TextFile | undefined> {
  if (html === undefined) return undefined;
  if (source.kind === 'file') checkReadable(source.file);
  return createTextFile(html, source.kind === 'file' ? [source.file, labels] : [labels]);
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
      `alerts             ${report.alerts.count}, told as ${report.alerts.told}\n` +
      `false alerts       ${report.falseAlerts}: ${figure(report.falseAlertsPer1000TokenMonths, 1)} per 1000 token-months; ${figure(1000 * promised.alertsPerTokenMonth, 1)} promised, ${figure(report.budgetKept, 2)} × the budget\n` +
      `false revocations  ${report.falseRevocations}: ${figure(report.falseRevocationsPer1000TokenMonths, 1)} per 1000 token-months; ${figure(1000 * promised.revocationsPerTokenMonth, 2)} promised\n` +
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
  const figure = (value: number | undefined, digits = 0) => value?.toFixed(digits) ?? '-';
  const head = ['scenario', 'kind', 'alerted', 'revoked', 'events', 'seconds', 'rows', 'share of rows'];
  table(
    io,
    head,
    scenarios.map((row) => [
      row.scenario,
      row.kind,
      `${row.alerted} of ${row.count}`,
      `${row.wouldRevoke}`,
      figure(row.delays?.median.events),
      figure(row.delays?.median.seconds, 1),
      figure(row.delays?.median.rows),
      percent(row.delays?.median.shareOfRows ?? Number.NaN),
    ]),
  );
}

function percent(share: number): string {
  return Number.isNaN(share) ? '-' : `${(100 * share).toFixed(0)} %`;
}

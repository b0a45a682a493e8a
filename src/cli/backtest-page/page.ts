import type { Report } from '../../backtest/report.ts';
import { countText, numberText } from '../../domain/words.ts';
import { type Content, html, type Markup } from '../markup.ts';
import { budgetFigure, precisionFigure, scoresFigure } from './figures.ts';
import { bitsText, durationText, momentText, percentText, rateText } from './numbers.ts';
import { STYLE } from './style.ts';
import {
  benignScenarios,
  detectorTable,
  falseAlertTable,
  figureOf,
  settingsTable,
  theftScenarios,
  theftTable,
} from './tables.ts';

/** What was run. */
export interface RunFacts {
  /** File or address that was read. */
  readonly input: string;
  readonly labels: string;
  /** As the configuration has it: `1 per 1000 token-months`. */
  readonly alarmBudget: string;
  readonly detectorCount: number;
  readonly ignoredCount: number;
  readonly unreadableCount: number;
  readonly version: string;
}

/**
 * A backtest as a page for people: one file without script, with nothing to be loaded, readable in light and dark and on paper. The same
 * report gives the same page.
 */
export function backtestPage(report: Report, run: RunFacts): string {
  const page = html`<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Tokenwarden: backtest of ${run.input}</title>
${STYLE}
</head>
<body><main>
<header><p class="over">Tokenwarden backtest</p><h1>${headline(report)}</h1><p class="lead">${summary(report)}</p></header>
${tiles(report)}
${section('What is caught, and what is paid for it', [
  html`<div class="pair">${figureIn(budgetFigure(report), 'Thefts caught against false alerts', 'Each step is another threshold. Left is quieter, up is better.')}
${figureIn(precisionFigure(report), 'Precision against recall', 'Each point of the line is another threshold, from the highest (left) to the lowest.')}</div>`,
])}
${section('What another alarm budget would have given', [
  html`<p>Set <code>detection.alarmBudget</code>. What would be revoked at another budget is not shown: it depends on more than the score.</p>`,
  settingsTable(report),
])}
${section('By scenario', [
  theftScenarios(report),
  html`<p>An alert that no theft explains belongs to no theft, so a kind of theft has a recall and no precision of its own.</p>`,
  benignScenarios(report),
  report.labels.length === 0
    ? null
    : figureIn(
        scoresFigure(report),
        'How near it was',
        'Each dot is the highest score of one theft (filled) or one harmless thing (hollow). To revoke takes evidence of two kinds as well as the score.',
      ),
])}
${section('By detector', [
  detectorTable(report),
  html`<p>An alert names several detectors, so columns do not add up. “Without it” takes its part out of the scores that were told and leaves the rest as it was learned beside it; an alert between two that were told may remain as well. Run the backtest again without a detector before you switch it off. A detector that is not listed was named in no alert.</p>`,
])}
${section('Each theft', [theftTable(report)])}
${section('Each false alert', [falseAlertTable(report)])}
${section('What was run', [facts(report, run)])}
${section('How it is counted', [NOTES])}
</main></body></html>
`;
  return page.toString();
}

function headline({ thefts, falseAlerts }: Report): string {
  return `${thefts.caught} of ${countText(thefts.count, 'theft')} caught, ${countText(falseAlerts, 'false alert')}`;
}

function summary(report: Report): Content {
  const { falseAlerts, budgetKept, falseRevocations, tokenMonths, promised } = report;
  const one = 1000 / tokenMonths;
  const promisedRate = rateText(1000 * promised.alertsPerTokenMonth);
  const kept =
    budgetKept > 1
      ? `The alarm budget is not kept: ${rateText(budgetKept)} times as many false alerts came as were promised.`
      : `The alarm budget of ${promisedRate} false alerts per 1,000 token-months is kept.`;
  const revoked =
    falseRevocations === 0
      ? 'No token would have been revoked wrongly.'
      : `${countText(falseRevocations, 'revocation')} would have been wrong.`;
  // A history that is too short for the promise proves nothing by being quiet.
  const resolution =
    Number.isFinite(one) && one > 1000 * promised.alertsPerTokenMonth
      ? ` A single false alert in this history is ${rateText(one)} per 1,000 token-months, more than the budget: a longer history is needed to ${falseAlerts === 0 ? 'prove' : 'measure'} it.`
      : '';
  return `${kept} ${revoked}${resolution}`;
}

function tiles(report: Report): Markup {
  const { thefts, promised } = report;
  const { delays } = thefts;
  const median = (key: 'events' | 'seconds' | 'rows', shown: (value: number) => string) =>
    figureOf(`thefts.delays.median.${key}`, delays?.median[key], shown);
  const worst = (key: 'events' | 'seconds' | 'rows', shown: (value: number) => string) =>
    figureOf(`thefts.delays.worst.${key}`, delays?.worst[key], shown);
  const alertsPromised = 1000 * promised.alertsPerTokenMonth;
  const revocationsPromised = 1000 * promised.revocationsPerTokenMonth;
  return html`<section class="tiles">
${tile('recall: thefts caught', figureOf('thefts.recall', thefts.recall, percentText), html`${figureOf('thefts.caught', thefts.caught, numberText)} of ${figureOf('thefts.count', thefts.count, numberText)}, ${figureOf('thefts.wouldRevoke', thefts.wouldRevoke, numberText)} revoked`)}
${tile('precision: alerts that are right', figureOf('precision', report.precision, percentText), html`${figureOf('falseAlerts', report.falseAlerts, numberText)} false`)}
${tile('false alerts per 1,000 token-months', figureOf('falseAlertsPer1000TokenMonths', report.falseAlertsPer1000TokenMonths, rateText), html`${rateText(alertsPromised)} promised, ${figureOf('budgetKept', report.budgetKept, rateText)} × the budget`, report.budgetKept > 1)}
${tile('false revocations per 1,000 token-months', figureOf('falseRevocationsPer1000TokenMonths', report.falseRevocationsPer1000TokenMonths, rateText), html`${rateText(revocationsPromised)} promised, ${figureOf('falseRevocations', report.falseRevocations, numberText)} in all`, report.falseRevocationsPer1000TokenMonths > revocationsPromised)}
${tile('time until an alert, median', median('seconds', durationText), html`at event ${median('events', numberText)}, after ${median('rows', numberText)} rows; worst ${worst('seconds', durationText)}, event ${worst('events', numberText)}, ${worst('rows', numberText)} rows`)}
</section>`;
}

function tile(label: string, value: Content, note: Content, isBad = false): Markup {
  return html`<div class="tile${isBad ? ' alarming' : ''}"><p class="label">${label}</p><p class="value">${value}</p><p class="note">${note}</p></div>`;
}

function section(title: string, content: Content): Markup {
  return html`<section><h2>${title}</h2>${content}</section>`;
}

function figureIn(picture: Markup, title: string, caption: string): Markup {
  return html`<figure><h3>${title}</h3>${picture}<figcaption>${caption}</figcaption></figure>`;
}

function facts(report: Report, run: RunFacts): Markup {
  const { promised, firstAt, lastAt } = report;
  const moment = (path: string, at: number | null) => figureOf(path, at, momentText);
  const rows: readonly (readonly [string, Content])[] = [
    ['history', html`<bdi>${run.input}</bdi>`],
    ['labels', html`<bdi>${run.labels}</bdi>, ${countText(report.labels.length, 'label')} with events`],
    ['first and last event, UTC', html`${moment('firstAt', firstAt)} to ${moment('lastAt', lastAt)}`],
    [
      'events',
      html`${figureOf('eventCount', report.eventCount, numberText)}; ${countText(run.ignoredCount, 'record')} ignored by a rule, ${numberText(run.unreadableCount)} unreadable`,
    ],
    ['tokens', figureOf('tokenCount', report.tokenCount, numberText)],
    ['token-months', figureOf('tokenMonths', report.tokenMonths, (months) => numberText(Number(months.toFixed(1))))],
    ['alarm budget', `${run.alarmBudget}; revoking takes a tenth of it`],
    [
      'thresholds',
      html`alert from ${figureOf('promised.alertThreshold', promised.alertThreshold, bitsText)}, revocation from ${figureOf('promised.revokeThreshold', promised.revokeThreshold, bitsText)}`,
    ],
    ['detectors', numberText(run.detectorCount)],
    ['Tokenwarden', run.version],
  ];
  return html`<table class="facts"><tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
}

const NOTES = html`<ul>
<li>A <b>token-month</b> is one token watched for 30 days, from its first event to its last.</li>
<li>A <b>theft is caught</b> when one of its own events reaches the threshold. Two alerts of a token count as one until six hours have passed below the threshold; whatever is told of a token during a theft, and within a day after it while its evidence fades, is no false alert.</li>
<li><b>Revoked</b> is what policy would have done with revocation switched on, for every token unless the configuration has rules.</li>
<li><b>Rows that left</b> are those that the thief took until the alert, where the label says what was taken. Elsewhere they are the rows of all the token’s events from the theft’s beginning to the alert, the owner’s own among them: nobody can tell them apart.</li>
<li><b>Median and worst</b> are of what was caught, each column for itself. Of what is missed, everything leaves.</li>
<li>The <b>score</b> is in bits: one honest token-day in 2 to the power of it looks as odd. The threshold follows from the alarm budget.</li>
</ul>`;

import type { Delay, Delays } from '../../backtest/delay.ts';
import type { DetectorRow, FalseAlertRow, LabelRow, Report, ScenarioRow, SettingRow } from '../../backtest/report.ts';
import { countText, numberText } from '../../domain/words.ts';
import { type Content, html, type Markup } from '../markup.ts';
import { bitsText, durationText, momentText, percentText, rateText } from './numbers.ts';

/** Rows of lists that grow with the history: a page that no browser opens helps nobody. */
const ROWS_MAX = 1000;

/**
 * A figure of the report, with what it is there: so that the page can be held against the report, and read by a machine.
 *
 * @param path where it stands in the report, as `thefts.recall`
 */
export function figureOf(path: string, value: number | null | undefined, shown: (value: number) => string): Markup {
  const isNumber = value != null && Number.isFinite(value);
  return html`<data data-of="${path}" value="${isNumber ? value : ''}">${isNumber ? shown(value) : '–'}</data>`;
}

/** A name that somebody else has chosen: it keeps to its own direction of writing. */
function nameOf(name: string): Markup {
  return html`<bdi>${name}</bdi>`;
}

/** One row a scenario that should be told of. */
export function theftScenarios({ scenarios }: Report): Markup {
  const rows = placed(scenarios).filter(([, { kind }]) => kind === 'theft');
  if (rows.length === 0) return html`<p>No theft is labelled.</p>`;
  return html`<div class="wide"><table>
<thead><tr><th>theft</th><th class="n">caught</th><th>recall</th><th class="n">revoked</th>${DELAY_HEAD}</tr></thead>
<tbody>${rows.map(([i, row]) => scenarioRow(`scenarios.${i}`, row, true))}</tbody></table></div>`;
}

/** One row a scenario of which nobody wants to be told. */
export function benignScenarios({ scenarios, tokenMonths }: Report): Markup {
  const rows = placed(scenarios).filter(([, { kind }]) => kind === 'benign');
  if (rows.length === 0) return html`<p>Nothing harmless is labelled.</p>`;
  const rate = (count: number) => rateText((1000 * count) / tokenMonths);
  return html`<div class="wide"><table>
<thead><tr><th>harmless thing</th><th class="n">with a false alert</th><th class="n">per 1,000 token-months</th><th class="n">with a false revocation</th><th class="n">per 1,000 token-months</th></tr></thead>
<tbody>${rows.map(
    ([i, row]) => html`<tr><td>${nameOf(row.scenario)}</td>
<td class="n">${figureOf(`scenarios.${i}.alerted`, row.alerted, numberText)} of ${figureOf(`scenarios.${i}.count`, row.count, numberText)}</td><td class="n">${rate(row.alerted)}</td>
<td class="n">${figureOf(`scenarios.${i}.wouldRevoke`, row.wouldRevoke, numberText)}</td><td class="n">${rate(row.wouldRevoke)}</td></tr>
`,
  )}</tbody></table></div>`;
}

const DELAY_HEAD = html`<th class="n">events<br>median · worst</th><th class="n">time<br>median · worst</th><th class="n">rows that left<br>median · worst</th><th class="n">share of its rows<br>median · worst</th>`;

function scenarioRow(path: string, row: ScenarioRow, isTheft: boolean): Markup {
  const recall = row.alerted / row.count;
  return html`<tr><td>${nameOf(row.scenario)}</td>
<td class="n">${figureOf(`${path}.alerted`, row.alerted, numberText)} of ${figureOf(`${path}.count`, row.count, numberText)}</td>
<td>${shareBar(recall, isTheft)}</td>
<td class="n">${figureOf(`${path}.wouldRevoke`, row.wouldRevoke, numberText)}</td>${delayCells(`${path}.delays`, row.delays)}</tr>
`;
}

/** Median and worst of each figure of a delay. */
export function delayCells(path: string, delays: Delays | null): Content {
  const cell = (key: keyof Delay, shown: (value: number) => string) => {
    if (delays === null) return html`<td class="n">–</td>`;
    const of = (which: keyof Delays) => figureOf(`${path}.${which}.${key}`, delays[which][key], shown);
    return html`<td class="n">${of('median')} · ${of('worst')}</td>`;
  };
  return [
    cell('events', numberText),
    cell('seconds', durationText),
    cell('rows', numberText),
    cell('shareOfRows', percentText),
  ];
}

function shareBar(share: number, isGood: boolean): Markup {
  const percent = percentText(share);
  return html`<span class="bar"><span class="${isGood ? 'good' : 'bad'}" style="width:${(100 * share).toFixed(0)}%"></span></span> ${percent}`;
}

/** What each detector is worth, and what would be left without it. */
export function detectorTable({ detectors, thefts, falseAlertRows, tokenMonths }: Report): Markup {
  if (detectors.length === 0) return html`<p>There was no alert.</p>`;
  const rate = (count: number) => rateText((1000 * count) / tokenMonths);
  const row = ([i, row]: readonly [number, DetectorRow]) => {
    const of = (key: Exclude<keyof DetectorRow, 'detector' | 'without'>, shown: (value: number) => string) =>
      figureOf(`detectors.${i}.${key}`, row[key], shown);
    const { without } = row;
    return html`<tr><td>${nameOf(row.detector)}</td>
<td class="n">${of('inThefts', numberText)}</td><td class="n">${of('recall', percentText)}</td><td class="n">${of('precision', percentText)}</td>
<td class="n">${of('inFalseAlerts', numberText)}</td><td class="n">${rate(row.inFalseAlerts)}</td><td class="n">${of('inFalseRevocations', numberText)}</td><td class="n">${rate(row.inFalseRevocations)}</td>
<td class="n ${without.caught < thefts.caught ? 'worse' : ''}">${figureOf(`detectors.${i}.without.caught`, without.caught, numberText)} of ${thefts.count}</td>
<td class="n ${without.falseAlerts < falseAlertRows.length ? 'better' : ''}">${figureOf(`detectors.${i}.without.falseAlerts`, without.falseAlerts, numberText)}</td></tr>
`;
  };
  return html`<div class="wide"><table>
<thead><tr><th rowspan="2">detector</th><th class="n" colspan="3">named in thefts</th><th class="n" colspan="2">named in false alerts</th><th class="n" colspan="2">and false revocations</th><th class="n" colspan="2">without it, at least</th></tr>
<tr><th class="n">thefts</th><th class="n">recall</th><th class="n">precision</th><th class="n">number</th><th class="n">per 1,000 token-months</th><th class="n">number</th><th class="n">per 1,000 token-months</th><th class="n">thefts caught</th><th class="n">false alerts</th></tr></thead>
<tbody>${placed(detectors).map(row)}</tbody></table></div>`;
}

/** What other alarm budgets would have given. */
export function settingsTable({ settings, promised, thefts }: Report): Markup {
  const row = ([i, row]: readonly [number, SettingRow]) => {
    const of = (key: keyof SettingRow, shown: (value: number) => string) =>
      figureOf(`settings.${i}.${key}`, row[key], shown);
    const isPresent = row.threshold === promised.alertThreshold;
    const promisedRate = rateText(1000 * row.alertsPerTokenMonth);
    return html`<tr${isPresent ? html` class="present"` : null}><td class="n">${of('alertsPerTokenMonth', () => promisedRate)}${isPresent ? ' (present)' : null}</td>
<td class="n">${of('threshold', bitsText)}</td><td class="n">${of('caught', numberText)} of ${thefts.count}</td><td class="n">${of('recall', percentText)}</td><td class="n">${of('precision', percentText)}</td>
<td class="n">${of('falseAlerts', numberText)}</td><td class="n">${of('falseAlertsPerTokenMonth', (rate) => rateText(1000 * rate))}</td><td class="n">${rateText(row.falseAlertsPerTokenMonth / row.alertsPerTokenMonth)} ×</td></tr>
`;
  };
  return html`<div class="wide"><table>
<thead><tr><th class="n">budget: false alerts<br>per 1,000 token-months</th><th class="n">threshold</th><th class="n">thefts caught</th><th class="n">recall</th><th class="n">precision</th><th class="n">false alerts</th><th class="n">per 1,000<br>token-months</th><th class="n">of the budget</th></tr></thead>
<tbody>${placed(settings).map(row)}</tbody></table></div>`;
}

/** Each theft: when it was caught and by what, or how near it came. */
export function theftTable({ labels, promised }: Report): Markup {
  const rows = placed(labels).filter(([, { kind }]) => kind === 'theft');
  const row = ([i, row]: readonly [number, LabelRow]) => html`<tr>
<td class="name">${nameOf(row.scenario)}</td><td class="name">${nameOf(row.token)}</td><td class="t">${momentText(row.from)}</td>
<td>${row.delay === null ? html`<span class="worse">✗ missed</span>` : html`<span class="better">✓ caught</span>`}</td>
${theftDelay(`labels.${i}`, row)}
<td class="n">${figureOf(`labels.${i}.scoreMax`, row.scoreMax, bitsText)}</td>
<td>${row.detectors.join(', ')}</td><td>${row.wouldRevoke ? 'yes' : 'no'}</td></tr>
`;
  return html`<div class="wide"><table>
<thead><tr><th>theft</th><th>token</th><th>began (UTC)</th><th></th><th class="n">after</th><th class="n">event</th><th class="n">rows that left</th><th class="n">highest score<br>(${bitsText(promised.alertThreshold)} alert)</th><th>detectors</th><th>revoked</th></tr></thead>
<tbody>${rows.slice(0, ROWS_MAX).map(row)}</tbody></table></div>${more(rows.length, 'theft')}`;
}

/** Of what is missed, everything leaves. */
function theftDelay(path: string, { delay, rowCount }: LabelRow): Content {
  if (delay === null)
    return html`<td class="n">–</td><td class="n">–</td><td class="n">all ${figureOf(`${path}.rowCount`, rowCount, numberText)}</td>`;
  return html`<td class="n">${figureOf(`${path}.delay.seconds`, delay.seconds, durationText)}</td>
<td class="n">${figureOf(`${path}.delay.events`, delay.events, numberText)}</td>
<td class="n">${figureOf(`${path}.delay.rows`, delay.rows, numberText)} (${figureOf(`${path}.delay.shareOfRows`, delay.shareOfRows, percentText)})</td>`;
}

/** Each false alert with what it said. */
export function falseAlertTable({ falseAlertRows }: Report): Markup {
  if (falseAlertRows.length === 0) return html`<p>There was none.</p>`;
  const row = ([i, row]: readonly [number, FalseAlertRow]) => html`<tr>
<td class="name">${nameOf(row.token)}</td><td class="t">${momentText(row.openedAt)}</td><td class="n">${figureOf(`falseAlertRows.${i}.score`, row.score, bitsText)}</td>
<td>${row.scenario === null ? '–' : nameOf(row.scenario)}</td><td>${row.detectors.join(', ')}</td>
<td>${row.explanations.map((sentence) => html`<p><bdi>${sentence}</bdi></p>`)}</td><td>${row.wouldRevoke ? html`<span class="worse">yes</span>` : 'no'}</td></tr>
`;
  return html`<div class="wide"><table>
<thead><tr><th>token</th><th>raised (UTC)</th><th class="n">score</th><th>during</th><th>detectors</th><th>what it said</th><th>revoked</th></tr></thead>
<tbody>${placed(falseAlertRows).slice(0, ROWS_MAX).map(row)}</tbody></table></div>${more(falseAlertRows.length, 'false alert')}`;
}

function more(count: number, what: string): Content {
  if (count <= ROWS_MAX) return null;
  return html`<p>And ${countText(count - ROWS_MAX, what)} more: <code>--json</code> has them all.</p>`;
}

/** Rows with where they stand in the report. */
function placed<T>(rows: readonly T[]): readonly (readonly [number, T])[] {
  return rows.map((row, i) => [i, row] as const);
}

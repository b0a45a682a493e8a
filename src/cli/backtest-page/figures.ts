import type { CurvePoint, LabelRow, Report } from '../../backtest/report.ts';
import { numberText } from '../../domain/words.ts';
import { type Content, element, type Markup } from '../markup.ts';
import { bitsText, percentText, rateText } from './numbers.ts';

const WIDTH = 540;
const HEIGHT = 330;
const LEFT = 72;
const RIGHT = 30;
const TOP = 18;
const BOTTOM = 50;
/** Where those stand that have no false alert at all, which a logarithm has no place for. */
const NONE_WIDTH = 44;

/** Thefts caught against false alerts per 1,000 token-months, with what is promised and where the present threshold stands. */
export function budgetFigure(report: Report): Markup {
  const { curve, promised, tokenMonths } = report;
  const promisedRate = 1000 * promised.alertsPerTokenMonth;
  const present = presentPoint(report);
  const axis = rateAxis(curve, present, promisedRate, 1000 / tokenMonths);
  const path = envelope(curve).reduce((d, { recall, falseAlertsPerTokenMonth }, i) => {
    const x = tenth(Math.min(axis.x(1000 * falseAlertsPerTokenMonth), WIDTH - RIGHT));
    return i === 0 ? `M${x} ${shareY(0)}V${shareY(recall)}` : `${d}H${x}V${shareY(recall)}`;
  }, '');
  return figure('Thefts caught, by false alerts per 1,000 token-months', [
    shareGrid('thefts caught'),
    axis.ticks.map(({ at, shown }) => xTick(at, shown)),
    xTitle('false alerts per 1,000 token-months'),
    element('path', { d: `${path}H${WIDTH - RIGHT}`, class: 'curve' }),
    line(axis.x(promisedRate), TOP, axis.x(promisedRate), HEIGHT - BOTTOM, 'promised'),
    beside(axis.x(promisedRate), TOP + 12, `promised: ${rateText(promisedRate)}`, 'promised'),
    present === undefined ? null : presentMark(axis.x(1000 * present.falseAlertsPerTokenMonth), present),
  ]);
}

/** Precision against recall over all thresholds. */
export function precisionFigure(report: Report): Markup {
  const x = (recall: number) => LEFT + recall * (WIDTH - LEFT - RIGHT);
  const points = report.curve.filter(({ precision }) => Number.isFinite(precision)).toReversed();
  const present = presentPoint(report);
  return figure('Precision against recall', [
    shareGrid('precision: alerts that are right'),
    [0, 0.25, 0.5, 0.75, 1].map((recall) => xTick(x(recall), percentText(recall))),
    xTitle('recall: thefts caught'),
    element('polyline', {
      points: points.map(({ recall, precision }) => `${tenth(x(recall))},${shareY(precision)}`).join(' '),
      class: 'curve',
    }),
    present === undefined || !Number.isFinite(present.precision)
      ? null
      : [
          dot(x(present.recall), shareY(present.precision), 'present'),
          beside(x(present.recall), shareY(present.precision) - 9, 'present threshold', 'present'),
        ],
  ]);
}

const ROW_HEIGHT = 24;
const NAME_WIDTH = 170;
const STRIP_WIDTH = 2 * WIDTH;

/** How high the score of each labelled thing came, beside the two thresholds: how narrow a miss was, and how near a false alert. */
export function scoresFigure({ labels, promised }: Report): Markup {
  const groups = [...Map.groupBy(labels, ({ kind, scenario }) => `${kind} ${scenario}`).values()];
  const { alertThreshold, revokeThreshold } = promised;
  const most = Math.max(...labels.map(({ scoreMax }) => scoreMax), revokeThreshold) * 1.04;
  const x = (bits: number) => NAME_WIDTH + (Math.max(0, bits) / most) * (STRIP_WIDTH - NAME_WIDTH - RIGHT);
  const bottom = TOP + 18 + groups.length * ROW_HEIGHT;
  const rows = groups.map((group, i) => {
    const y = TOP + 18 + (i + 0.5) * ROW_HEIGHT;
    const [first] = group as [LabelRow];
    return [
      text(NAME_WIDTH - 10, y + 4, first.scenario, 'end', 'ink'),
      line(NAME_WIDTH, y, STRIP_WIDTH - RIGHT, y, 'grid'),
      group.map(({ kind, scoreMax }) => dot(x(scoreMax), y, kind)),
    ];
  });
  const step = most > 60 ? 20 : most > 24 ? 5 : 2;
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
  const threshold = (bits: number, words: string, anchor: 'start' | 'end') => [
    line(x(bits), TOP + 4, x(bits), bottom, 'promised'),
    text(x(bits) + (anchor === 'end' ? -7 : 7), TOP + 10, `${words} from ${bitsText(bits)}`, anchor, 'promised'),
  ];
  return figure(
    'Highest score of each theft and of each harmless thing',
    [
      rows,
      threshold(alertThreshold, 'alert', 'end'),
      threshold(revokeThreshold, 'revocation', 'start'),
      ticks.map((bits) => text(x(bits), bottom + 16, numberText(bits), 'middle')),
      text(
        (NAME_WIDTH + STRIP_WIDTH) / 2,
        bottom + 36,
        'score in bits (one honest token-day in 2 to the power of it)',
        'middle',
      ),
    ],
    STRIP_WIDTH,
    bottom + BOTTOM,
  );
}

function presentPoint({ curve, promised }: Report): CurvePoint | undefined {
  return curve.find(({ threshold }) => threshold === promised.alertThreshold);
}

/** What is caught at best with no more false alerts than that: few first. */
function envelope(curve: readonly CurvePoint[]): readonly CurvePoint[] {
  const sorted = curve.toSorted(
    (a, b) => a.falseAlertsPerTokenMonth - b.falseAlertsPerTokenMonth || b.recall - a.recall,
  );
  let most = -1;
  return sorted.filter(({ recall }) => {
    const isMore = recall > most;
    if (isMore) most = recall;
    return isMore;
  });
}

interface RateAxis {
  /** Where a rate per 1,000 token-months stands. */
  readonly x: (rate: number) => number;
  readonly ticks: readonly { readonly at: number; readonly shown: string }[];
}

/** Whole powers of ten around what matters: the promise, the present, one alert, and where nothing more is caught. */
function rateAxis(
  curve: readonly CurvePoint[],
  present: CurvePoint | undefined,
  promisedRate: number,
  oneAlertRate: number,
): RateAxis {
  const last = 1000 * (envelope(curve).at(-1)?.falseAlertsPerTokenMonth ?? 0);
  const presentRate = 1000 * (present?.falseAlertsPerTokenMonth ?? 0);
  const low = Math.floor(Math.log10(Math.min(promisedRate, oneAlertRate)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(promisedRate, presentRate, last))));
  const from = LEFT + NONE_WIDTH;
  const x = (rate: number) =>
    rate <= 0 ? LEFT + 14 : from + ((Math.log10(rate) - low) / (high - low)) * (WIDTH - RIGHT - from);
  const powers = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return {
    x,
    ticks: [{ at: x(0), shown: 'none' }, ...powers.map((rate) => ({ at: x(rate), shown: rateText(rate) }))],
  };
}

function presentMark(x: number, present: CurvePoint): Content {
  const y = shareY(present.recall);
  const rate = rateText(1000 * present.falseAlertsPerTokenMonth);
  return [dot(x, y, 'present'), beside(x, y + 18, `present: ${percentText(present.recall)} at ${rate}`, 'present')];
}

/** Words beside a mark, on the side where there is room. */
function beside(x: number, y: number, words: string, className: string): Markup {
  return x > WIDTH * 0.6 ? text(x - 7, y, words, 'end', className) : text(x + 7, y, words, 'start', className);
}

function shareY(share: number): number {
  return tenth(TOP + (1 - share) * (HEIGHT - TOP - BOTTOM));
}

function shareGrid(title: string): Content {
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => [
    line(LEFT, shareY(share), WIDTH - RIGHT, shareY(share), 'grid'),
    text(LEFT - 8, shareY(share) + 4, percentText(share), 'end'),
  ]);
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  return [lines, element('text', { transform: `translate(14 ${middle}) rotate(-90)`, 'text-anchor': 'middle' }, title)];
}

function xTick(x: number, shown: string): Content {
  return [line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5, 'axis'), text(x, HEIGHT - BOTTOM + 19, shown, 'middle')];
}

function xTitle(title: string): Markup {
  return text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, title, 'middle');
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', className = ''): Markup {
  return element('text', { x, y, 'text-anchor': anchor, ...(className && { class: className }) }, words);
}

function line(x1: number, y1: number, x2: number, y2: number, className: string): Markup {
  return element('line', { x1, y1, x2, y2, class: className });
}

function dot(cx: number, cy: number, className: string): Markup {
  return element('circle', { cx, cy, r: 5, class: className });
}

function figure(title: string, content: Content, width = WIDTH, height = HEIGHT): Markup {
  const attributes = { viewBox: `0 0 ${width} ${Math.ceil(height)}`, role: 'img' };
  return element('svg', attributes, element('title', {}, title), content);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Content, element, html, type Markup } from '../src/cli/markup.ts';
import { outcomeOf, type Results, type Row, rowsOf } from './results.ts';

const WIDTH = 860;
const ROW_HEIGHT = 30;
const LABEL_WIDTH = 400;
const MARGIN = 16;
/** Readable on a white page and on a dark one. */
const COLOURS = { ours: '#2f81f7', theirs: '#8b949e', text: '#6e7781', floor: '#d1242f', aim: '#1a7f37' } as const;
const BAR_MAX = WIDTH - LABEL_WIDTH - 120;

/** Writes what a run has measured as pictures into a folder. */
export async function drawPictures(results: Results, folder: string): Promise<void> {
  await writeFile(join(folder, 'bench-throughput.svg'), throughputPicture(results));
  await writeFile(join(folder, 'bench-promises.svg'), promisesPicture(rowsOf(results)));
}

function throughputPicture({ throughput }: Results): string {
  const tuned = throughput.kafkaStreamsTunedPerSecond;
  const bars = [
    ['kafkajs, JSON.parse and nothing else, one thread', throughput.parsePerSecond, COLOURS.theirs],
    ['Tokenwarden, all detectors, one thread', throughput.eventsPerSecond, COLOURS.ours],
    ['Tokenwarden, all detectors, one a core', throughput.coresPerSecond, COLOURS.ours],
    ['Kafka Streams, four features, all cores', throughput.kafkaStreamsPerSecond, COLOURS.theirs],
    ...(tuned === undefined ? [] : [['Kafka Streams, tuned by hand, all cores', tuned, COLOURS.theirs] as const]),
  ] as const;
  const most = Math.max(...bars.map(([, rate]) => rate));
  const rows = bars.map(([label, rate, colour], i) => {
    const shown = `${Math.round(rate / 1000)},000 events/s`;
    return bar(i, label, (rate / most) * BAR_MAX, colour, shown);
  });
  return picture('Events decided a second, read from Kafka', rows);
}

/** Each promise on a scale of its own, from the floor (left) to the aim (right). */
function promisesPicture(promises: readonly Row[]): string {
  const rows = promises.map((promise, i) => {
    const place = Math.min(1.25, Math.max(-0.25, placeOf(promise)));
    const outcome = outcomeOf(promise);
    const colour = outcome === 'MISS' ? COLOURS.floor : outcome === 'aim reached' ? COLOURS.aim : COLOURS.ours;
    const y = yOf(i) + ROW_HEIGHT / 2;
    const x = (share: number) => LABEL_WIDTH + 60 + (share + 0.25) * ((BAR_MAX - 60) / 1.5);
    return lines([
      text(MARGIN, y + 4, promise.what),
      element('line', { x1: x(-0.25), x2: x(1.25), y1: y, y2: y, stroke: COLOURS.theirs, 'stroke-opacity': '0.4' }),
      tick(x(0), y, COLOURS.floor),
      tick(x(1), y, COLOURS.aim),
      element('circle', { cx: x(place), cy: y, r: 6, fill: colour }),
      text(WIDTH - MARGIN, y + 4, `${Number(promise.value.toPrecision(3))} ${promise.unit}`, 'end'),
    ]);
  });
  return picture('Measured (dot) between floor (red) and aim (green)', rows);
}

/** 0 at the floor, 1 at the aim; by factors, since that is how one compares speeds. */
function placeOf({ value, floor, aim }: Row): number {
  if (floor <= 0 || value <= 0) return value >= aim ? 1.25 : value / aim;
  return Math.log(value / floor) / Math.log(aim / floor);
}

function bar(index: number, label: string, length: number, colour: string, shown: string): Content {
  const y = yOf(index);
  return lines([
    text(MARGIN, y + 19, label),
    element('rect', { x: LABEL_WIDTH, y: y + 6, width: length, height: ROW_HEIGHT - 12, rx: 3, fill: colour }),
    text(LABEL_WIDTH + length + 8, y + 19, shown),
  ]);
}

function tick(x: number, y: number, colour: string): Markup {
  return element('line', { x1: x, x2: x, y1: y - 8, y2: y + 8, stroke: colour, 'stroke-width': 2 });
}

function text(x: number, y: number, words: string, anchor = 'start'): Markup {
  return element('text', { x, y, 'text-anchor': anchor, fill: COLOURS.text }, words);
}

/** One a line, so that a change of one figure is a change of one line. */
function lines(contents: readonly Content[]): Content {
  return contents.map((content, i) => (i === 0 ? content : html`\n${content}`));
}

function yOf(index: number): number {
  return 44 + index * ROW_HEIGHT;
}

function picture(words: string, rows: readonly Content[]): string {
  const height = yOf(rows.length) + MARGIN;
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${WIDTH} ${height}`,
    width: WIDTH,
    'font-family': 'sans-serif',
    'font-size': 13,
    role: 'img',
  };
  const content = lines([element('title', {}, words), text(MARGIN, 26, words), ...rows]);
  return `${element('svg', attributes, html`\n${content}\n`)}\n`;
}

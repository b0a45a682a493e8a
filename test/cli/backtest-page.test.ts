import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/backtest/report.ts';
import { backtestPage } from '../../src/cli/backtest-page/page.ts';
import { PAYLOADS } from '../deliver/payloads.ts';
import { runTokenwarden } from '../support/run-tokenwarden.ts';

const TREACHEROUS = /[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u{3164}\u{115f}\u{2800}]|(?!\n)\p{Cc}/u;
const RUN = {
  input: 'events.jsonl.gz',
  labels: 'labels.jsonl',
  alarmBudget: '1 per 1,000 token-months',
  detectorCount: 13,
  ignoredCount: 0,
  unreadableCount: 0,
  version: '0.0.0',
};

let folder: string;
let report: Report;
let page: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenwarden-page-'));
  const [events, labels, html] = ['events.jsonl.gz', 'labels.jsonl', 'report.html'].map((name) => join(folder, name));
  const things = ['--scenario', 'leaked-ci-token', 'cloned-token', 'deploy', '--copies', '2', '--seed', 'page'];
  const fleet = [...things, '--tokens', '60', '--days', '35', '--output', events!, '--labels', labels!];
  expect(await runTokenwarden(['simulate', ...fleet])).toMatchObject({ code: 0 });
  // A budget at which something is told wrongly as well.
  const config = join(folder, 'tokenwarden.yaml');
  await writeFile(config, 'detection:\n  alarmBudget: 1 per token-month\n');
  const run = await runTokenwarden(['backtest', events!, '--labels', labels!, '--html', html!, '--json'], {
    cwd: folder,
  });
  expect(run).toMatchObject({ code: 0, err: '' });
  report = JSON.parse(run.out);
  page = await readFile(html!, 'utf8');
}, 120_000);

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** What stands in a report at `thefts.delays.worst.rows`. */
function at(path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], report);
}

function figuresOf(text: string) {
  return [...text.matchAll(/<data data-of="([^"]+)" value="([^"]*)">([^<]*)<\/data>/g)].map(
    ([, path = '', value = '', shown = '']) => ({ path, value, shown }),
  );
}

describe('the page of a backtest', () => {
  it('has the figures of the report, each where it says', () => {
    const figures = figuresOf(page);
    expect(figures.length).toBeGreaterThan(150);
    for (const { path, value } of figures) expect([path, value], path).toEqual([path, String(at(path) ?? '')]);
  });

  it('has all of what it promises to have', () => {
    const paths = new Set(figuresOf(page).map(({ path }) => path));
    const { scenarios, detectors, labels, falseAlertRows, settings } = report;
    expect(falseAlertRows.length).toBeGreaterThan(0);
    expect([...paths]).toEqual(
      expect.arrayContaining([
        'precision',
        'thefts.recall',
        'falseAlertsPer1000TokenMonths',
        'falseRevocationsPer1000TokenMonths',
        ...scenarios.map((_, i) => `scenarios.${i}.alerted`),
        ...detectors.map((_, i) => `detectors.${i}.precision`),
        ...settings.map((_, i) => `settings.${i}.recall`),
        ...labels.flatMap(({ kind }, i) => (kind === 'theft' ? [`labels.${i}.scoreMax`] : [])),
        ...falseAlertRows.map((_, i) => `falseAlertRows.${i}.score`),
      ]),
    );
  });

  it('says what rows are counted where the label says what was taken', () => {
    expect(page).toContain('are those that the thief took until the alert, where the label says what was taken');
  });

  it('shows figures as a person reads them', () => {
    const shown = new Map(figuresOf(page).map((figure) => [figure.path, figure.shown]));
    expect(shown.get('thefts.recall')).toBe(`${Math.round(100 * report.thefts.recall)} %`);
    expect(shown.get('eventCount')).toBe(report.eventCount.toLocaleString('en-US'));
    expect(page).toContain(`<h1>${report.thefts.caught} of ${report.thefts.count} thefts caught, `);
  });

  it('lists as many false alerts as it counts', () => {
    expect(report.falseAlertRows).toHaveLength(report.falseAlerts);
  });

  it('loads nothing and runs nothing', () => {
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|base|form)\b|https?:|url\(|@import|\son\w+=/i);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });

  it('is well formed: every element that is opened is closed in order', () => {
    const open = ['html'];
    const body = page.slice(page.indexOf('<body>'));
    for (const [, end, name = ''] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
      if (end === '') open.push(name);
      else expect(open.pop()).toBe(name);
      if (name === 'br') open.pop();
    }
    expect(open).toEqual([]);
  });

  it('draws curves to their end', () => {
    expect(page).toMatch(/<path d="M[\d.HV ]+" class="curve">/);
    expect(page).toMatch(/<polyline points="[\d., ]+" class="curve">/);
    expect(page).not.toContain('NaN');
  });
});

describe('strangers’ texts', () => {
  const hostile = (payload: string): Report => ({
    ...report,
    scenarios: report.scenarios.map((row) => ({ ...row, scenario: payload })),
    detectors: report.detectors.map((row) => ({ ...row, detector: payload })),
    labels: report.labels.map((row) => ({ ...row, scenario: payload, token: payload, detectors: [payload] })),
    falseAlertRows: report.falseAlertRows.map((row) => {
      return { ...row, token: payload, scenario: payload, detectors: [payload], explanations: [payload] };
    }),
  });
  const tagsOf = (text: string) =>
    text.match(/<[^>]*>/g)?.map((tag) => tag.replace(/ (style|x|y|cx|cy|d)="[^"]*"/g, ''));
  const pageOf = (text: string) => backtestPage(hostile(text), { ...RUN, input: text, labels: text });

  it.each(PAYLOADS.map((payload, i) => [i, payload] as const))(
    'neither make an element nor show what is not there: %i',
    (_, payload) => {
      const shown = pageOf(payload);
      expect(tagsOf(shown)).toEqual(tagsOf(pageOf('x')));
      expect(shown).not.toMatch(TREACHEROUS);
    },
  );
});

describe('a hostile history', () => {
  it('comes from the command line as harmless', async () => {
    const token = '<script>alert(1)</script>"&';
    const [events, labels, html] = ['hostile.jsonl', 'hostile.labels.jsonl', 'hostile.html'].map((name) =>
      join(folder, name),
    );
    const line = {
      scenario: '<b>stolen</b>\u202e',
      token,
      from: '2026-09-07T09:00:00Z',
      until: '2026-09-07T10:00:00Z',
    };
    await writeFile(events!, `${JSON.stringify({ time: '2026-09-07T09:00:00Z', token })}\n`);
    await writeFile(labels!, JSON.stringify(line));
    await runTokenwarden(['backtest', events!, '--labels', labels!, '--html', html!], { cwd: folder });
    const written = await readFile(html!, 'utf8');
    expect(written).not.toMatch(/<script|<b>stolen/);
    expect(written).toContain('&lt;b&gt;stolen&lt;/b&gt;\\u{202e}');
    expect(written).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;');
  });
});

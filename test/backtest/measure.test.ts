import { describe, expect, it } from 'vitest';
import { type Label, parseLabel } from '../../src/backtest/labels.ts';
import { Measurement } from '../../src/backtest/measure.ts';
import { recallAt, reportOf } from '../../src/backtest/report.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/baseline/time.ts';

const PROMISED = { alertThreshold: 10, revokeThreshold: 13, alertsPerTokenMonth: 0.5 };
const SETTINGS = [
  { alertsPerTokenMonth: 5, threshold: 5 },
  { alertsPerTokenMonth: 0.05, threshold: 13 },
];
const THEFT: Label = {
  scenario: 'export',
  kind: 'theft',
  token: 'victim',
  from: 10 * DAY_MS,
  until: 10 * DAY_MS + HOUR_MS,
};
const DEPLOY: Label = { ...THEFT, scenario: 'deploy', kind: 'benign', token: 'web' };

function measured(labels: readonly Label[], events: readonly (readonly [token: string, at: number, score: number])[]) {
  const measurement = new Measurement(labels, [5, 10, 13, 20]);
  for (const [token, at, score] of events) measurement.observe({ token, at, rows: 100 }, score);
  return measurement.finish();
}

describe('a measurement by labels', () => {
  it('says at each threshold when a theft was first seen, and what had left by then', () => {
    const { judged, falseAlerts } = measured(
      [THEFT],
      [
        ['victim', 0, 0],
        ['victim', THEFT.from, 4],
        ['victim', THEFT.from + MINUTE_MS, 12],
        ['victim', THEFT.from + 2 * MINUTE_MS, 15],
        ['victim', THEFT.until + HOUR_MS, 11],
      ],
    );
    const atOnce = { afterMs: MINUTE_MS, eventCount: 2, rowCount: 200 };
    const later = { afterMs: 2 * MINUTE_MS, eventCount: 3, rowCount: 300 };
    expect(judged).toMatchObject([{ eventCount: 3, rowCount: 300, crossings: [atOnce, atOnce, later, undefined] }]);
    expect(falseAlerts).toEqual([0, 0, 0, 0]);
  });

  it('counts what the thief took, and not what the owner did meanwhile, where the label knows', () => {
    const taken = [
      [THEFT.from, 7],
      [THEFT.from + 2 * MINUTE_MS, 10],
      [THEFT.from + 3 * MINUTE_MS, 3],
    ] as const;
    const { judged } = measured(
      [{ ...THEFT, taken }],
      [
        ['victim', THEFT.from, 4],
        ['victim', THEFT.from + MINUTE_MS, 4],
        ['victim', THEFT.from + 2 * MINUTE_MS, 12],
      ],
    );
    const crossing = { afterMs: 2 * MINUTE_MS, eventCount: 2, rowCount: 17 };
    expect(judged).toMatchObject([
      { eventCount: 3, rowCount: 20, crossings: [crossing, crossing, undefined, undefined] },
    ]);
  });

  it('counts what no theft explains: one alert until the token has been quiet for six hours', () => {
    const { falseAlerts } = measured(
      [THEFT],
      [
        ['victim', DAY_MS, 12],
        ['victim', DAY_MS + 5 * HOUR_MS, 6],
        ['victim', DAY_MS + 10 * HOUR_MS, 12],
        ['victim', THEFT.until + 23 * HOUR_MS, 25],
        ['victim', THEFT.until + 30 * HOUR_MS, 25],
        ['other', THEFT.from, 11],
      ],
    );
    expect(falseAlerts).toEqual([3, 4, 1, 1]);
  });

  it('counts token-months from the first event of each token to its last', () => {
    const { tokenMonths, tokenCount } = measured(
      [],
      [
        ['a', 0, 0],
        ['b', 15 * DAY_MS, 0],
        ['a', 30 * DAY_MS, 0],
        ['b', 45 * DAY_MS, 0],
      ],
    );
    expect({ tokenMonths, tokenCount }).toEqual({ tokenMonths: 2, tokenCount: 2 });
  });
});

describe('a report', () => {
  const events = [
    ['victim', 0, 0],
    ['web', 0, 0],
    ['web', DEPLOY.from, 11],
    ['victim', THEFT.from + 1000, 14],
    ['victim', THEFT.from + 2000, 14],
    ['victim', 30 * DAY_MS, 6],
    ['web', 30 * DAY_MS, 0],
  ] as const;
  const alertOf = (token: string, at: number) => {
    const worst = { score: 14, findings: [{ detector: 'volume-spike', explanation: 'Far more rows than ever.' }] };
    return { token, openedAt: at, updatedAt: at, worst } as unknown as Parameters<typeof reportOf>[1][number]['alert'];
  };
  const raised = [
    {
      alert: alertOf('victim', THEFT.from + 1000),
      wouldRevoke: true,
      isTold: true,
      without: new Map([['volume-spike', 11]]),
    },
    { alert: alertOf('web', DEPLOY.from), wouldRevoke: true, isTold: false, without: new Map([['volume-spike', 9]]) },
  ];
  const report = reportOf(measured([THEFT, DEPLOY], events), raised, PROMISED, SETTINGS);

  it('says what is caught, and what is paid for it', () => {
    expect(report).toMatchObject({
      tokenMonths: 2,
      thefts: { count: 1, caught: 1, recall: 1, wouldRevoke: 1 },
      alerts: { count: 2, told: 1 },
      falseAlerts: 1,
      falseAlertsPer1000TokenMonths: 500,
      budgetKept: 1,
      falseRevocations: 1,
      falseRevocationsPer1000TokenMonths: 500,
      precision: 0.5,
      firstAt: 0,
      lastAt: 30 * DAY_MS,
      detectors: [
        {
          detector: 'volume-spike',
          inThefts: 1,
          inFalseAlerts: 1,
          inFalseRevocations: 1,
          recall: 1,
          precision: 0.5,
          without: { caught: 1, falseAlerts: 0 },
        },
      ],
    });
    const common = { count: 1, alerted: 1, wouldRevoke: 1 };
    const [late, atOnce] = [
      { events: 1, seconds: 1, rows: 100, shareOfRows: 0.5 },
      { events: 1, seconds: 0, rows: 100, shareOfRows: 1 },
    ];
    expect(report.scenarios).toEqual([
      { scenario: 'export', kind: 'theft', ...common, delays: { median: late, worst: late } },
      { scenario: 'deploy', kind: 'benign', ...common, delays: { median: atOnce, worst: atOnce } },
    ]);
  });

  it('says of each thing that happened how it went, and of each false alert what it said', () => {
    expect(report.labels).toMatchObject([
      { scenario: 'export', scoreMax: 14, delay: { seconds: 1 }, detectors: ['volume-spike'], wouldRevoke: true },
      { scenario: 'deploy', scoreMax: 11, delay: { seconds: 0 }, detectors: ['volume-spike'], wouldRevoke: true },
    ]);
    expect(report.falseAlertRows).toEqual([
      {
        token: 'web',
        openedAt: DEPLOY.from,
        score: 14,
        detectors: ['volume-spike'],
        explanations: ['Far more rows than ever.'],
        wouldRevoke: true,
        scenario: 'deploy',
      },
    ]);
  });

  it('says what another alarm budget would have given', () => {
    expect(report.settings).toMatchObject([
      { alertsPerTokenMonth: 5, threshold: 5, caught: 1, falseAlerts: 2, falseAlertsPerTokenMonth: 1 },
      { alertsPerTokenMonth: 0.05, threshold: 13, caught: 1, falseAlerts: 0, precision: 1 },
    ]);
  });

  it('says how long it took where it took longest, each figure for itself', () => {
    const others = [60, 600].map((seconds, i): Label => {
      return { ...THEFT, token: `victim-${i}`, from: THEFT.from - seconds * 1000 };
    });
    const three = measured(
      [THEFT, ...others],
      [
        ['victim', THEFT.from, 14],
        ['victim-0', THEFT.from - 1, 0],
        ['victim-0', THEFT.from, 14],
        ['victim-1', THEFT.from, 14],
      ],
    );
    expect(reportOf(three, [], PROMISED, []).thefts.delays).toEqual({
      median: { events: 1, seconds: 60, rows: 100, shareOfRows: 1 },
      worst: { events: 2, seconds: 600, rows: 200, shareOfRows: 1 },
    });
  });

  it('says what another threshold would have given', () => {
    expect(report.curve.map(({ recall, falseAlertsPerTokenMonth }) => [recall, falseAlertsPerTokenMonth])).toEqual([
      [1, 1],
      [1, 0.5],
      [1, 0],
      [0, 0],
    ]);
    expect([recallAt(report, 1), recallAt(report, 0)]).toEqual([1, 1]);
  });
});

describe('a label', () => {
  const line = {
    scenario: 'export',
    token: 'victim',
    from: '2026-09-07T09:00:00Z',
    until: '2026-09-07T11:00:00+01:00',
  };

  it('is a theft unless it says otherwise', () => {
    const from = Date.UTC(2026, 8, 7, 9);
    expect(parseLabel(JSON.stringify(line))).toEqual({ ...line, kind: 'theft', from, until: from + HOUR_MS });
  });

  it('may say what was taken, which is put in order', () => {
    const taken = [
      ['2026-09-07T09:30:00Z', 40],
      ['2026-09-07T09:10:00Z', 0],
    ];
    const from = Date.UTC(2026, 8, 7, 9);
    expect(parseLabel(JSON.stringify({ ...line, taken }))).toMatchObject({
      taken: [
        [from + 10 * MINUTE_MS, 0],
        [from + 30 * MINUTE_MS, 40],
      ],
    });
  });

  it.each([
    ['{', 'not JSON'],
    [JSON.stringify({ ...line, from: 'yesterday' }), 'from: must be an ISO 8601 time'],
    [JSON.stringify({ ...line, until: '2026-09-07T08:00:00Z' }), '"until" lies before "from"'],
    [JSON.stringify({ ...line, colour: 'red' }), 'colour'],
    [JSON.stringify({ ...line, taken: [['2026-09-07T09:30:00Z', -1]] }), 'taken.0.1'],
  ])('is refused with a reason: %s', (text, reason) => {
    expect(() => parseLabel(text)).toThrow(reason);
  });
});

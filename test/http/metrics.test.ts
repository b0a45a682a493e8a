import { expect, it } from 'vitest';
import { histogramSamples, renderMetrics } from '../../src/http/metrics.ts';

it('renders what Prometheus reads, whatever a label says', () => {
  const samples = [
    { labels: { target: 'a "b" \\ c\nd' }, value: 1.5 },
    { labels: { target: 'plain' }, value: Number.POSITIVE_INFINITY },
  ];
  expect(renderMetrics([{ name: 'tokenwarden_x_total', kind: 'counter', help: 'One\nline.', samples }])).toBe(
    [
      '# HELP tokenwarden_x_total One\\nline.',
      '# TYPE tokenwarden_x_total counter',
      'tokenwarden_x_total{target="a \\"b\\" \\\\ c\\nd"} 1.5',
      'tokenwarden_x_total{target="plain"} +Inf',
      '',
    ].join('\n'),
  );
});

it('adds buckets up', () => {
  const samples = histogramSamples([0.1, 1], [2, 3, 4], 12.5);
  expect(renderMetrics([{ name: 'd_seconds', kind: 'histogram', help: 'D.', samples }])).toBe(
    [
      '# HELP d_seconds D.',
      '# TYPE d_seconds histogram',
      'd_seconds_bucket{le="0.1"} 2',
      'd_seconds_bucket{le="1"} 5',
      'd_seconds_bucket{le="+Inf"} 9',
      'd_seconds_sum 12.5',
      'd_seconds_count 9',
      '',
    ].join('\n'),
  );
});

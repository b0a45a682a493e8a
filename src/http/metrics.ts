/** One metric with its samples, as Prometheus reads them. */
export interface Metric {
  /** Ends in its unit, counters in `_total`. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** What is put behind the metric's name: histograms have several series. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  /** Only words of the configuration and the program: never anything that an event says. */
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Content type of what `renderMetrics` gives. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Prometheus's text format, version 0.0.4. */
export function renderMetrics(metrics: readonly Metric[]): string {
  return metrics.map(renderMetric).join('');
}

function renderMetric({ name, kind, help, samples }: Metric): string {
  const lines = [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${kind}`];
  for (const { suffix = '', labels = {}, value } of samples)
    lines.push(`${name}${suffix}${renderLabels(labels)} ${numberOf(value)}`);
  return `${lines.join('\n')}\n`;
}

function renderLabels(labels: Readonly<Record<string, string | number>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** A counter or gauge for each entry of a map, under one label. */
export function samplesOf(label: string, values: Iterable<readonly [string, number]>): readonly Sample[] {
  return Array.from(values, ([key, value]) => ({ labels: { [label]: key }, value }));
}

/**
 * Samples of a histogram.
 *
 * @param bounds upper bounds of the buckets, in the metric's unit
 * @param counts of each bucket by itself, and of what is above the last
 */
export function histogramSamples(bounds: readonly number[], counts: ArrayLike<number>, sum: number): readonly Sample[] {
  const samples: Sample[] = [];
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    total += counts[i] ?? 0;
    samples.push({ suffix: '_bucket', labels: { le: i < bounds.length ? String(bounds[i]) : '+Inf' }, value: total });
  }
  return [...samples, { suffix: '_sum', value: sum }, { suffix: '_count', value: total }];
}

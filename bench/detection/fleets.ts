import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LabelRow, Report } from '../../src/backtest/report.ts';
import { CANARY_TABLE } from '../../src/simulate/certain.ts';
import { median } from '../quantile.ts';

// `npm run bench:fleets -- --seed S...`: made-up fleets with everything that befalls single tokens, through the commands that anyone can
// give (`simulate`, then `backtest`), and what came of each scenario over all seeds.

const PROGRAM = 'src/cli/main.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', multiple: true, default: ['1', '2', '3'] },
    tokens: { type: 'string', default: '120' },
    copies: { type: 'string', default: '2' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'tokenwarden-fleets-'));
const config = join(folder, 'tokenwarden.yaml');
try {
  writeFileSync(config, JSON.stringify({ detection: { detectors: { canary: { tables: [CANARY_TABLE] } } } }));
  const reports = values.seed.map((seed) => {
    const report = lived(seed);
    console.error(
      `${seed}: ${report.thefts.caught} of ${report.thefts.count} caught, ${report.falseAlerts} false alerts`,
    );
    return report;
  });
  print(reports);
} finally {
  rmSync(folder, { recursive: true });
}

function lived(seed: string): Report {
  const [events, labels] = [join(folder, 'events.jsonl.gz'), join(folder, 'labels.jsonl')];
  const { tokens, copies } = values;
  run(['simulate', '--seed', seed, '--tokens', tokens, '--copies', copies, '--output', events, '--labels', labels]);
  return JSON.parse(run(['backtest', events, '--labels', labels, '--json', '--config', config])) as Report;
}

function run(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

function print(reports: readonly Report[]): void {
  const scenarios = Map.groupBy(
    reports.flatMap(({ labels }) => labels),
    ({ kind, scenario }) => `${kind} ${scenario}`,
  );
  console.log(
    '| scenario | alerted | would be revoked | events, seconds until then (median) | left by then (median) |',
  );
  console.log('| --- | ---: | ---: | ---: | ---: |');
  for (const [name, rows] of scenarios) console.log(lineOf(name, rows));
  const months = sum(reports.map(({ tokenMonths }) => tokenMonths));
  const promised = (reports[0]?.promised.alertsPerTokenMonth ?? Number.NaN) * months;
  const falseOnes = reports.flatMap(({ falseAlertRows }) => falseAlertRows);
  const unexplained = falseOnes.filter(({ scenario }) => scenario === null).length;
  console.log(
    `\n${months.toFixed(0)} token-months; ${falseOnes.length} false alerts, ${unexplained} of them of nothing that happened; ${promised.toFixed(1)} promised.`,
    `${sum(reports.map(({ falseRevocations }) => falseRevocations))} false revocations.`,
  );
}

function lineOf(name: string, rows: readonly LabelRow[]): string {
  const told = rows.flatMap(({ delay }) => delay ?? []);
  const revoked = rows.filter(({ wouldRevoke }) => wouldRevoke).length;
  const when =
    told.length === 0
      ? ''
      : `${median(told.map(({ events }) => events))}, ${median(told.map(({ seconds }) => seconds)).toFixed(0)}`;
  const left = told.length === 0 ? '' : `${(100 * median(told.map(({ shareOfRows }) => shareOfRows))).toFixed(0)} %`;
  return `| ${name} | ${told.length} of ${rows.length} | ${revoked} | ${when} | ${left} |`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

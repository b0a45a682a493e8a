import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseLabel } from '../../src/backtest/labels.ts';
import { thresholdsOf } from '../../src/detect/budget.ts';
import { type Compared, compare } from './compare.ts';
import { type Grafted, graft } from './graft.ts';
import { BUDGETS, type Verdict } from './judge.ts';
import { outsideMethod } from './outside.ts';
import { ablations, tokenwarden } from './own.ts';
import { buildPrograms } from './programs.ts';
import { firstSeen, medianDeviation, staticThresholds, zScore } from './rules.ts';
import type { Method } from './scored-log.ts';
import { withSmoothing } from './smooth.ts';
import { SOURCES } from './sources.ts';
import { headOf, lineOf, pricesOf } from './table.ts';

// `npm run bench:detection -- SOURCE FILE...`: thefts grafted into a recorded log, and how many of them are caught at which price. False alerts
// are counted on the log as it was, after the time in which baselines are made; the thefts on the grafted one. `--peers`: the same for what
// people would otherwise use, on the same events. `--ablation`: with one detector less, each in its turn. `--json`: for machines, with every
// variant. `--budget B`: at which prices, in false alerts a token-month. Several seeds are several grafted logs, judged together. `--stolen FILE
// --labels FILE`: thefts that are in a log already, as `tokenwarden simulate` writes them, instead of grafted ones.

const bitsOf = (promised: number) => thresholdsOf({ alarms: promised, tokenMonths: 1 }).alert;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', multiple: true, default: ['1'] },
    thefts: { type: 'string', default: '4' },
    peers: { type: 'boolean', default: false },
    ablation: { type: 'boolean', default: false },
    budget: { type: 'string', multiple: true, default: BUDGETS.map(String) },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
    stolen: { type: 'string' },
    labels: { type: 'string' },
  },
});
const [source = '', ...paths] = positionals;
const read = SOURCES[source];
const budgets = values.budget.map(Number);
if (read === undefined || paths.length === 0 || !budgets.every((budget) => budget > 0)) {
  const options =
    '[--seed S] [--budget FALSE_ALERTS_A_TOKEN_MONTH]... [--thefts PER_VICTIM] [--stolen FILE --labels FILE] [--peers [--only NAME]...] [--ablation] [--json]';
  console.error(`npm run bench:detection -- ${Object.keys(SOURCES).join('|')} FILE... ${options}`);
  process.exit(2);
}

/** With `--json`, the table is only to be looked at meanwhile. */
const say = values.json ? console.error : console.log;
const events = await read(...paths);
const grafts = values.stolen
  ? [await stolenLog(read, values.stolen, values.labels)]
  : values.seed.map((seed) => graft(events, seed, Number(values.thefts)));
const others = [...(values.ablation ? await ablations() : []), ...(values.peers ? await peerMethods() : [])];
const all: (readonly Compared[])[] = [];
for await (const variants of compare(events, grafts, [tokenwarden, ...others], budgets, budgets.map(bitsOf))) {
  const [best] = variants;
  if (best !== undefined) {
    if (all.length === 0) printOwn(best.verdict);
    say(lineOf(best));
  }
  all.push(variants);
}
if (values.json) console.log(JSON.stringify({ source, seeds: values.seed, methods: all.flat().map(inShort) }));

async function stolenLog(readLog: typeof read & {}, file: string, labelFile = ''): Promise<Grafted> {
  const labels = readFileSync(labelFile, 'utf8').trim().split('\n').map(parseLabel);
  return { events: await readLog(file), labels: labels.filter(({ kind }) => kind === 'theft') };
}

async function peerMethods(): Promise<readonly Method[]> {
  const { programs, missing } = await buildPrograms();
  for (const what of missing) console.error(`LEFT OUT: ${what}`);
  return [staticThresholds, zScore, medianDeviation, firstSeen, ...programs.map(outsideMethod)]
    .filter(({ name }) => values.only.length === 0 || values.only.includes(name))
    .map(withSmoothing);
}

function printOwn(verdict: Verdict): void {
  const { eventCount, tokenCount, tokenMonths } = verdict.untouched;
  const counted = `${eventCount} events of ${tokenCount} tokens counted, ${tokenMonths.toFixed(1)} token-months`;
  say(`${counted}; ${grafts.flatMap(({ labels }) => labels).length} thefts grafted`);
  say(pricesOf(verdict));
  for (const { promised, kept } of keptOf(verdict))
    say(`promised ${promised} a token-month: ${kept.toFixed(3)}, ${(kept / promised).toFixed(2)} × the budget`);
  say(headOf(verdict));
}

/** What Tokenwarden's own thresholds let through. */
function keptOf({ untouched: { thresholds, falseAlerts, tokenMonths } }: Verdict) {
  return budgets.map((promised) => {
    const level = thresholds.findIndex((bits) => bits >= bitsOf(promised));
    return { promised, kept: (falseAlerts[level] ?? 0) / tokenMonths };
  });
}

function inShort({ method, variant, verdict, seconds }: Compared) {
  const { eventCount, tokenCount, tokenMonths } = verdict.untouched;
  const kept = method === tokenwarden.name ? { kept: keptOf(verdict) } : {};
  return { method, variant, seconds, eventCount, tokenCount, tokenMonths, caught: verdict.caught, ...kept };
}

import { parseArgs } from 'node:util';
import type { Label } from '../../src/backtest/labels.ts';
import { type Measured, Measurement } from '../../src/backtest/measure.ts';
import { Engine } from '../../src/detect/engine.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { engineOptions } from '../detect.ts';
import { median } from '../quantile.ts';
import { graft } from './graft.ts';
import { SOURCES } from './sources.ts';

// `node bench/detection/main.ts SOURCE FILE`: thefts grafted into a recorded log, and how many of them are caught at which price. False alerts
// are counted on the log as it was, after the time in which baselines are made; the thefts on the grafted one.

const BUDGETS = [10, 1, 0.1];
/** Bits; the finest steps where budgets are. */
const THRESHOLDS = Array.from({ length: 800 }, (_, i) => 0.05 * (i + 1));
/** The first part of a log teaches, and is not counted. */
const TAUGHT_SHARE = 0.6;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, thefts: { type: 'string', default: '3' } },
});
const [source = '', path = ''] = positionals;
const read = SOURCES[source];
if (read === undefined || path === '') {
  console.error(`node bench/detection/main.ts ${Object.keys(SOURCES).join('|')} FILE [--seed S] [--thefts PER_VICTIM]`);
  process.exit(2);
}

const events = await read(path);
const calmUntil = (events[0]?.at ?? 0) + TAUGHT_SHARE * ((events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0));
const untouched = await judge(events, []);
const grafted = graft(events, values.seed, Number(values.thefts));
const stolen = await judge(grafted.events, grafted.labels);
print(untouched, stolen);

async function judge(log: readonly AuditEvent[], labels: readonly Label[]): Promise<Measured> {
  const engine = new Engine(await engineOptions(100_000));
  const measurement = new Measurement(labels, THRESHOLDS);
  for (const [offset, event] of log.entries()) {
    engine.observe(event, offset, event.at);
    if (event.at > calmUntil) measurement.observe(event, engine.lastScore);
  }
  return measurement.finish();
}

function print(before: Measured, after: Measured): void {
  const { falseAlerts, tokenMonths, eventCount, tokenCount } = before;
  console.log(
    `${eventCount} events of ${tokenCount} tokens counted, ${tokenMonths.toFixed(1)} token-months; ${after.judged.length} thefts grafted`,
  );
  console.log('false alerts a token-month   threshold   caught   median events until then');
  for (const budget of BUDGETS) {
    const level = falseAlerts.findIndex((count) => count / tokenMonths <= budget);
    const caught = after.judged.flatMap(({ crossings }) => crossings[level] ?? []);
    const share = caught.length / after.judged.length;
    const events = median(caught.map(({ eventCount: count }) => count));
    console.log(
      `${String(budget).padStart(26)}   ${(THRESHOLDS[level] ?? Number.NaN).toFixed(2).padStart(9)}   ${share.toFixed(3).padStart(6)}   ${events}`,
    );
  }
  for (const promised of [1, 0.1]) {
    const threshold = Math.log2(30 / promised);
    const level = THRESHOLDS.findIndex((bits) => bits >= threshold);
    const kept = (falseAlerts[level] ?? 0) / tokenMonths;
    console.log(`promised ${promised} a token-month: ${kept.toFixed(3)}, ${(kept / promised).toFixed(2)} × the budget`);
  }
}

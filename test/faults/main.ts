import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/domain/random.ts';
import { type KafkaServer, startKafka } from '../support/kafka-server.ts';
import { Missing } from '../support/missing.ts';
import type { Facts, LogKind, Scenario } from './scenario.ts';

// `npm run faults` hurts real processes in every way that `scenarios/` knows, and ends with "N passed, N failed, N skipped".

const USAGE = 'usage: npm run faults -- [--seed S] [--only id,id] [--log kafka|embedded] [--short] [--list]';
const SCENARIOS = join(import.meta.dirname, 'scenarios');

interface Row {
  readonly id: string;
  readonly log: LogKind;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly tookSeconds: number;
  readonly facts: Facts;
}

const options = readOptions();
const scenarios = choose(await loadScenarios());
if (options.list) {
  for (const { id, on, title } of scenarios) console.log(`${id} (${on.join(', ')}): ${title}`);
  process.exit();
}
let shared: ReturnType<typeof startKafka> | undefined;
console.log(`npm run faults -- --seed ${options.seed}${options.short ? ' --short' : ''}`);
const rows: Row[] = [];
try {
  for (const scenario of scenarios) {
    for (const log of logsOf(scenario)) rows.push(await run(scenario, log));
  }
} finally {
  const server = await shared;
  if (server && 'stop' in server) await server.stop();
}
report();

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: String(Date.now()) },
        only: { type: 'string' },
        log: { type: 'string' },
        short: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : String(cause));
  }
}

function refuse(why: string): never {
  console.error(`${why}\n${USAGE}`);
  process.exit(2);
}

async function loadScenarios(): Promise<readonly Scenario[]> {
  const files = (await readdir(SCENARIOS)).filter((name) => name.endsWith('.ts')).sort();
  return Promise.all(
    files.map(async (name) => ((await import(join(SCENARIOS, name))) as { default: Scenario }).default),
  );
}

function choose(all: readonly Scenario[]): readonly Scenario[] {
  const wanted = options.only?.split(',');
  const unknown = wanted?.find((id) => !all.some((scenario) => scenario.id === id));
  if (unknown !== undefined)
    refuse(`no scenario is named "${unknown}"; there are ${all.map(({ id }) => id).join(', ')}`);
  if (wanted) return all.filter(({ id }) => wanted.includes(id));
  return options.short ? all.filter(({ isShort }) => isShort) : all;
}

function logsOf({ on, isShort }: Scenario): readonly LogKind[] {
  if (options.log !== undefined) return on.filter((log) => log === options.log);
  return options.short && typeof isShort === 'string' ? [isShort] : on;
}

async function run(scenario: Scenario, log: LogKind): Promise<Row> {
  const { id, title } = scenario;
  console.log(`\n${id} on ${log}: ${title}`);
  const folder = await mkdtemp(join(tmpdir(), `tokenwarden-faults-${id}-`));
  const undoing: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const startedAt = performance.now();
  let state: Row['state'] = 'failed';
  let facts: Facts = {};
  try {
    facts = await scenario.run({
      log,
      random: createRandom(`${options.seed}/${id}/${log}`),
      isShort: options.short,
      folder,
      kafka,
      defer: (undo) => void undoing.push(undo),
    });
    state = 'passed';
  } catch (cause) {
    if (cause instanceof Missing) state = 'skipped';
    facts = { why: cause instanceof Error ? cause.message.split('\n', 1)[0]! : String(cause) };
    if (cause instanceof Missing) console.warn(`!!! SKIPPED ${id} on ${log}: ${cause.message}`);
    else console.error(`FAILED ${id} on ${log} (seed ${options.seed}):`, cause);
  }
  for (const undo of undoing.toReversed()) await undo();
  const row = { id, log, state, tookSeconds: Math.round((performance.now() - startedAt) / 100) / 10, facts };
  if (state === 'passed') console.log(`passed in ${row.tookSeconds} s: ${textOf(facts)}`);
  return row;
}

async function kafka(): Promise<KafkaServer> {
  shared ??= startKafka();
  const server = await shared;
  if ('skipped' in server) throw new Missing(server.skipped);
  return server;
}

function textOf(facts: Facts): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** As Markdown, to be pasted into a page. */
function report(): void {
  const width = (pick: (row: Row) => string) => Math.max(...rows.map((row) => pick(row).length), 8);
  const [ids, states] = [width(({ id }) => id), width(({ state }) => state)];
  console.log(`\n| ${'scenario'.padEnd(ids)} | log      | ${'outcome'.padEnd(states)} |    s | what was seen |`);
  console.log(`| ${'-'.repeat(ids)} | -------- | ${'-'.repeat(states)} | ---: | ------------- |`);
  for (const { id, log, state, tookSeconds, facts } of rows) {
    const took = String(Math.round(tookSeconds)).padStart(4);
    console.log(`| ${id.padEnd(ids)} | ${log.padEnd(8)} | ${state.padEnd(states)} | ${took} | ${textOf(facts)} |`);
  }
  const count = (wanted: Row['state']) => rows.filter(({ state }) => state === wanted).length;
  console.log(
    `\nseed ${options.seed}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`,
  );
  process.exitCode = count('failed') > 0 || count('passed') + count('skipped') === 0 ? 1 : 0;
}

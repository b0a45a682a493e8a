import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/domain/random.ts';
import type { TokenwardenProcess } from '../../support/tokenwarden-process.ts';
import { closeBooks, type Installation, install, refuseSome } from '../installation.ts';
import type { FaultContext, Scenario } from '../scenario.ts';
import { start } from '../start.ts';
import { STEPS, TRAP_VARIABLE, TRAPPED, type Trap } from '../steps.ts';
import { createTraffic, type Traffic } from '../traffic.ts';

const TRAPPED_MAIN = join(import.meta.dirname, '..', 'trapped-main.ts');
/** After a week a baseline is old enough to revoke on. */
const DAYS = 8;
const FEED_MS = 400;
/** Steps that nothing but an alert leads to: thefts are not wasted on the others. */
const TAKES_THEFTS = /^respond|finding|ledger/;

/** Hundreds of lives leave much to be done, and how fast is not the question here. */
const SETTLED_MS_MAX = 600_000;

/** A trap that is not reached by then counts as missed: nothing may. */
const LIFE_MS_MAX = 45_000;

/** Each life of the process ends at a step of its own; what all those lives leave behind is what one undisturbed life would have. */
export default {
  id: 'steps',
  title: 'kill -9 and SIGTERM before, during and after each named step of each stage',
  on: ['embedded', 'kafka'],
  isShort: true,
  async run(context) {
    const installation = await install(context);
    const path = join(context.folder, 'input.jsonl');
    const traffic = createTraffic('steps', context.isShort ? 30 : 60);
    const feed = (lines: readonly string[]) => appendFileSync(path, lines.map((line) => `${line}\n`).join(''));
    for (let day = 0; day < DAYS; day++) feed(traffic.takeDay());
    const config = installation.configOf([{ name: 'input', kind: 'file', format: 'canonical', path }]);
    const tally: Tally = { SIGKILL: 0, SIGTERM: 0, stopMsMax: 0 };
    for (const trap of planOf(context)) await live({ context, installation, config, traffic, feed }, trap, tally);
    const last = await start(context, config);
    feed(traffic.take(100));
    const books = await closeBooks(installation, traffic, last, SETTLED_MS_MAX);
    return { steps: STEPS.length, ...tally, ...books };
  },
} satisfies Scenario;

interface Tally {
  SIGKILL: number;
  SIGTERM: number;
  /** The slowest end after SIGTERM. */
  stopMsMax: number;
}

/** Every step with every moment and signal; or, in short, a few of them drawn so that each step may come. */
function planOf({ random, isShort, log }: FaultContext): readonly Trap[] {
  const all = STEPS.flatMap((step) =>
    (['before', 'during', 'after'] as const).flatMap((moment) =>
      (['SIGKILL', 'SIGTERM'] as const).map((signal) => ({ step, moment, signal, turn: turnOf(step, random) })),
    ),
  );
  const shuffled = all
    .map((trap) => ({ trap, rank: random.next() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ trap }) => trap);
  if (!isShort) return log === 'embedded' ? [...shuffled, ...shuffled] : shuffled;
  return shuffled.slice(0, log === 'embedded' ? 10 : 6);
}

function turnOf(step: Trap['step'], random: Random): number {
  return /restore|term/.test(step) ? 1 : 1 + random.below(3);
}

interface Life {
  readonly context: FaultContext;
  readonly installation: Installation;
  readonly config: object;
  readonly traffic: Traffic;
  readonly feed: (lines: readonly string[]) => void;
}

async function live({ context, installation, config, traffic, feed }: Life, trap: Trap, tally: Tally): Promise<void> {
  // The archive takes seconds to start: it runs where it is what dies.
  const args = trap.step.startsWith('archive') ? [] : ['--stages', 'collect,detect,respond'];
  const env = { [TRAP_VARIABLE]: JSON.stringify(trap) };
  const tokenwarden = await start(context, config, { main: TRAPPED_MAIN, env, args });
  const disarm = armReceiver(installation, tokenwarden, trap);
  const name = `${trap.signal} ${trap.moment} ${trap.step} (time ${trap.turn})`;
  const startedAt = performance.now();
  let nextFeedAt = 0;
  let springedAt: number | undefined;
  let isRenewed = false;
  while (!tokenwarden.exited) {
    const now = performance.now();
    if (springedAt === undefined && tokenwarden.log().includes(TRAPPED)) springedAt = now;
    if (now - startedAt > LIFE_MS_MAX) throw new Error(`${name} was not reached or survived:\n${tokenwarden.log()}`);
    if (springedAt === undefined && now > nextFeedAt) {
      const isAwaited = TAKES_THEFTS.test(trap.step);
      // Once: a week takes longer to pass than its tokens to be stolen, and another behind it would only put off what is awaited.
      if (isAwaited && !isRenewed && traffic.isUsedUp()) {
        feed(traffic.renew(DAYS));
        isRenewed = true;
      }
      feed([...traffic.take(20), ...(isAwaited ? traffic.takeTheft() : []), ...traffic.takeBad()]);
      nextFeedAt = now + FEED_MS;
    }
    await sleep(5);
  }
  disarm();
  const code = await tokenwarden.ended();
  if (trap.signal !== 'SIGSTOP') tally[trap.signal] += 1;
  if (trap.signal === 'SIGKILL') {
    assert.equal(code, null, `${name}: ended with ${code}\n${tokenwarden.log()}`);
    return;
  }
  assert.equal(code, 0, `${name}: ended with ${code}\n${tokenwarden.log()}`);
  const stopMs = Math.round(performance.now() - (springedAt ?? startedAt));
  tally.stopMsMax = Math.max(tally.stopMsMax, springedAt === undefined ? 0 : stopMs);
}

/** The attempt itself happens at the receiver: the process dies when its call has arrived, or with the answer on its way. */
function armReceiver({ receiver }: Installation, tokenwarden: TokenwardenProcess, trap: Trap): () => void {
  if (trap.step !== 'respond: attempt') return () => undefined;
  let turn = 0;
  receiver.always(() => {
    if (++turn !== trap.turn) return refuseSome(turn);
    if (trap.moment === 'after') setImmediate(() => tokenwarden.signal(trap.signal));
    else tokenwarden.signal(trap.signal);
    return trap.moment === 'during' ? { delayMs: 50 } : {};
  });
  return () => receiver.always(() => refuseSome(++turn));
}

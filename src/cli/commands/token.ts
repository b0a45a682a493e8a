import { Command } from 'commander';
import { safeText } from '../../deliver/safe-text.ts';
import type { GivenNotice } from '../../domain/notice.ts';
import { readTokenState, type TokenState } from '../../pipeline/token-state.ts';
import { engineOptions, keysOf } from '../../runtime/reading.ts';
import { type CliIo, table, UsageError } from '../io.ts';
import { leakText, readLedger } from '../ledger.ts';
import { configOption, withLog } from '../project.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

export function tokenCommand(io: CliIo): Command {
  const command = new Command('token').description('show what is known about a token');
  command
    .command('show')
    .description('show how long a token is known, how suspicious it is, and its alerts')
    .argument('<token>', 'its id')
    .option('--json', 'print JSON')
    .addOption(configOption())
    .action((token: string, options: Options) =>
      withLog(io, options.config, 'read', async (log, { config, detectors }) => {
        const engine = engineOptions(config, detectors, keysOf(config), () => undefined);
        const state = await readTokenState(log, engine, token);
        const { alerts, leaks } = await readLedger(log);
        const leak = leaks.get(token);
        if (state === undefined && leak === undefined)
          throw new UsageError(`no events of a token named ${JSON.stringify(token)} have been learned`, 1);
        const ids = [...alerts.values()].filter(({ alert }) => alert.token === token).map(({ alert }) => alert.id);
        show(io, { ...(state ?? { ...UNSEEN, token }), alerts: ids, ...(leak ? { leak } : {}) }, options);
      }),
    );
  return command;
}

/** Of a token of which only a report is known. */
const UNSEEN = { firstSeenAt: 0, lastSeenAt: 0, eventCount: 0, suspicions: [] };

interface Shown extends TokenState {
  readonly alerts: readonly string[];
  readonly leak?: GivenNotice;
}

function show(io: CliIo, shown: Shown, { json }: Options): void {
  if (json) {
    io.out(`${JSON.stringify(shown, null, 2)}\n`);
    return;
  }
  const { token, firstSeenAt, lastSeenAt, eventCount, alerts, leak, suspicions } = shown;
  io.out(`token       ${safeText(token, 200)}\n`);
  io.out(`first seen  ${timeText(firstSeenAt)}\n`);
  io.out(`last seen   ${timeText(lastSeenAt)}\n`);
  io.out(`events      ${eventCount}\n`);
  io.out(`alerts      ${alerts.join(', ') || 'none'}\n`);
  if (leak) io.out(`leaked      ${leakText(leak)}\n`);
  io.out('\n');
  table(
    io,
    ['DETECTOR', 'EVIDENCE NOW (BITS)', 'DAYS CALIBRATED'],
    suspicions.map(({ detector, sum, days }) => [detector, sum.toFixed(1), days.toFixed(0)]),
  );
}

function timeText(at: number): string {
  return at === 0 ? 'never' : new Date(at).toISOString();
}

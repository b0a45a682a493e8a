import { Command } from 'commander';
import { safeText } from '../../deliver/safe-text.ts';
import { readTokenState, type TokenState } from '../../pipeline/token-state.ts';
import { engineOptions, keysOf } from '../../runtime/reading.ts';
import { type CliIo, table, UsageError } from '../io.ts';
import { readLedger } from '../ledger.ts';
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
        if (state === undefined)
          throw new UsageError(`no events of a token named ${JSON.stringify(token)} have been learned`, 1);
        const { alerts } = await readLedger(log);
        show(
          io,
          state,
          [...alerts.values()].filter(({ alert }) => alert.token === token).map(({ alert }) => alert.id),
          options,
        );
      }),
    );
  return command;
}

function show(io: CliIo, state: TokenState, alerts: readonly string[], { json }: Options): void {
  if (json) {
    io.out(`${JSON.stringify({ ...state, alerts }, null, 2)}\n`);
    return;
  }
  io.out(`token       ${safeText(state.token, 200)}\n`);
  io.out(`first seen  ${new Date(state.firstSeenAt).toISOString()}\n`);
  io.out(`last seen   ${new Date(state.lastSeenAt).toISOString()}\n`);
  io.out(`events      ${state.eventCount}\n`);
  io.out(`alerts      ${alerts.join(', ') || 'none'}\n\n`);
  table(
    io,
    ['DETECTOR', 'EVIDENCE NOW (BITS)', 'DAYS CALIBRATED'],
    state.suspicions.map(({ detector, sum, days }) => [detector, sum.toFixed(1), days.toFixed(0)]),
  );
}

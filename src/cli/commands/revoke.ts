import { userInfo } from 'node:os';
import { Command } from 'commander';
import { policyOf } from '../../config/mapping.ts';
import { refusalOf, revokerFor } from '../../decide/responder.ts';
import { type PersonRequest, requestRecord } from '../../pipeline/findings.ts';
import { TOPICS } from '../../pipeline/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type CliIo, UsageError } from '../io.ts';
import { readLedger } from '../ledger.ts';
import { configOption, withLog } from '../project.ts';

/** Asks the running responder to revoke the token of an alert, or to undo that. */
export function revokeCommand(io: CliIo): Command {
  return new Command('revoke')
    .description('revoke the token of an alert (also one that is held or only shadowed), or undo a revocation')
    .argument('<alert>', 'id of the alert: see "tokenwarden alerts list"')
    .option('--undo', 'give the token back')
    .addOption(configOption())
    .action(async (alertId: string, options: { undo?: boolean; config?: string }) => {
      await withLog(io, options.config, 'append', async (log, { config }) => {
        const { alerts } = await readLedger(log);
        const entry = alerts.get(alertId);
        if (entry === undefined)
          throw new UsageError(`no alert has the id "${alertId}": see "tokenwarden alerts list"`, 1);
        const kind = options.undo ? 'undo' : 'revoke';
        const refusal = refusalOf(kind, entry);
        if (refusal) throw new UsageError(`nothing to do about alert "${alertId}": ${refusal}`, 1);
        if (revokerFor(entry, policyOf(config)) === undefined) {
          throw new UsageError('there is nothing to revoke it with: name a revoker in response.revocation.rules', 1);
        }
        const request: PersonRequest = {
          kind,
          alertId,
          by: userInfo().username,
          at: systemClock.now(),
        };
        await log.append(TOPICS.findings, [requestRecord(entry.alert.token, request)]);
        const what = options.undo ? 'undoing the revocation of' : 'revoking';
        io.err(
          `asked for ${what} ${JSON.stringify(entry.alert.token)}; see "tokenwarden alerts show ${alertId}" for what comes of it\n`,
        );
      });
    });
}

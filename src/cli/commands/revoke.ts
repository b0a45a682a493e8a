import { userInfo } from 'node:os';
import { Command } from 'commander';
import { policyOf } from '../../config/mapping.ts';
import { refusalOf, revokerFor } from '../../decide/responder.ts';
import { type PersonRequest, requestRecord } from '../../pipeline/findings.ts';
import { TOPICS } from '../../pipeline/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type CliIo, UsageError } from '../io.ts';
import { alertAndMembers, readLedger } from '../ledger.ts';
import { configOption, withLog } from '../project.ts';

interface Options {
  readonly undo?: boolean;
  readonly members?: boolean;
  readonly config?: string;
}

/** Asks the running responder to revoke the token of an alert, or to undo that. */
export function revokeCommand(io: CliIo): Command {
  return new Command('revoke')
    .description('revoke the token of an alert (also one that is held or only shadowed), or undo a revocation')
    .argument('<alert>', 'id of the alert: see "tokenwarden alerts list"')
    .option('--undo', 'give the token back')
    .addOption(configOption())
    .option('--members', 'of all the alerts that this one tells of as well: see "tokenwarden alerts list --part-of"')
    .action(async (alertId: string, options: Options) => {
      await withLog(io, options.config, 'append', async (log, { config }) => {
        const ledger = await readLedger(log);
        const kind = options.undo ? 'undo' : 'revoke';
        const asked = alertAndMembers(ledger, alertId, options.members).map((entry) => {
          return { entry, refusal: refusalOf(kind, entry) };
        });
        const due = asked.filter(({ refusal }) => refusal === undefined).map(({ entry }) => entry);
        const refusal = asked[0]?.refusal;
        if (due.length === 0) throw new UsageError(`nothing to do about alert "${alertId}": ${refusal}`, 1);
        const policy = policyOf(config);
        if (due.some((entry) => revokerFor(entry, policy) === undefined)) {
          throw new UsageError('there is nothing to revoke it with: name a revoker in response.revocation.rules', 1);
        }
        await log.append(
          TOPICS.findings,
          due.map(({ alert }) => {
            const given = { alertId: alert.id, by: userInfo().username, at: systemClock.now() };
            return requestRecord(alert.token, { kind, ...given } satisfies PersonRequest);
          }),
        );
        const what = options.undo ? 'undoing the revocation of' : 'revoking';
        for (const { alert } of due)
          io.err(
            `asked for ${what} ${JSON.stringify(alert.token)}; see "tokenwarden alerts show ${alert.id}" for what comes of it\n`,
          );
      });
    });
}

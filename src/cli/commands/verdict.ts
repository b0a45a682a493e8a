import { userInfo } from 'node:os';
import { Argument, Command } from 'commander';
import type { AlertEntry } from '../../decide/entries.ts';
import { VERDICT_MAX_MS, VERDICT_MS, type VerdictRequest, WHY_CHARS_MAX } from '../../decide/verdicts.ts';
import { VERDICT_KINDS, type VerdictKind } from '../../domain/verdict.ts';
import { requestRecord } from '../../pipeline/findings.ts';
import { TOPICS } from '../../pipeline/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type CliIo, duration, UsageError } from '../io.ts';
import { alertAndMembers, type Ledger, readLedger } from '../ledger.ts';
import { configOption, withLog } from '../project.ts';

interface Options {
  readonly config?: string;
  readonly for?: number;
  readonly reason?: string;
  readonly members?: boolean;
}

/** Answers an alert: the running responder takes it, and has the token's baseline learn or forget. */
export function verdictCommand(io: CliIo): Command {
  return new Command('verdict')
    .description(
      'answer an alert: it was the owner (expected), it is not worth telling (noise), or it was a theft (true-positive)',
    )
    .argument('<alert>', 'id of the alert: see "tokenwarden alerts list"')
    .addArgument(new Argument('<verdict>', 'what it was').choices(VERDICT_KINDS))
    .option(
      '--for <time>',
      'how long it holds, as 90m, 12h or 7d: expected learns whole for so long (default 1d), noise tells nobody (7d)',
      duration(VERDICT_MAX_MS),
    )
    .option('--reason <text>', 'why, in your words: kept with the alert')
    .option(
      '--members',
      'answers as well what the alert tells of for many tokens: see "tokenwarden alerts list --part-of"',
    )
    .addOption(configOption())
    .action(async (alertId: string, kind: VerdictKind, options: Options) => {
      if (kind === 'true-positive' && options.for !== undefined)
        throw new UsageError('a true-positive is done at once: it takes no --for');
      const why = options.reason ?? '';
      if (why.length > WHY_CHARS_MAX) throw new UsageError(`--reason must have at most ${WHY_CHARS_MAX} characters`);
      await withLog(io, options.config, 'append', async (log) => {
        const ledger = await readLedger(log);
        const lastsMs = options.for ?? VERDICT_MS[kind];
        const answers = alertAndMembers(ledger, alertId, options.members).map((entry, i) => {
          const { token, id: about } = entry.alert;
          // Two of them may be of one token.
          const at = nextTime(ledger, token) + i;
          const until = lastsMs === null ? null : at + lastsMs;
          const given = { about, verdict: kind, by: userInfo().username, why, at, until };
          return { entry, request: { kind: 'verdict', ...given } satisfies VerdictRequest };
        });
        await log.append(
          TOPICS.findings,
          answers.map(({ entry, request }) => requestRecord(entry.alert.token, request)),
        );
        for (const { entry, request } of answers) for (const line of linesOf(request, entry)) io.err(`${line}\n`);
      });
    });
}

/** Later than all that was said of the token before, whatever this machine's clock says. */
function nextTime({ alerts }: Ledger, token: string): number {
  const before = [...alerts.values()]
    .filter(({ alert }) => alert.token === token)
    .flatMap(({ verdicts = [] }) => verdicts.map(({ at }) => at + 1));
  return Math.max(systemClock.now(), ...before);
}

function linesOf({ verdict, about, until }: VerdictRequest, { alert, revocation }: AlertEntry): readonly string[] {
  const untilText = until === null ? '' : new Date(until).toISOString();
  const token = JSON.stringify(alert.token);
  const said: Readonly<Record<VerdictKind, string>> = {
    expected: `it was the owner: what ${token} has done is learned, and what it does until ${untilText} is learned whole`,
    noise: `alerts of ${token} are not told and revoke nothing until ${untilText}, unless they are certain or far louder`,
    'true-positive': `it was a theft: what ${token} has learned from it is forgotten`,
  };
  const stands = revocation !== null && ['accepted', 'verified', 'ineffective'].includes(revocation.state);
  return [
    `${said[verdict]}; see "tokenwarden alerts show ${about}"`,
    ...(stands && verdict !== 'true-positive'
      ? [`its token stays revoked (${revocation.state}): "tokenwarden revoke ${about} --undo" gives it back`]
      : []),
    ...(verdict === 'true-positive'
      ? [
          `counts and amounts that it has taught are not: "tokenwarden baseline rollback ${token} --to TIME" takes all back`,
        ]
      : []),
    ...(!stands && verdict === 'true-positive'
      ? [`its token is not revoked: "tokenwarden revoke ${about}" takes it out of use`]
      : []),
  ];
}

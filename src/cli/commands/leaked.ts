import { userInfo } from 'node:os';
import { Command } from 'commander';
import type { Config } from '../../config/load.ts';
import { type LeakRequest, leakRefusalOf } from '../../decide/notices.ts';
import { WHY_CHARS_MAX } from '../../decide/verdicts.ts';
import { LIMITS } from '../../domain/audit-event.ts';
import { tokenIdOf } from '../../enrich/enrich.ts';
import { looksLikeSecret } from '../../enrich/secret-shape.ts';
import { requestRecord } from '../../pipeline/findings.ts';
import { TOPICS } from '../../pipeline/topics.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type EnrichedSource, keysOf } from '../../runtime/reading.ts';
import { type CliIo, UsageError } from '../io.ts';
import { type Ledger, readLedger } from '../ledger.ts';
import { configOption, withLog } from '../project.ts';

interface Options {
  readonly config?: string;
  readonly reason?: string;
  readonly withdraw?: boolean;
}

/** Says that a token has leaked, or takes it back: the running responder has its next use told of and acted on. */
export function leakedCommand(io: CliIo): Command {
  return new Command('leaked')
    .description('say that a token has leaked: its next use is told of, and may be revoked for that alone')
    .argument('<token>', 'its id, as alerts name it; where only its fingerprint is kept, the credential itself will do')
    .option('--reason <text>', 'who says so and where it was found, in your words: kept with the report')
    .option('--withdraw', 'take the report back: it was none, or the credential behind the id is another one by now')
    .addOption(configOption())
    .action(async (token: string, { config: path, reason = '', withdraw = false }: Options) => {
      if (reason.length > WHY_CHARS_MAX) throw new UsageError(`--reason must have at most ${WHY_CHARS_MAX} characters`);
      if (token === '' || token.length > 2 * LIMITS.nameCharsMax)
        throw new UsageError(`a token's id has 1 to ${2 * LIMITS.nameCharsMax} characters`);
      await withLog(io, path, 'append', async (log, { config }) => {
        const ledger = await readLedger(log);
        const requests = idsOf(token, config).map((id) => requestAbout(id, !withdraw, reason, ledger));
        await log.append(
          TOPICS.findings,
          requests.map((request) => requestRecord(request.token, request)),
        );
        for (const request of requests) io.err(`${lineOf(request)}\n`);
      });
    });
}

/** A credential is given the ids that its sources give it: it is neither kept nor shown. */
function idsOf(token: string, config: Config): readonly string[] {
  if (!looksLikeSecret(token)) return [token];
  const { fingerprint } = keysOf(config);
  // Where sources are configured elsewhere, they do as they do by default.
  const sources = config.sources.length > 0 ? config.sources : [{ fingerprintTokens: 'when-secret' as const }];
  const ids = sources.map(({ namespace, fingerprintTokens }: EnrichedSource) =>
    tokenIdOf(token, { namespace: namespace ?? null, fingerprintTokens, fingerprint }),
  );
  return [...new Set(ids)];
}

/** @throws UsageError when it makes no sense as things stand */
function requestAbout(token: string, stands: boolean, why: string, { leaks }: Ledger): LeakRequest {
  const known = leaks.get(token);
  const refusal = leakRefusalOf(stands, known);
  if (refusal) throw new UsageError(`nothing to do about the token ${JSON.stringify(token)}: ${refusal}`, 1);
  // Later than what was said before, whatever this machine's clock says.
  const at = Math.max(systemClock.now(), (known?.at ?? 0) + 1);
  return { kind: 'leaked', token, stands, by: userInfo().username, why, at };
}

function lineOf({ token, stands, at }: LeakRequest): string {
  const name = JSON.stringify(token);
  return stands
    ? `${name} has leaked: its next use after ${new Date(at).toISOString()} is told of, and acted on as the policy says; see "tokenwarden baseline show"`
    : `${name} has not leaked, or is another credential by now: its uses are judged as any other's`;
}

import { createReadStream, statSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { Command, Option } from 'commander';
import type { Config } from '../../config/load.ts';
import { policyOf } from '../../config/mapping.ts';
import type { Policy } from '../../decide/policy.ts';
import type { AlertEntry } from '../../decide/responder.ts';
import type { Assessment } from '../../domain/finding.ts';
import { countText } from '../../domain/words.ts';
import { readLines } from '../../ingest/lines.ts';
import { FORMATS } from '../../normalise/formats.ts';
import { Replay } from '../../pipeline/replay.ts';
import { createKeys, REPLAY_KEYS } from '../../runtime/keys.ts';
import { engineOptions, enrichOf, formatOf } from '../../runtime/reading.ts';
import { type CliIo, startProgress, UsageError } from '../io.ts';
import { createLineFile } from '../line-file.ts';
import { configOption, detectorsOption, loadProject, type Project } from '../project.ts';

interface Options {
  readonly format: string;
  readonly config?: string;
  readonly detectors?: string[];
  readonly findings?: string;
  readonly alerts?: string;
  readonly allScores?: string;
  readonly json?: boolean;
}

export function replayCommand(io: CliIo): Command {
  return new Command('replay')
    .description(
      'run history through detection and decision, in event time, as fast as it goes and without any side effect',
    )
    .argument('<file>', 'newline-separated records, .gz too')
    .addOption(
      new Option('--format <id>', 'how to read them').choices(FORMATS.map(({ id }) => id)).default('canonical'),
    )
    .addOption(configOption())
    .addOption(detectorsOption())
    .option('--findings <file>', 'write a JSON line for each finding')
    .option('--alerts <file>', 'write a JSON line for each alert')
    .option('--all-scores <file>', 'write a JSON line for each event: its time, token, id and score in bits')
    .option('--json', 'print the summary as JSON')
    .action(async (file: string, options: Options) =>
      replay(io, file, options, await loadProject(io, options.config, options.detectors)),
    );
}

async function replay(io: CliIo, file: string, options: Options, { config, detectors }: Project): Promise<void> {
  const sizeBytes = sizeOf(file);
  const open = (path: string | undefined) => (path === undefined ? undefined : createLineFile(path));
  const [findings, alertFile, scores] = await Promise.all(
    [options.findings, options.alerts, options.allScores].map(open),
  );
  const keys = config.fingerprintKey ? createKeys(config.fingerprintKey.reveal()) : REPLAY_KEYS;
  const failures = new Map<string, number>();
  const engine = engineOptions(config, detectors, keys, (id) => failures.set(id, (failures.get(id) ?? 0) + 1));
  const enrich = await enrichOf(config, { fingerprintTokens: 'when-secret' }, keys);
  const reasons = new Map<string, number>();
  const run = new Replay(
    { format: formatOf(options.format), enrich, engine, policy: replayPolicy(config) },
    {
      scored: ({ id, at, token }, score) =>
        scores?.write({ time: new Date(at).toISOString(), token, event: id, score: round(score) }),
      assessment: (assessment) => {
        for (const line of findingLines(assessment)) findings?.write(line);
      },
      deadLetter: ({ code, reason }) => reasons.set(`${code}: ${reason}`, (reasons.get(`${code}: ${reason}`) ?? 0) + 1),
    },
  );
  const progress = startProgress(io);
  const startedAt = performance.now();
  const input = createReadStream(file);
  const stream = file.endsWith('.gz') ? input.pipe(createGunzip()) : input;
  for await (const line of readLines(stream)) {
    run.push(`replay/0/${line.offset}`, line.value);
    if (run.counts.records % 1000 === 0) {
      progress.update(
        `${percent(input.bytesRead, sizeBytes)} ${run.counts.events} events, ${run.counts.assessments} findings`,
      );
      await Promise.all([findings?.caughtUp(), scores?.caughtUp()]);
    }
    if (io.interrupted.aborted) throw new UsageError('interrupted', 130);
  }
  const alerts = run.finish();
  progress.end();
  for (const entry of alerts) alertFile?.write(alertLine(entry));
  await Promise.all([findings, alertFile, scores].map((file) => file?.close()));
  summarise(io, options, run, alerts, performance.now() - startedAt, reasons, failures);
}

/** What would be done with revocation switched on: a configuration without rules gets one for every token. */
function replayPolicy(config: Config): Policy {
  const policy = policyOf(config);
  const revocationRules = policy.revocationRules.length > 0 ? policy.revocationRules : [{ match: {}, revoker: 'any' }];
  return { ...policy, mode: 'observe', revocationRules, routes: [] };
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (cause) {
    throw new UsageError(`cannot read ${file} (${(cause as NodeJS.ErrnoException).code})`);
  }
}

function percent(done: number, total: number): string {
  return total === 0 ? '' : `${Math.floor((100 * done) / total)} %`.padStart(5);
}

function findingLines({ id, at, token, score, findings }: Assessment): readonly unknown[] {
  const time = new Date(at).toISOString();
  return findings.map((finding) => ({ time, token, event: id, score: round(score), ...finding }));
}

/** One line an alert: when it was raised, and how far it went. */
function alertLine({ alert, revocation }: AlertEntry): unknown {
  const { worst, latest } = alert;
  return {
    time: new Date(alert.openedAt).toISOString(),
    token: alert.token,
    principal: latest.principal,
    id: alert.id,
    score: round(worst.score),
    threshold: round(worst.threshold),
    detectors: worst.findings.map(({ detector }) => detector),
    contributions: worst.findings.map(({ detector, contribution }) => ({ detector, bits: round(contribution) })),
    severity: alert.severity,
    wouldRevoke: revocation?.state === 'shadow',
    reason: revocation?.reason.text ?? null,
    explanation: worst.findings.map(({ explanation }) => explanation).join('; '),
    until: new Date(alert.updatedAt).toISOString(),
    events: latest.since.eventCount,
    rows: latest.since.rowCount,
  };
}

function round(bits: number): number {
  return Math.round(bits * 1000) / 1000;
}

function summarise(
  io: CliIo,
  { json }: Options,
  run: Replay,
  alerts: readonly AlertEntry[],
  elapsedMs: number,
  reasons: ReadonlyMap<string, number>,
  failures: ReadonlyMap<string, number>,
): void {
  const wouldRevoke = alerts.filter(({ revocation }) => revocation?.state === 'shadow').length;
  const { counts } = run;
  if (json) {
    io.out(`${JSON.stringify({ ...counts, tokens: run.tokenCount, alerts: alerts.length, wouldRevoke })}\n`);
  } else {
    io.out(
      `${countText(counts.events, 'event')} of ${countText(run.tokenCount, 'token')}, ${countText(counts.ignored, 'record')} ignored, ${counts.deadLetters} unreadable, in ${(elapsedMs / 1000).toFixed(1)} s\n` +
        `${countText(alerts.length, 'alert')}, ${wouldRevoke} of them would revoke\n`,
    );
    for (const { alert } of alerts.slice(0, 10)) {
      io.out(
        `  ${new Date(alert.openedAt).toISOString()}  ${alert.severity.padEnd(8)} ${alert.worst.score.toFixed(1).padStart(5)} bits  ${JSON.stringify(alert.token)}\n`,
      );
    }
  }
  for (const [reason, count] of [...reasons].slice(0, 5)) io.err(`${count} × ${reason}\n`);
  for (const [id, count] of failures) io.err(`the detector ${id} failed ${count} times\n`);
}

import { Command } from 'commander';
import type { AlertEntry } from '../../decide/entries.ts';
import type { Assessment } from '../../domain/finding.ts';
import { countText } from '../../domain/words.ts';
import { type Replayed, replayHistory } from '../history.ts';
import { checkReadable } from '../history-file.ts';
import { type HistoryOptions, type HistorySource, historySourceOf, readsHistory } from '../history-source.ts';
import type { CliIo } from '../io.ts';
import { createLineFiles } from '../line-file.ts';
import { configOption, detectorsOption, loadProject, type Project } from '../project.ts';

interface Options extends HistoryOptions {
  readonly config?: string;
  readonly detectors?: string[];
  readonly findings?: string;
  readonly alerts?: string;
  readonly allScores?: string;
  readonly json?: boolean;
}

export function replayCommand(io: CliIo): Command {
  return readsHistory(new Command('replay'))
    .description(
      'run history through detection and decision, in event time, as fast as it goes and without any side effect',
    )
    .addOption(configOption())
    .addOption(detectorsOption())
    .option('--findings <file>', 'write a JSON line for each finding')
    .option('--alerts <file>', 'write a JSON line for each alert')
    .option('--all-scores <file>', 'write a JSON line for each event: its time, token, id and score in bits')
    .option('--json', 'print the summary as JSON')
    .action(async (file: string | undefined, options: Options, command: Command) => {
      const source = historySourceOf(file, options, command);
      await replay(io, source, options, await loadProject(io, options.config, options.detectors));
    });
}

async function replay(io: CliIo, source: HistorySource, options: Options, project: Project): Promise<void> {
  const file = source.kind === 'file' ? source.file : undefined;
  if (file !== undefined) checkReadable(file);
  const files = await createLineFiles([options.findings, options.alerts, options.allScores], file);
  const [findings, alertFile, scores] = files;
  const replayed = await replayHistory(io, source, project, {
    scored: ({ id, at, token }, score) =>
      scores?.write({ time: new Date(at).toISOString(), token, event: id, score: round(score) }),
    assessment: (assessment) => {
      for (const line of findingLines(assessment)) findings?.write(line);
    },
    caughtUp: () => Promise.all(files.map((one) => one?.caughtUp())),
  });
  for (const entry of replayed.alerts) alertFile?.write(alertLine(entry));
  await Promise.all(files.map((one) => one?.close()));
  summarise(io, options, replayed);
}

function findingLines({ id, at, token, score, findings }: Assessment): readonly unknown[] {
  const time = new Date(at).toISOString();
  return findings.map((finding) => ({ time, token, event: id, score: round(score), ...finding }));
}

/** One line an alert: when it was raised, and how far it went. */
function alertLine({ alert, revocation, partOf }: AlertEntry): unknown {
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
    toldAs: partOf ?? alert.id,
    explanation: worst.findings.map(({ explanation }) => explanation).join('; '),
    until: new Date(alert.updatedAt).toISOString(),
    events: latest.since.eventCount,
    rows: latest.since.rowCount,
  };
}

function round(bits: number): number {
  return Math.round(bits * 1000) / 1000;
}

function summarise(io: CliIo, { json }: Options, { run, alerts, elapsedMs }: Replayed): void {
  const wouldRevoke = alerts.filter(({ revocation }) => revocation?.state === 'shadow').length;
  const toldCount = alerts.filter(({ told }) => told.length > 0).length;
  const { counts } = run;
  if (json) {
    io.out(
      `${JSON.stringify({ ...counts, tokens: run.tokenCount, alerts: alerts.length, told: toldCount, wouldRevoke })}\n`,
    );
    return;
  }
  io.out(
    `${countText(counts.events, 'event')} of ${countText(run.tokenCount, 'token')}, ${countText(counts.ignored, 'record')} ignored, ${counts.deadLetters} unreadable, in ${(elapsedMs / 1000).toFixed(1)} s\n` +
      `${countText(alerts.length, 'alert')}, told as ${toldCount}; ${wouldRevoke} would revoke\n`,
  );
  for (const { alert } of alerts.slice(0, 10)) {
    io.out(
      `  ${new Date(alert.openedAt).toISOString()}  ${alert.severity.padEnd(8)} ${alert.worst.score.toFixed(1).padStart(5)} bits  ${JSON.stringify(alert.token)}\n`,
    );
  }
}

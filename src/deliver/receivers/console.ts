import { styleText } from 'node:util';
import { z } from 'zod';
import type { Severity } from '../../domain/finding.ts';
import type { Situation } from '../receiver.ts';
import { defineReceiver } from '../registry.ts';
import { renderAlert } from '../render.ts';

const RULE = '─'.repeat(78);
const SEVERITY_STYLES: Readonly<Record<Severity, Parameters<typeof styleText>[0]>> = {
  informational: 'dim',
  low: 'cyan',
  medium: 'yellow',
  high: 'red',
  critical: ['bold', 'red'],
};

export default defineReceiver({
  kind: 'console',
  title: 'Console',
  description:
    'Writes every notification as a block of text to standard output: who, what is unusual beside what is usual, what was done, what left meanwhile, what to do next. Characters that do not show or deceive (terminal escapes, line breaks, right-to-left marks) appear as \\u{…}.',
  config: z.strictObject({
    colour: z.boolean().default(false).describe('Whether headlines are coloured with terminal escapes.'),
  }),
  example: {},
  pace: { concurrentMax: 1, intervalMs: 0 },

  open({ colour }, { write }) {
    return {
      kind: 'console',
      async send(notification, signal) {
        if (signal.aborted) return { kind: 'retry', detail: 'stopped before it was written' };
        write(layOutText(notification, colour));
        return { kind: 'accepted', detail: 'written to the console' };
      },
    };
  },
});

/** An alert as a block of text for a terminal; ends in a line break. */
export function layOutText(situation: Situation, colour: boolean): string {
  const text = renderAlert(situation);
  const paint = (style: Parameters<typeof styleText>[0], line: string) =>
    colour ? styleText(style, line, { validateStream: false }) : line;
  const heading = (line: string) => paint('bold', line);
  return [
    RULE,
    paint(SEVERITY_STYLES[text.severity], text.headline),
    `alert ${text.alertId}`,
    '',
    text.who,
    ...text.shared,
    ...text.unusual.map((sentence) => `  • ${sentence}`),
    ...text.situation,
    '',
    heading('Observed beside expected'),
    ...table(
      text.evidenceRows.map(({ what, observed, expected, basis }) => [
        what,
        observed,
        `usual: ${expected}`,
        `(${basis})`,
      ]),
    ),
    '',
    heading(`Score ${text.score}`),
    ...table(text.contributionRows.map(({ title, bits }) => [bits.padStart(6), title])),
    '',
    heading('Times'),
    ...table(
      text.stampRows.map(({ label, at, sinceLast, sinceEvent }) => [
        label,
        at,
        sinceLast,
        sinceEvent && `(${sinceEvent} since the event)`,
      ]),
    ),
    '',
    heading('What to do'),
    ...text.nextSteps.map((step, i) => `  ${i + 1}. ${step}`),
    RULE,
    '',
  ].join('\n');
}

/** Columns as wide as their widest cell, within reason. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.min(40, Math.max(...rows.map((row) => (row[column] ?? '').length))),
  );
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}

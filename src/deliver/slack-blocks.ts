import type { AlertText } from './render.ts';
import { cutText } from './safe-text.ts';

/**
 * Slack's limits are 50 blocks, 150 characters a header, 3000 a text, 2000 a field, counted after escaping; and, undocumented, about 13,000
 * in all blocks together (`msg_blocks_too_long`, bolt-js issue 2509). What each block may take below keeps all of them: 12,000 in the worst case.
 */
const HEADER_CHARS_MAX = 150;
const FIELD_CHARS_MAX = 200;

interface PlainText {
  readonly type: 'plain_text';
  readonly text: string;
  /** `:name:` stays as it is. */
  readonly emoji: false;
}

interface Mrkdwn {
  readonly type: 'mrkdwn';
  readonly text: string;
  /** No links, mentions or channels made out of what merely looks like them. */
  readonly verbatim: true;
}

export type SlackBlock =
  | { readonly type: 'header'; readonly text: PlainText }
  | { readonly type: 'section'; readonly text: PlainText | Mrkdwn }
  | { readonly type: 'section'; readonly fields: readonly Mrkdwn[] }
  | { readonly type: 'context'; readonly elements: readonly PlainText[] };

/** Longest line, and longest text in a code span, after escaping: nobody's names may crowd the rest out. */
const LINE_CHARS_MAX = 700;
const CODE_CHARS_MAX = 160;
/** Room for the line that says how many are missing. */
const MORE_CHARS = 20;

/**
 * An alert as Block Kit. Text that is not ours stands in plain text or in a code span, never where Slack looks for markup, and always
 * within the limits.
 */
export function slackBlocks(text: AlertText): readonly SlackBlock[] {
  return [
    { type: 'header', text: plain([text.headline], HEADER_CHARS_MAX) },
    {
      type: 'section',
      text: plain([text.who, ...text.shared, ...text.unusual.map((sentence) => `• ${sentence}`)], 3000),
    },
    { type: 'section', text: plain(text.situation, 2000) },
    { type: 'section', text: mrkdwn(evidenceLines(text), 2500) },
    { type: 'section', text: mrkdwn(contributionLines(text), 1500) },
    { type: 'section', fields: text.stampRows.map((row) => mrkdwn(stampLines(row), FIELD_CHARS_MAX)) },
    { type: 'section', text: plain(['What to do:', ...text.nextSteps.map((step, i) => `${i + 1}. ${step}`)], 2000) },
    { type: 'context', elements: [plain([`Tokenwarden alert ${text.alertId}`], HEADER_CHARS_MAX)] },
  ];
}

/** Text for lists and push notifications, where blocks do not show: Slack reads it as mrkdwn. */
export function slackFallback(text: AlertText): string {
  return code(text.headline);
}

function evidenceLines({ evidenceRows }: AlertText): readonly string[] {
  return [
    '*Observed beside expected*',
    ...evidenceRows.map(
      ({ what, observed, expected, basis }) =>
        `• ${code(what)}: ${code(observed)}, usual ${code(expected)} (${escapeMrkdwn(basis)})`,
    ),
  ];
}

function contributionLines({ score, contributionRows }: AlertText): readonly string[] {
  return [`*Score ${score}*`, ...contributionRows.map(({ title, bits }) => `• ${code(bits)} ${code(title)}`)];
}

function stampLines({ label, at, sinceLast }: AlertText['stampRows'][number]): readonly string[] {
  return [`*${label}* ${sinceLast}`, code(at)];
}

/** A text in a code span, where nothing is markup. It must hold no line break (`safeText`). */
function code(text: string): string {
  if (text.trim() === '') return '–';
  let escaped = '';
  for (const char of text.replaceAll('`', "'")) {
    const next = escapeMrkdwn(char);
    if (escaped.length + next.length >= CODE_CHARS_MAX) return `\`${escaped}…\``;
    escaped += next;
  }
  return `\`${escaped}\``;
}

function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Some clients make links even out of plain text: a scheme is written as analysts do, so that nobody clicks it by accident. */
function plain(lines: readonly string[], charsMax: number): PlainText {
  return {
    type: 'plain_text',
    text: fitLines(
      lines.map((line) => line.replaceAll('://', '[:]//')),
      charsMax,
    ),
    emoji: false,
  };
}

function mrkdwn(lines: readonly string[], charsMax: number): Mrkdwn {
  return { type: 'mrkdwn', text: fitLines(lines, charsMax), verbatim: true };
}

/** As many whole lines as fit; a line too long for itself is cut, which only plain text ever is. */
function fitLines(lines: readonly string[], charsMax: number): string {
  const kept: string[] = [];
  let charCount = MORE_CHARS;
  for (const line of lines) {
    const cut = cutText(line, Math.min(LINE_CHARS_MAX, charsMax - MORE_CHARS));
    charCount += cut.length + 1;
    if (charCount > charsMax + 1) return [...kept, `… and ${lines.length - kept.length} more`].join('\n');
    kept.push(cut);
  }
  return kept.join('\n');
}

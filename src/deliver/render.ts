import type { Alert, FleetAlert, Stamps } from '../domain/alert.ts';
import { type Assessment, type Evidence, hasCertain, type Severity } from '../domain/finding.ts';
import { countText, numberText, observedText } from '../domain/words.ts';
import { fleetSentences, partSentence } from './fleet-text.ts';
import type { RevocationSummary, Situation } from './receiver.ts';
import { quoted, safeText } from './safe-text.ts';
import { byteText, deltaText, oddsText, timeText } from './words.ts';

/** An alert in words for somebody who knows nothing about it: plain data, free of treacherous characters, escaped for no markup. */
export interface AlertText {
  readonly alertId: string;
  readonly severity: Severity;
  readonly headline: string;
  /** Whose token it is, and where it was used. */
  readonly who: string;
  /** What it shares with many tokens, and what that means; mostly nothing. */
  readonly shared: readonly string[];
  /** What is unusual beside what is usual: a sentence for each finding, largest contribution first. */
  readonly unusual: readonly string[];
  /** How odd it is, what that rests on, what left meanwhile, what was done. */
  readonly situation: readonly string[];
  readonly evidenceRows: readonly EvidenceRow[];
  /** Bits by finding, largest first; as shown they add up to the score as shown. */
  readonly contributionRows: readonly ContributionRow[];
  readonly score: string;
  readonly stampRows: readonly StampRow[];
  readonly nextSteps: readonly string[];
}

export interface EvidenceRow {
  readonly what: string;
  readonly observed: string;
  readonly expected: string;
  /** What the expectation rests on, and how far the observation can be believed if it is the client's own word. */
  readonly basis: string;
}

export interface ContributionRow {
  readonly title: string;
  readonly bits: string;
}

export interface StampRow {
  readonly label: string;
  /** `–` until reached. */
  readonly at: string;
  /** Since the stamp before; empty for the first one and until reached. */
  readonly sinceLast: string;
  readonly sinceEvent: string;
}

/** Findings and evidence beyond these are counted, not shown. */
const FINDINGS_MAX = 6;
const EVIDENCE_MAX = 12;
const SENTENCE_CHARS_MAX = 300;
const STEPS_MAX = 8;

/** Says an alert in words. The one place that does: receivers lay it out. */
export function renderAlert({ alert, revocation, nextSteps, fleet, partOf }: Situation): AlertText {
  return {
    alertId: safeText(alert.id, 60),
    severity: alert.severity,
    headline: headlineOf(alert, revocation, fleet),
    who: whoSentence(alert.latest),
    shared: fleet ? fleetSentences(fleet) : partOf === undefined ? [] : [partSentence(safeText(partOf, 60))],
    unusual: unusualSentences(alert.worst),
    situation: [
      oddsSentence(alert.worst),
      ...whatIfSentences(alert.worst),
      baselineSentence(alert.worst),
      leftSentence(alert),
      revocationSentence(revocation),
    ],
    evidenceRows: evidenceRowsOf(alert.worst),
    contributionRows: contributionRowsOf(alert.worst),
    score: `${alert.worst.score.toFixed(1)} bits`,
    stampRows: stampRowsOf(alert.stamps),
    nextSteps: nextSteps.slice(0, STEPS_MAX).map((step) => safeText(step, SENTENCE_CHARS_MAX)),
  };
}

type State = RevocationSummary['state'];

const HEADLINE_END: Readonly<Record<State, string>> = {
  none: '{what}',
  shadow: '{what}; observe mode, nothing done',
  held: '{what}; revocation waits for you',
  approved: '{what}; being revoked',
  accepted: 'revoked, not verified yet',
  verified: 'revoked and out of use',
  ineffective: 'STILL IN USE after its revocation',
  refused: '{what}; revocation REFUSED',
  expired: '{what}; revocation FAILED',
  undone: 'brought back: its revocation was undone',
  withdrawn: '{what}; revocation withdrawn',
};

function headlineOf(alert: Alert, revocation: RevocationSummary | null, fleet: FleetAlert | undefined): string {
  const severity = alert.severity.charAt(0).toUpperCase() + alert.severity.slice(1);
  const alone = hasCertain(alert.worst.findings) ? 'did what must not happen' : 'behaves unlike itself';
  const what = fleet ? `and ${countText(fleet.tokenCount - 1, 'other')} turn to the same that is new` : alone;
  const end = HEADLINE_END[revocation?.state ?? 'none'].replace('{what}', what);
  return `${severity}: token ${quoted(alert.token, 60)} ${end}`;
}

function whoSentence(latest: Assessment): string {
  const belongs = [
    latest.principal === null ? '' : `principal ${quoted(latest.principal)}`,
    latest.owner === null ? '' : `owner ${quoted(latest.owner)}`,
    latest.environment === null ? '' : `environment ${quoted(latest.environment)}`,
  ].filter((part) => part !== '');
  const where = [
    latest.database === null ? '' : ` on database ${quoted(latest.database)}`,
    latest.address === null ? '' : ` from address ${safeText(latest.address, 60)}`,
    latest.application === null ? '' : `, by a client that calls itself ${quoted(latest.application)}`,
  ];
  const who = `Token ${quoted(latest.token)}${belongs.length === 0 ? '' : ` (${belongs.join(', ')})`}`;
  return `${who} was used${where.join('')}, last at ${timeText(latest.at)}.`;
}

function unusualSentences({ findings }: Assessment): readonly string[] {
  const shown = findings.slice(0, FINDINGS_MAX);
  const more = findings.length - shown.length;
  return [
    ...shown.map(({ title, explanation }) => safeText(`${title}: it ${explanation}.`, SENTENCE_CHARS_MAX)),
    ...(more > 0 ? [`${countText(more, 'more finding adds', 'more findings add')} to it.`] : []),
  ];
}

function oddsSentence({ score, threshold, revokeThreshold, findings }: Assessment): string {
  if (hasCertain(findings)) return 'This must not happen at all, whoever does it: it is no matter of odds.';
  const odds = `Its rightful owner would look this odd on one day in ${oddsText(score)}`;
  const limits = `alerts begin at ${threshold.toFixed(1)}, revoking at ${revokeThreshold.toFixed(1)}`;
  return `${odds} (score ${score.toFixed(1)} bits; ${limits}).`;
}

/** What would have to be usual for nobody to be told. */
function whatIfSentences({ threshold, findings }: Assessment): readonly string[] {
  const [least] = findings.toSorted((a, b) => a.scoreWithout - b.scoreWithout);
  // An alert that an earlier release opened does not say.
  if (least?.scoreWithout === undefined || findings.length < 2) return [];
  const score = `${Math.max(0, least.scoreWithout).toFixed(1)} bits`;
  const title = quoted(least.title, 80);
  if (least.scoreWithout >= threshold)
    return [`Any one finding could be explained away, and it would still be told: ${score} without ${title}.`];
  const others = findings.filter((one) => one !== least && one.scoreWithout < threshold).length;
  const also = others === 0 ? '' : `; ${countText(others, 'other')} would do as well`;
  return [`It would not be told if this were usual: ${title} (${score} without it${also}).`];
}

function baselineSentence({ baseline, at }: Assessment): string {
  const days = Math.max(0, (at - baseline.firstSeenAt) / 86_400_000);
  return `What is usual rests on ${countText(baseline.eventCount, 'event')} of this token since ${timeText(baseline.firstSeenAt)}, ${numberText(Math.round(days * 10) / 10)} days before.`;
}

function leftSentence({ openedAt, latest: { since } }: Alert): string {
  // Many sources do not say how much: 0 would look like nothing.
  const left = [
    countText(since.eventCount, 'event'),
    ...(since.rowCount > 0 ? [countText(since.rowCount, 'row')] : []),
    ...(since.byteCount > 0 ? [byteText(since.byteCount)] : []),
  ];
  return `Since this began at ${timeText(openedAt)}: ${left.join(', ')}.`;
}

function revocationSentence(revocation: RevocationSummary | null): string {
  if (revocation === null) return 'Nothing was done about the token.';
  const by = revocation.target === null ? '' : ` through ${quoted(revocation.target)}`;
  return `${REVOCATION_WORDS[revocation.state].replace('{by}', () => by)} Reason: ${safeText(revocation.reason, SENTENCE_CHARS_MAX)}.`;
}

const REVOCATION_WORDS: Readonly<Record<State, string>> = {
  none: 'The token was not revoked.',
  shadow: 'The token was not revoked: observe mode. In enforce mode it would have been{by}.',
  held: 'The token was not revoked: a revocation{by} waits for a person.',
  approved: 'The token is being revoked{by}.',
  accepted: 'The token was revoked{by}: the issuer accepted it, proof is awaited.',
  verified: 'The token was revoked{by} and proven to be out of use.',
  ineffective: 'The token was revoked{by}, the issuer accepted it, and the token can still be used.',
  refused: 'The token was not revoked: the revocation{by} was refused.',
  expired: 'The token was not revoked: the revocation{by} did not go through in time.',
  undone: 'The token works again: its revocation{by} was undone.',
  withdrawn: 'The token is not revoked: the revocation{by} was withdrawn before it was known to be carried out.',
};

function evidenceRowsOf({ findings }: Assessment): readonly EvidenceRow[] {
  return findings
    .flatMap(({ evidence, trust }) =>
      evidence.map((row) => ({
        what: safeText(row.what, 80),
        observed: valueText(row.observed),
        expected: valueText(row.expected),
        basis: `${numberText(row.sampleSize)} known${trust === 'claimed' ? '; the client’s own word' : ''}`,
      })),
    )
    .slice(0, EVIDENCE_MAX);
}

function valueText(value: Evidence['observed']): string {
  const text = observedText(value);
  return text === '' ? '–' : safeText(text);
}

/** Rounds to tenths so that the column still adds up: what is lost goes to those that lost most. */
function contributionRowsOf({ score, findings }: Assessment): readonly ContributionRow[] {
  const shown = findings.slice(0, FINDINGS_MAX);
  const rest = score - shown.reduce((sum, { contribution }) => sum + contribution, 0);
  const parts = shown.map(({ title, contribution }) => ({ title: safeText(title, 80), bits: contribution }));
  if (Math.abs(rest) >= 0.05) parts.push({ title: 'everything else', bits: rest });
  const tenths = parts.map(({ bits }) => Math.floor(bits * 10));
  const target = Math.round(Number(score.toFixed(1)) * 10);
  const missing = target - tenths.reduce((sum, tenth) => sum + tenth, 0);
  const byLoss = parts.map((_, i) => i).sort((a, b) => lossOf(parts[b]?.bits) - lossOf(parts[a]?.bits));
  const share = Math.floor(missing / Math.max(parts.length, 1));
  const raised = new Set(byLoss.slice(0, missing - share * parts.length));
  return parts.map(({ title }, i) => {
    const shownTenths = (tenths[i] ?? 0) + share + (raised.has(i) ? 1 : 0);
    return { title, bits: (shownTenths / 10).toFixed(1) };
  });
}

function lossOf(bits = 0): number {
  return bits * 10 - Math.floor(bits * 10);
}

const STAMP_LABELS: readonly (readonly [keyof Stamps, string])[] = [
  ['event', 'event'],
  ['log', 'in the log'],
  ['decided', 'decided'],
  ['accepted', 'issuer accepted'],
  ['verified', 'verified'],
];

function stampRowsOf(stamps: Stamps): readonly StampRow[] {
  let last = stamps.event;
  return STAMP_LABELS.map(([stamp, label], i) => {
    const at = stamps[stamp];
    if (at === undefined) return { label, at: '–', sinceLast: '', sinceEvent: '' };
    const row = { label, at: timeText(at), sinceLast: deltaText(at - last), sinceEvent: deltaText(at - stamps.event) };
    last = at;
    return i === 0 ? { ...row, sinceLast: '', sinceEvent: '' } : row;
  });
}

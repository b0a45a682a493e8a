import { z } from 'zod';
import { REASON_CODES, REVOCATION_STATES } from '../domain/action.ts';
import { type Assessment, DIMENSIONS, type Finding, SEVERITIES, STATUSES } from '../domain/finding.ts';
import type { Notification } from './receiver.ts';
import type { RevocationOrder } from './revoker.ts';
import { isoTime } from './words.ts';

/** Findings beyond these are counted, not sent. */
const FINDINGS_MAX = 32;

const time = z.iso.datetime().nullable();
const value = z.union([z.string(), z.number()]);

const evidence = z.strictObject({
  what: z.string().describe('What was measured.'),
  observed: z.union([value, z.array(z.string())]).describe('A list names each thing once, oldest first.'),
  expected: value,
  sampleSize: z.number().describe('How many observations of this token `expected` rests on.'),
});

const finding = z.strictObject({
  detector: z.string().describe('Id of the detector.'),
  title: z.string(),
  dimension: z
    .enum(DIMENSIONS)
    .describe('Side of the behaviour that is unusual. Findings of different dimensions are independent.'),
  severity: z.enum(SEVERITIES),
  trust: z
    .enum(['verified', 'reported', 'claimed'])
    .describe('How far what it saw can be believed. `claimed`: the client’s own word.'),
  status: z.enum(STATUSES),
  attack: z.array(z.string()).describe('MITRE ATT&CK technique ids.'),
  isCertain: z.boolean().describe('No matter of odds: what was seen must not happen at all.'),
  contribution: z.number().describe('Bits it adds; contributions add up to the score.'),
  scoreWithout: z.number().describe('What the score would be had this been usual.'),
  explanation: z.string().describe('One sentence, without its subject: the token. Contains text of the event’s.'),
  evidence: z.array(evidence),
});

const score = z.strictObject({
  bits: z.number().describe('One honest token-day in 2^bits looks as odd as this.'),
  threshold: z.number().describe('From which alerts begin.'),
  revokeThreshold: z.number().describe('From which policy may revoke.'),
});

const reason = z.strictObject({ code: z.enum(REASON_CODES), text: z.string() });

/**
 * Body that the `webhook` receiver posts, version 1. Fields may be added within a version; none changes its meaning or goes away. Every text
 * in it can be an attacker's: escape it where it is shown.
 */
export const alertMessage = z
  .strictObject({
    version: z.literal(1),
    type: z.literal('alert'),
    id: z.string().describe('Id of this notification: the same on every attempt, and equal to the header webhook-id.'),
    alertId: z.string().describe('Id of the alert. Several notifications may tell of one alert, the later the more.'),
    reason: reason.describe('Why this is told now.'),
    decidedAt: time.describe('When it was decided to tell.'),
    severity: z.enum(SEVERITIES),
    token: z.string().describe('Id of the token, never the secret itself.'),
    principal: z.string().nullable(),
    owner: z.string().nullable(),
    environment: z.string().nullable(),
    database: z.string().nullable(),
    address: z.string().nullable().describe('Client address of the latest event.'),
    application: z.string().nullable().describe('What the client calls itself.'),
    openedAt: time,
    updatedAt: time,
    score: score.describe('Of the worst moment so far.'),
    findings: z.array(finding).describe('Of the worst moment so far, largest contribution first.'),
    findingCount: z.number(),
    since: z
      .strictObject({ eventCount: z.number(), rowCount: z.number(), byteCount: z.number() })
      .describe('What this token did since the alert opened.'),
    baseline: z
      .strictObject({ firstSeenAt: time, eventCount: z.number() })
      .describe('What is known of the token: what the expectations rest on.'),
    stamps: z
      .strictObject({ event: time, log: time, decided: time, accepted: time, verified: time })
      .describe(
        'When it happened, was logged, the revocation was decided, accepted by the issuer, proven. null: not (yet).',
      ),
    revocation: z
      .strictObject({
        actionId: z.string().nullable(),
        state: z.enum(REVOCATION_STATES),
        target: z.string().nullable(),
        reason: z.string(),
      })
      .nullable()
      .describe('null: none was weighed.'),
    fleet: z
      .strictObject({
        cause: z.strictObject({ detector: z.string(), what: z.string(), name: z.string() }),
        tokenCount: z.number(),
        tokens: z.array(z.string()).describe('The first of them.'),
        since: time,
        revoked: z.array(z.strictObject({ token: z.string(), alertId: z.string() })),
      })
      .nullable()
      .describe('What is new for many tokens at once, which this alert tells of for them all. null: it is about one.'),
    partOf: z.string().nullable().describe('Id of the alert that tells what this one shares with many. null: none.'),
    nextSteps: z.array(z.string()),
  })
  .meta({ title: 'AlertMessage' });
export type AlertMessage = z.infer<typeof alertMessage>;

/** Body that the `webhook` revoker posts, version 1. The same id may come more than once and has to do what it does once. */
export const revocationMessage = z
  .strictObject({
    version: z.literal(1),
    type: z.enum(['revoke', 'undo', 'verify']),
    id: z
      .string()
      .describe(
        'Id of the action: the same on every attempt; header webhook-id of revoke and undo, and Idempotency-Key.',
      ),
    alertId: z.string(),
    token: z.string().describe('Id of the token to take out of use, never the secret itself.'),
    principal: z.string().nullable(),
    reason,
    severity: z.enum(SEVERITIES),
    score,
    findings: z.array(finding),
    decidedAt: time,
    expiresAt: time.describe('Not attempted after this time.'),
  })
  .meta({ title: 'RevocationMessage' });
export type RevocationMessage = z.infer<typeof revocationMessage>;

/** The notification as the `webhook` receiver sends it. */
export function alertMessageOf({ action, alert, revocation, nextSteps, fleet, partOf }: Notification): AlertMessage {
  const { latest, worst, stamps } = alert;
  return {
    version: 1,
    type: 'alert',
    id: action.id,
    alertId: alert.id,
    reason: action.reason,
    decidedAt: isoTime(action.decidedAt),
    severity: alert.severity,
    token: alert.token,
    principal: latest.principal,
    owner: latest.owner,
    environment: latest.environment,
    database: latest.database,
    address: latest.address,
    application: latest.application,
    openedAt: isoTime(alert.openedAt),
    updatedAt: isoTime(alert.updatedAt),
    score: scoreOf(worst),
    findings: worst.findings.slice(0, FINDINGS_MAX).map(findingOf),
    findingCount: worst.findings.length,
    since: latest.since,
    baseline: { firstSeenAt: isoTime(worst.baseline.firstSeenAt), eventCount: worst.baseline.eventCount },
    stamps: {
      event: isoTime(stamps.event),
      log: isoTime(stamps.log),
      decided: stampOf(stamps.decided),
      accepted: stampOf(stamps.accepted),
      verified: stampOf(stamps.verified),
    },
    revocation,
    fleet: fleet
      ? { ...fleet, tokens: [...fleet.tokens], since: isoTime(fleet.since), revoked: [...fleet.revoked] }
      : null,
    partOf: partOf ?? null,
    nextSteps: [...nextSteps],
  };
}

/** The order as the `webhook` revoker sends it. */
export function revocationMessageOf(
  { action, alert }: RevocationOrder,
  type: RevocationMessage['type'],
): RevocationMessage {
  return {
    version: 1,
    type,
    id: action.id,
    alertId: action.alertId,
    token: action.token,
    principal: action.principal,
    reason: action.reason,
    severity: alert.severity,
    score: scoreOf(alert.worst),
    findings: alert.worst.findings.slice(0, FINDINGS_MAX).map(findingOf),
    decidedAt: isoTime(action.decidedAt),
    expiresAt: isoTime(action.expiresAt),
  };
}

function scoreOf({ score: bits, threshold, revokeThreshold }: Assessment): AlertMessage['score'] {
  return { bits, threshold, revokeThreshold };
}

function findingOf(found: Finding): AlertMessage['findings'][number] {
  const { detector, title, dimension, severity, trust, status, isCertain, contribution, explanation } = found;
  return {
    detector,
    title,
    dimension,
    severity,
    trust,
    status,
    attack: [...found.attack],
    isCertain,
    contribution,
    scoreWithout: found.scoreWithout,
    explanation,
    evidence: found.evidence.map(({ what, observed, expected, sampleSize }) => ({
      what,
      observed: typeof observed === 'object' ? [...observed] : jsonValue(observed),
      expected: jsonValue(expected),
      sampleSize,
    })),
  };
}

/** JSON has no infinity, and would turn it into null. */
function jsonValue(observed: string | number): string | number {
  return typeof observed === 'number' && !Number.isFinite(observed) ? String(observed) : observed;
}

function stampOf(at: number | undefined): string | null {
  return at === undefined ? null : isoTime(at);
}

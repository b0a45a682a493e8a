import type { AuditEvent } from '../domain/audit-event.ts';
import type { Assessment, Evidence, Finding } from '../domain/finding.ts';
import { checkEvidence, checkExplanation } from './answers.ts';
import type { Thresholds } from './budget.ts';
import type { AnyDetector } from './detector.ts';
import { mergeEvidence } from './evidence.ts';
import type { Episode, NotedEvidence } from './notes.ts';

/** A detector with its settings and its place in a record. */
export interface Described {
  readonly detector: AnyDetector;
  readonly config: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * What a detector says of an event in words, added to what it said before. One that fails is told of, and says nothing new.
 *
 * @param bits that it gave the event
 */
export function describe(
  { detector, fields, config }: Described,
  event: AuditEvent,
  bits: number,
  noted: NotedEvidence | undefined,
  onFailure: (detectorId: string, cause: unknown) => void,
): NotedEvidence {
  try {
    const answer: unknown = detector.evidence(fields, event, config);
    checkEvidence(answer);
    const fresh = event.success === false ? answer.map(asRefused) : answer;
    const isStronger = noted === undefined || bits > noted.bits;
    const evidence = noted ? mergeEvidence(noted.evidence, fresh, isStronger) : fresh;
    const explanation: unknown = detector.explain(event, evidence);
    checkExplanation(explanation);
    const dimension = isStronger ? detector.dimensionOf?.(fields, event, config) : noted.dimension;
    return { bits: Math.max(bits, noted?.bits ?? 0), evidence, explanation, ...(dimension && { dimension }) };
  } catch (cause) {
    onFailure(detector.id, cause);
    return noted ?? { bits, evidence: [], explanation: detector.title.toLowerCase() };
  }
}

/** Anyone can fail in somebody's name: what failed is new by another name than what was done, so that it cannot pass for the same. */
function asRefused(evidence: Evidence): Evidence {
  const { newNames } = evidence;
  return newNames === undefined ? evidence : { ...evidence, newNames: newNames.map((name) => `refused: ${name}`) };
}

/** A detector's finding, as it is told. */
export function findingOf(
  { id, title, dimension, severity, attack, trust, status, isCertain }: AnyDetector,
  event: AuditEvent,
  { evidence, explanation, dimension: ofEvidence }: NotedEvidence,
  numbers: Pick<Finding, 'bits' | 'contribution' | 'scoreWithout'>,
): Finding {
  return {
    id: `${event.id}#${id}`,
    detector: id,
    title,
    dimension: ofEvidence ?? dimension,
    severity,
    attack,
    trust,
    status,
    isCertain: isCertain === true,
    ...numbers,
    evidence,
    explanation,
  };
}

/** An event above the threshold, with all that is known of it. @param baseline before the event */
export function assessmentOf(
  event: AuditEvent,
  known: Pick<Assessment, 'loggedAt' | 'score' | 'findings' | 'baseline'> & {
    readonly thresholds: Thresholds;
    readonly episode: Episode;
  },
): Assessment {
  const { loggedAt, score, thresholds, findings, episode, baseline } = known;
  return {
    id: event.id,
    token: event.token,
    principal: event.principal,
    owner: event.owner,
    environment: event.environment,
    episode: episode.id,
    openedAt: episode.openedAt,
    eventId: event.id,
    at: event.at,
    loggedAt,
    address: event.address,
    database: event.database,
    application: event.application,
    score,
    threshold: thresholds.alert,
    revokeThreshold: thresholds.revoke,
    findings,
    since: { eventCount: episode.eventCount, rowCount: episode.rowCount, byteCount: episode.byteCount },
    baseline: { firstSeenAt: baseline.firstSeenAt || event.at, eventCount: baseline.eventCount },
  };
}

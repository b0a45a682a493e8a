import type { Action } from '../../src/domain/action.ts';
import type { Alert } from '../../src/domain/alert.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import type { Assessment } from '../../src/domain/finding.ts';
import type { AlertRevision, DeliveryChange, LoggedAssessment, LoggedEvent } from '../../src/store/rows.ts';

/** The start of an hour, some days ago: within every retention, far from its end. */
export const START = Math.floor(Date.now() / 3_600_000 - 100) * 3_600_000;

/** Event number `n` of a made-up stream: one a second, ten tokens, a failure in each hundred. */
export function sampleEvent(n: number, changes: Partial<LoggedEvent['event']> = {}): LoggedEvent {
  const at = START + n * 1000;
  const event = {
    ...blankEvent(`kafka/3/${n}`, `tok_${n % 10}`, at),
    principal: `svc-${n % 3}`,
    address: `192.0.2.${n % 250}`,
    database: 'sales',
    operation: 'select' as const,
    tables: ['public.orders', `public.part_${n % 4}`],
    statement:
      'select o.id, o.total from public.orders o join public.customers c on c.id = o.customer_id where o.id > ?',
    rows: n % 1000,
    bytes: n * 13,
    success: n % 100 !== 0,
    application: 'billing',
    session: `s${n % 7}`,
    format: 'pgaudit',
    network: `192.0.${n % 5}.0/24`,
    asn: 64_500 + (n % 5),
    country: 'DE',
    owner: 'team-a',
    environment: 'production',
    ...changes,
  };
  return { event, partition: n % 2, offset: n, loggedAt: at + 40 };
}

export function sampleEvents(count: number, from = 0): LoggedEvent[] {
  return Array.from({ length: count }, (_, index) => sampleEvent(from + index));
}

export function sampleAssessment(n: number): Assessment {
  const at = START + n * 1000;
  const finding = {
    title: 'New network',
    dimension: 'where' as const,
    severity: 'high' as const,
    attack: ['T1078.004'],
    trust: 'reported' as const,
    status: 'stable' as const,
    isCertain: false,
    bits: 9.25,
    contribution: 12.5,
    scoreWithout: 12.5,
    evidence: [{ what: 'network', observed: "203.0.113.0/24'; --", expected: '192.0.2.0/24', sampleSize: 400 + n }],
    explanation: `Seen from 203.0.113.0/24 for the first time in ${n} days.`,
  };
  return {
    id: `asm_${n}`,
    token: `tok_${n % 10}`,
    principal: 'svc-1',
    owner: 'team-a',
    environment: 'production',
    episode: `kafka/3/${n}`,
    openedAt: at,
    eventId: `kafka/3/${n}`,
    at,
    loggedAt: at + 40,
    address: '203.0.113.9',
    database: 'sales',
    application: null,
    score: 25,
    threshold: 18.5,
    revokeThreshold: 22,
    findings: [
      { ...finding, id: `fnd_${n}_a`, detector: 'new-network' },
      { ...finding, id: `fnd_${n}_b`, detector: 'new-table', dimension: 'what', bits: 0 },
    ],
    since: { eventCount: 3, rowCount: 1200, byteCount: 88_000 },
    baseline: { firstSeenAt: START - 86_400_000, eventCount: 4000 },
  };
}

export function sampleLoggedAssessment(n: number): LoggedAssessment {
  return { assessment: sampleAssessment(n), partition: 0, offset: n, loggedAt: START + n * 1000 + 60 };
}

export function sampleAlert(n: number, changes: Partial<Alert> = {}, revision = n): AlertRevision {
  const assessment = sampleAssessment(n);
  const alert = {
    id: `alr_${n}`,
    token: assessment.token,
    severity: 'high' as const,
    worst: assessment,
    latest: assessment,
    openedAt: assessment.at,
    updatedAt: assessment.at,
    assessmentCount: 1,
    stamps: { event: assessment.at, log: assessment.loggedAt },
    ...changes,
  };
  return { alert, revision, revocation: null };
}

export function sampleDelivery(n: number, changes: Partial<DeliveryChange> = {}): DeliveryChange {
  const action: Action = {
    id: `act_${n}`,
    kind: 'revoke',
    alertId: `alr_${n}`,
    token: `tok_${n % 10}`,
    principal: 'svc-1',
    target: 'issuer',
    reason: { code: 'policy-revokes', text: 'Two dimensions above the threshold.' },
    decidedAt: START + n * 1000,
    expiresAt: START + n * 1000 + 60_000,
  };
  return {
    action,
    state: 'approved',
    detail: '',
    attemptCount: 0,
    changedAt: START + n * 1000,
    revision: n,
    ...changes,
  };
}

import type { Notification, RevocationSummary } from '../../src/deliver/receiver.ts';
import type { RevocationOrder } from '../../src/deliver/revoker.ts';
import type { Action } from '../../src/domain/action.ts';
import type { Alert, FleetAlert } from '../../src/domain/alert.ts';
import type { Assessment, Finding } from '../../src/domain/finding.ts';

export const AT = Date.UTC(2026, 8, 7, 2, 14, 3, 120);

export function sampleFinding(overrides: Partial<Finding> = {}): Finding {
  return {
    id: 'fnd_1',
    detector: 'new-network',
    title: 'Used from a new network',
    dimension: 'where',
    severity: 'high',
    attack: ['T1078.004'],
    trust: 'verified',
    status: 'stable',
    isCertain: false,
    bits: 14,
    contribution: 18.26,
    scoreWithout: 13.18,
    evidence: [
      { what: 'network', observed: '203.0.113.0/24 (AS64511)', expected: '2 networks in DE', sampleSize: 4210 },
    ],
    explanation: 'came from 203.0.113.9 in 203.0.113.0/24, which is not among its 2 networks in 4210 events',
    ...overrides,
  };
}

export function sampleAssessment(overrides: Partial<Assessment> = {}): Assessment {
  return {
    id: 'asm_1',
    token: 'svc-billing',
    principal: 'billing',
    owner: 'team payments',
    environment: 'production',
    episode: 'main/0/17',
    openedAt: AT,
    eventId: 'main/0/21',
    at: AT + 60_000,
    loggedAt: AT + 60_040,
    address: '203.0.113.9',
    database: 'ledger',
    application: 'psql',
    score: 31.44,
    threshold: 17.2,
    revokeThreshold: 20.5,
    findings: [
      sampleFinding(),
      sampleFinding({
        id: 'fnd_2',
        detector: 'volume-spike',
        title: 'Read far more than ever',
        dimension: 'how-much',
        trust: 'reported',
        contribution: 13.18,
        scoreWithout: 18.26,
        evidence: [{ what: 'rows in 1 min', observed: 48_211, expected: 'up to 900', sampleSize: 2016 }],
        explanation: 'reached 48211 rows in 1 min; usual is up to 900 (2016 such windows known)',
      }),
    ],
    since: { eventCount: 14, rowCount: 48_211, byteCount: 9_542_041 },
    baseline: { firstSeenAt: AT - 98 * 86_400_000, eventCount: 4210 },
    ...overrides,
  };
}

export function sampleAlert(overrides: Partial<Alert> = {}): Alert {
  const assessment = sampleAssessment();
  return {
    id: 'alr_0123456789abcdef',
    token: assessment.token,
    severity: 'critical',
    worst: assessment,
    latest: assessment,
    openedAt: assessment.openedAt,
    updatedAt: assessment.at,
    assessmentCount: 3,
    stamps: { event: AT, log: AT + 40, decided: AT + 52, accepted: AT + 250, verified: AT + 3450 },
    ...overrides,
  };
}

export function sampleAction(overrides: Partial<Action> = {}): Action {
  return {
    id: 'act_0123456789abcdef',
    kind: 'notify',
    alertId: 'alr_0123456789abcdef',
    token: 'svc-billing',
    principal: 'billing',
    target: 'people',
    reason: { code: 'first-notification', text: 'a new alert' },
    decidedAt: AT + 60_052,
    expiresAt: AT + 86_400_000,
    ...overrides,
  };
}

export function sampleRevocation(overrides: Partial<RevocationSummary> = {}): RevocationSummary {
  return {
    actionId: 'act_fedcba9876543210',
    state: 'verified',
    target: 'ledger roles',
    reason: 'score 31.4 bits (20.5 needed), unusual in where, how-much',
    ...overrides,
  };
}

export function sampleNotification(overrides: Partial<Notification> = {}): Notification {
  return {
    action: sampleAction(),
    alert: sampleAlert(),
    revocation: sampleRevocation(),
    nextSteps: ['Ask the owner whether this was them.'],
    ...overrides,
  };
}

export function sampleFleet(overrides: Partial<FleetAlert> = {}): FleetAlert {
  return {
    cause: { detector: 'new-table', what: 'tables not used before', name: 'shop.*' },
    tokenCount: 12,
    tokens: ['svc-billing', 'svc-orders', 'svc-stock', 'svc-mail', 'svc-ads', 'svc-fraud'],
    since: AT,
    revoked: [],
    ...overrides,
  };
}

export function sampleOrder(action: Partial<Action> = {}): RevocationOrder {
  const reason = { code: 'policy-revokes', text: 'score 31.4 bits (20.5 needed)' } as const;
  return { action: sampleAction({ kind: 'revoke', target: 'ledger roles', reason, ...action }), alert: sampleAlert() };
}

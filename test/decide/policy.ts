import type { GuardRails, Policy } from '../../src/decide/policy.ts';

const MINUTE_MS = 60_000;

/** Enforces, with one revoker and one receiver for everything. */
export function samplePolicy(overrides: Partial<Policy> = {}, guardRails: Partial<GuardRails> = {}): Policy {
  return {
    mode: 'enforce',
    stopped: false,
    routes: [{ match: {}, receivers: ['people'] }],
    repeatIntervalMs: 60 * MINUTE_MS,
    silences: [],
    revocationRules: [{ match: {}, revoker: 'gateway' }],
    guardRails: {
      protectedTokens: [],
      budget: { revocationCount: 3, windowMs: 10 * MINUTE_MS },
      brake: { tokenCount: 5, windowMs: 10 * MINUTE_MS },
      dimensionsMin: 2,
      baselineDaysMin: 7,
      baselineEventsMin: 50,
      ...guardRails,
    },
    sharedCause: { tokenCount: 3, windowMs: 24 * 60 * MINUTE_MS },
    ...overrides,
  };
}

import { MINUTE_MS } from '../baseline/time.ts';
import type { Policy } from '../decide/policy.ts';
import type { AnyDetector, Installed } from '../detect/detector.ts';
import type { Config } from './schema.ts';

/** The operator's wishes as decisions need them. */
export function policyOf({ mode, stopped, response }: Config): Policy {
  const { receivers, routes, silences, repeatIntervalMinutes, revocation, sharedCause } = response;
  const { rules, protectedTokens, budget, brake, dimensionsMin, baselineDaysMin, baselineEventsMin } = revocation;
  return {
    mode,
    stopped,
    routes: routes ?? [{ match: {}, receivers: Object.keys(receivers) }],
    repeatIntervalMs: repeatIntervalMinutes * MINUTE_MS,
    silences,
    revocationRules: rules,
    sharedCause: { tokenCount: sharedCause.tokenCount, windowMs: sharedCause.windowMinutes * MINUTE_MS },
    guardRails: {
      protectedTokens,
      budget: { revocationCount: budget.revocationCount, windowMs: budget.windowMinutes * MINUTE_MS },
      brake: { tokenCount: brake.tokenCount, windowMs: brake.windowMinutes * MINUTE_MS },
      dimensionsMin,
      baselineDaysMin,
      baselineEventsMin,
    },
  };
}

/** The detectors that run, with their options. */
export function installedOf({ detection }: Config, detectors: readonly AnyDetector[]): readonly Installed[] {
  return detectors.flatMap((detector) => {
    const options = detection.detectors[detector.id];
    if (options === undefined || !options.enabled) return [];
    const { enabled: _, weight, ...config } = options;
    return [{ detector, config, weight }];
  });
}

import { stringify } from 'yaml';
import type { Config } from './schema.ts';

/** A configuration as it takes effect, as YAML; secrets print as `[secret]`. */
export function describeConfig(config: Config): string {
  const { alarms, tokenMonths } = config.detection.alarmBudget;
  const alarmBudget = `${alarms} per ${tokenMonths === 1 ? 'token-month' : `${tokenMonths} token-months`}`;
  const silences = config.response.silences.map(({ until, ...rest }) => ({
    ...rest,
    until: new Date(until).toISOString(),
  }));
  const shown = {
    ...config,
    detection: { ...config.detection, alarmBudget },
    response: { ...config.response, silences },
  };
  // By way of JSON, in which secrets are not told.
  return stringify(JSON.parse(JSON.stringify(shown)), { lineWidth: 120 });
}

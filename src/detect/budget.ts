import { z } from 'zod';

/** How many false alarms the operator is willing to see. */
export interface AlarmBudget {
  readonly alarms: number;
  readonly tokenMonths: number;
}

const DAYS_PER_MONTH = 30;

/** Revoking takes a tenth of the budget for alerting. */
const REVOKE_SHARE = 0.1;

/** `1 per 1000 token-months`: in words, since a bare number would not say of what. */
export const alarmBudgetSchema = z
  .string()
  .regex(/^\d{1,6}(\.\d{1,3})? per (\d{1,9} )?token-months?$/, 'write it as "1 per 1000 token-months"')
  .transform((text): AlarmBudget => {
    const [alarms, , count] = text.split(' ');
    return { alarms: Number(alarms), tokenMonths: count?.startsWith('token') ? 1 : Number(count) };
  })
  .refine(({ alarms, tokenMonths }) => alarms > 0 && tokenMonths > 0, 'both numbers must be above 0');

/** The two scores that follow from a budget. */
export interface Thresholds {
  /** Bits from which an event is told about. */
  readonly alert: number;
  /** Bits from which policy may revoke. */
  readonly revoke: number;
}

/**
 * A score of s bits is reached on one honest token-day in 2^s (that is what calibration is for), so the threshold that keeps a budget is the
 * log₂ of the token-days that share one alarm.
 */
export function thresholdsOf(budget: AlarmBudget): Thresholds {
  const daysPerAlarm = (DAYS_PER_MONTH * budget.tokenMonths) / budget.alarms;
  return { alert: Math.max(3, Math.log2(daysPerAlarm)), revoke: Math.max(3, Math.log2(daysPerAlarm / REVOKE_SHARE)) };
}

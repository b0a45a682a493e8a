/**
 * Everything a detector of one's own imports, as `tokenwarden/detector`: the contract, the fields it may remember, and times in ms.
 */
export { alternation } from '../baseline/alternation.ts';
export { counter } from '../baseline/counter.ts';
export { fleetMix } from '../baseline/fleet-mix.ts';
export { fleetTables } from '../baseline/fleet-names.ts';
export { fleetPulse } from '../baseline/fleet-pulse.ts';
export { fleetSchemas } from '../baseline/fleet-schemas.ts';
export { hourOfWeek } from '../baseline/hour-of-week.ts';
export { kindSet } from '../baseline/kind-set.ts';
export { latestNames } from '../baseline/latest-names.ts';
export { moments } from '../baseline/moments.ts';
export { nameMix } from '../baseline/name-mix.ts';
export { nameTraces } from '../baseline/name-traces.ts';
export { notice } from '../baseline/notice.ts';
export { peak } from '../baseline/peak.ts';
export { rateWindow, rateWindows } from '../baseline/rate-window.ts';
export { rhythm } from '../baseline/rhythm.ts';
export { seenSet } from '../baseline/seen-set.ts';
export { share } from '../baseline/share.ts';
export { deviationsOf, tailBits } from '../baseline/tail.ts';
export { DAY_MS, HOUR_MS, hourOfWeekOf, MINUTE_MS, SECOND_MS } from '../baseline/time.ts';
export { timestamp } from '../baseline/timestamp.ts';
export { weeklyDrift } from '../baseline/weekly-drift.ts';
export type { AuditEvent } from '../domain/audit-event.ts';
export type { Evidence } from '../domain/finding.ts';
export { PatternList } from '../domain/pattern.ts';
export { madeTableOf, tableUse } from '../domain/table-use.ts';
export { clockText, countText, numberText, observedText } from '../domain/words.ts';
export { type CaseEvent, type Detector, defineDetector } from './detector.ts';
export { ifNotKnown, noveltyOptions } from './novelty.ts';

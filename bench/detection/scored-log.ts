import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { Features } from './features.ts';

/** What every method is given: the same events, and what was derived from them. */
export interface SharedLog {
  readonly events: readonly AuditEvent[];
  readonly features: Features;
  /** By event: 1 if its score is judged, or smoothed into one that is; 0 if it only teaches. */
  readonly asked: Uint8Array;
}

/** One number an event, in the log's order; `NaN` where there is none. Higher is stranger; the scale is the method's own. */
export type Scores = Float64Array;

/** A way to score a log from its beginning, each event by what came before it. */
export interface Method {
  readonly name: string;
  /** By variant: what is judged separately, so that the better one can be kept. */
  score(log: SharedLog): Promise<ReadonlyMap<string, Scores>>;
}

import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { Features } from './features.ts';

/** What every method is given: the same events, and what was derived from them. */
export interface SharedLog {
  readonly events: readonly AuditEvent[];
  readonly features: Features;
  /** Whether an event is judged, and needs a score for its own sake. What teaches only does not. */
  readonly isAsked: (event: AuditEvent) => boolean;
}

/** One number an event, in the log's order; `NaN` where there is none. Higher is stranger; the scale is the method's own. */
export type Scores = Float64Array;

/** A way to score a log from its beginning, each event by what came before it. */
export interface Method {
  readonly name: string;
  /** By variant: what is judged separately, so that the better one can be kept. */
  score(log: SharedLog): Promise<ReadonlyMap<string, Scores>>;
}

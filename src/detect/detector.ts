import type { z } from 'zod';
import type { Fields, Readable, Writable } from '../baseline/record.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Dimension, Evidence, Severity, Status } from '../domain/finding.ts';
import type { Notice } from '../domain/notice.ts';
import type { Trust } from '../domain/trust.ts';

/**
 * A detector: one file in `detectors/`, one default export, everything about it inside.
 *
 * It judges one dimension of a token's behaviour from what it has declared to remember about that token and to know of the fleet, and nothing else:
 * no clock, no I/O, no other detector. The engine calls `score` and then `learn` for every event; all five functions are synchronous, deterministic
 * and allocate as little as they can.
 */
export interface Detector<C = unknown, F extends Fields = Fields> {
  /** Kebab-case; the file's name, the key in the configuration, the anchor in the docs. */
  readonly id: string;
  readonly title: string;
  /** What it sees and by which probability model it judges, for the generated manual. */
  readonly description: string;
  readonly status: Status;
  readonly severity: Severity;
  readonly dimension: Dimension;
  /** The least trusted field of the event that its bits rest on. */
  readonly trust: Trust;
  /** MITRE ATT&CK technique ids. */
  readonly attack: readonly string[];
  readonly falsePositives: readonly string[];
  /** What a person does first when this detector leads an alert. */
  readonly runbook: string;
  /** A strict object; every option described and defaulted. */
  readonly config: z.ZodType<C>;
  readonly remembers: F;
  /**
   * What it sees must not happen at all, whoever does it. Its finding is no matter of odds: whatever the alarm budget, it is worth what revoking takes,
   * alone, and however little is known of the token.
   */
  readonly isCertain?: boolean;
  /**
   * How the evidence of several events comes together. If it is not said: it adds up, fades within hours, and is compared with how high it gets on the
   * token's own days. The mean of the latest events fades too, and counts as it is, for what each of them shows a little of.
   */
  readonly gathers?: LatestEvents;
  /**
   * Whether it judges and learns refused logins too. Default: no. Anyone can have them written in the token's name, so they say nothing of its use, and
   * what they teach is a stranger's.
   */
  readonly judgesFailedLogins?: boolean;
  /** The most one event may add to the sum, bits. Default 4.5. */
  readonly bitsMax?: number;
  /**
   * log₂ of how much likelier the event is from a stranger than from the owner. Ordinary events give a little negative, odd ones positive.
   * `undefined`: no opinion (nothing to judge by, or the event does not concern this dimension): nothing is added to a sum, and a mean stays as it is.
   */
  score(fields: Readable<F>, event: AuditEvent, config: C): number | undefined;
  /**
   * Takes the event into the baseline. Fields weigh it by how unsuspicious it was.
   *
   * @param bits what `score` has said of it (0: no opinion), so that it need not be found out once more; `undefined`: it was not asked, and the same is learned
   */
  learn(fields: Writable<F>, event: AuditEvent, config: C, bits?: number): void;
  /** What was observed beside what was expected. Called, before `learn`, only for events worth telling about. */
  evidence(fields: Readable<F>, event: AuditEvent, config: C): readonly Evidence[];
  /** Of which dimension its evidence of this event is, where that is not always the same. Default: `dimension`. */
  dimensionOf?(fields: Readable<F>, event: AuditEvent, config: C): Dimension;
  /** One plain sentence without the token's name, which stands before it: "read 3 tables it had never touched: …". */
  explain(event: AuditEvent, evidence: readonly Evidence[]): string;
  /** Histories with the outcome expected for their last event; at least one that fires and one that stays silent. */
  readonly cases: readonly DetectorCase[];
}

/** The mean of the latest events' evidence. */
export interface LatestEvents {
  /** Events after which half of it is forgotten. */
  readonly halfLife: number;
  /** How many of their own they are worth: what is alike in events that follow each other counts once. */
  readonly worth: number;
}

/** An example that is documentation, test, and seed of the conformance laws at once. */
export interface DetectorCase {
  readonly name: string;
  /** Options, where the defaults show nothing. */
  readonly config?: unknown;
  /** What is certain of the token, given before all events and about what is later. */
  readonly notices?: readonly Omit<Notice, 'token'>[];
  /** Learned first, in order. Events of another token than `case` are what others do. */
  readonly history: readonly CaseEvent[];
  /** Then judged (and learned), in order. */
  readonly events: readonly CaseEvent[];
  /** Whether the sum over `events` must reach `CASE_FIRES_BITS`, or must stay below 1 bit. */
  readonly expect: 'fires' | 'silent';
}

/** An event with only what matters to the case; the rest is filled in. `at` is ms since the epoch. */
export type CaseEvent = Partial<Omit<AuditEvent, 'at'>> & { readonly at: number };

/** Bits over which a case counts as firing. */
export const CASE_FIRES_BITS = 4;

/** Names the types of a detector: options from its schema, fields from what it remembers. */
export function defineDetector<C, F extends Fields>(detector: Detector<C, F>): Detector<C, F> {
  return detector;
}

/** A detector of any options and fields, as the engine, which knows neither, holds it. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where a detector's own types are erased
export type AnyDetector = Detector<any, any>;

/** Whether a detector judges and learns an event. @param isUse whether the event takes the token: a refused login does not */
export function isConcerned(detector: Pick<AnyDetector, 'judgesFailedLogins'>, isUse: boolean): boolean {
  return isUse || detector.judgesFailedLogins === true;
}

/** A detector with its settings, as it takes part in scoring. */
export interface Installed {
  readonly detector: AnyDetector;
  readonly config: unknown;
  /** What its dimension counts for when contributions are added up. 0: it watches and contributes nothing. */
  readonly weight: number;
}

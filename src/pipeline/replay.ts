import type { AlertEntry } from '../decide/entries.ts';
import type { Policy } from '../decide/policy.ts';
import { Responder } from '../decide/responder.ts';
import { Engine, type EngineOptions } from '../detect/engine.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Assessment } from '../domain/finding.ts';
import type { Enrich } from '../enrich/enrich.ts';
import type { Format, Outcome } from '../normalise/format.ts';
import { asideIn } from './aside-record.ts';

export interface ReplayOptions {
  readonly format: Format;
  readonly enrich: Enrich;
  readonly engine: EngineOptions;
  readonly policy: Policy;
}

export interface ReplayCounts {
  records: number;
  events: number;
  notices: number;
  ignored: number;
  deadLetters: number;
  assessments: number;
}

/** What became of one dead letter, so that a person can see why. */
export interface ReplayDeadLetter {
  readonly id: string;
  readonly code: string;
  readonly reason: string;
}

/** Who is told of what a replay shows. */
export interface ReplayWatch {
  /** Of every event, with its score in bits. */
  readonly scored: (event: AuditEvent, score: number) => void;
  readonly assessment: (assessment: Assessment) => void;
  readonly deadLetter: (letter: ReplayDeadLetter) => void;
}

/**
 * Runs history through the very code that runs live, in event time and without side effects: normalise, enrich, score, learn, decide. Nothing
 * is sent and nobody is told; the same input gives the same output to the byte.
 */
export class Replay {
  readonly counts: ReplayCounts = { records: 0, events: 0, notices: 0, ignored: 0, deadLetters: 0, assessments: 0 };
  readonly #options: ReplayOptions;
  readonly #engine: Engine;
  readonly #responder: Responder;
  readonly #normaliser;
  readonly #alerts = new Map<string, AlertEntry>();
  readonly #watch: ReplayWatch;
  #offset = 0;

  constructor(options: ReplayOptions, watch: ReplayWatch) {
    this.#options = options;
    this.#watch = watch;
    this.#engine = new Engine(options.engine);
    this.#responder = new Responder(options.policy);
    this.#normaliser = options.format.open();
  }

  get tokenCount(): number {
    return this.#engine.tokenCount;
  }

  /**
   * Takes one raw record. `id` are its coordinates, the same in every replay of the same input. A record may be a notice, as it would stand among the events:
   * here, and from no source.
   */
  push(id: string, value: Uint8Array): void {
    this.counts.records += 1;
    const aside = asideIn(value);
    if (aside && 'notice' in aside) {
      this.counts.notices += 1;
      this.#engine.takeAside(aside, this.#offset++);
      return;
    }
    this.#take(this.#normaliser.push({ id, value }));
  }

  /** Ends the input. @returns every alert as it stood last, in order of opening. */
  finish(): readonly AlertEntry[] {
    this.#take(this.#normaliser.flush());
    return [...this.#alerts.values()];
  }

  #take(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (outcome.kind === 'event') this.#observe(this.#options.enrich(outcome.event, null));
      else if (outcome.kind === 'ignored') this.counts.ignored += outcome.settles.length;
      else {
        this.counts.deadLetters += outcome.settles.length;
        this.#watch.deadLetter({ id: outcome.settles[0] ?? '', code: outcome.code, reason: outcome.reason });
      }
    }
  }

  #observe(event: AuditEvent): void {
    const offset = this.#offset++;
    this.counts.events += 1;
    const assessment = this.#engine.observe(event, offset, event.at);
    this.#watch.scored(event, this.#engine.lastScore);
    if (assessment === undefined) return;
    this.counts.assessments += 1;
    this.#watch.assessment(assessment);
    const decided = this.#responder.onAssessment(assessment, offset, event.at);
    for (const entry of [decided?.leader, decided?.alert]) if (entry) this.#alerts.set(entry.alert.id, entry);
  }
}

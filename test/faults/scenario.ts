import type { Random } from '../../src/domain/random.ts';
import type { KafkaServer } from '../support/kafka-server.ts';

export type LogKind = 'kafka' | 'embedded';

/** One way to hurt real processes, with what has to hold afterwards. Default export of a file in `scenarios/`. */
export interface Scenario {
  /** Named by `--only`. */
  readonly id: string;
  /** What is done, for the table. */
  readonly title: string;
  /** It is run on each of these logs. */
  readonly on: readonly LogKind[];
  /** Whether `--short` runs it too, or on which log alone. */
  readonly isShort: boolean | LogKind;
  /**
   * Does the harm, then throws unless everything holds that should.
   *
   * @returns what the table says: counts and measured times, by name with the unit last
   */
  run(context: FaultContext): Promise<Facts>;
}

export type Facts = Readonly<Record<string, string | number>>;

export interface FaultContext {
  readonly log: LogKind;
  /** Of the run and the scenario: the same seed does the same harm. */
  readonly random: Random;
  readonly isShort: boolean;
  /** Empty, and removed afterwards. */
  readonly folder: string;
  /** A Kafka that all scenarios of a run share: use a topic prefix of your own. Skips the scenario where there is none. */
  readonly kafka: () => Promise<KafkaServer>;
  /** What must be undone afterwards, the last first, also when the scenario fails. */
  readonly defer: (undo: () => unknown) => void;
}

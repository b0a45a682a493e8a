import type { LayoutOf } from '../baseline/layout.ts';
import { Engine, type EngineOptions } from '../detect/engine.ts';
import { NameBook } from '../detect/name-book.ts';
import type { Rollback } from '../detect/rollback.ts';
import { type Aside, tokenOf } from '../domain/aside.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { MadeTable } from '../domain/made-table.ts';
import { partitionOf } from '../domain/partition.ts';
import type { Log } from '../log/log.ts';
import { scanStoredEvent } from '../normalise/scan-event.ts';
import { lanePlaceIn } from '../normalise/stored-event.ts';
import { asideIn } from './aside-record.ts';
import { BaselineReader } from './baselines.ts';
import { LaneMarks } from './lane-marks.ts';
import { madeTableIn } from './made-table-record.ts';
import { rollbackIn } from './rollback-record.ts';
import { TOPICS } from './topics.ts';

/** A token's baseline as it was last made durable, with all that is needed to read it. The engine knows this token alone, and what all have in common. */
export async function readBaseline(log: Log, options: EngineOptions, token: string): Promise<BaselineReader> {
  const partitions = await log.offsets(TOPICS.baselines);
  const reader = new BaselineReader(partitionOf(token, partitions.length), new Engine(options), (key) => key === token);
  await reader.readOn(log);
  return reader;
}

/** What happened to a token, or to another one of its partition. */
export type Step = { readonly offset: number; readonly loggedAt: number } & (
  | { readonly event: AuditEvent; readonly settledTo: number | null }
  | { readonly aside: Aside }
  | { readonly rollback: Rollback }
  | { readonly made: MadeTable }
);

/** All that the events log still has of a token's partition, in order. @param onRead is told which share of it was read */
export async function* stepsOfLog(log: Log, token: string, onRead: (share: number) => void): AsyncGenerator<Step> {
  const ends = await log.offsets(TOPICS.events);
  const partition = partitionOf(token, ends.length);
  const { earliest = 0, end = 0 } = ends[partition] ?? {};
  for await (const batch of log.read(TOPICS.events, partition)) {
    for (const { value, offset, appendedAt: loggedAt } of batch) {
      const step = value && stepIn(value, `${TOPICS.events}/${partition}/${offset}`);
      if (step) yield { ...step, offset, loggedAt };
    }
    onRead(((batch.at(-1)?.offset ?? end) - earliest) / (end - earliest));
  }
}

function stepIn(value: Buffer, place: string) {
  const event = scanStoredEvent(value, () => place);
  if (!('code' in event)) return { event, settledTo: event.settledTo };
  const aside = asideIn(value);
  if (aside) return { aside };
  const rollback = rollbackIn(value);
  if (rollback) return { rollback };
  const made = madeTableIn(value);
  return made && { made };
}

/** What is known of a token before its first event that is later than a time, found out by going through its past once more, through the same engine. */
export class TokenPast {
  readonly engine: Engine;
  readonly names: NameBook;
  /** When the first event was that was gone through, or is later; `undefined`: there was none. */
  firstAt: number | undefined;
  /** When the last one was. */
  lastAt = 0;
  readonly #token: string;
  readonly #until: number;
  readonly #layoutOf: LayoutOf;
  readonly #marks = new LaneMarks();
  #isOver = false;

  /**
   * @param until event time, ms; what comes after it is only asked for names
   * @param common what the tokens have in common, where other tokens' events are not gone through
   */
  constructor(
    options: EngineOptions,
    given: {
      readonly token: string;
      readonly until: number;
      readonly layoutOf: LayoutOf;
      readonly common?: Uint8Array;
    },
  ) {
    this.engine = new Engine(options);
    if (given.common) this.engine.fleet.restore(given.common);
    this.names = new NameBook(options.installed, options.hashSeed);
    this.#token = given.token;
    this.#until = given.until;
    this.#layoutOf = given.layoutOf;
  }

  take(step: Step): void {
    if ('event' in step) this.#observe(step);
    else if (this.#isOver) return;
    else if ('made' in step) this.engine.fleet.takeMade(step.made, step.offset);
    else if (this.#isLater(step)) this.#isOver = true;
    else if ('aside' in step) this.engine.takeAside(step.aside, step.offset);
    else this.engine.rollBack(step.rollback, step.offset, this.#layoutOf);
  }

  /** What people say is of the time when they said it; other tokens' is never too late. */
  #isLater(step: Extract<Step, { readonly aside: Aside } | { readonly rollback: Rollback }>): boolean {
    if ('rollback' in step) return step.rollback.token === this.#token && step.rollback.at > this.#until;
    const { aside } = step;
    const { at } = 'notice' in aside ? aside.notice : aside.verdict;
    return tokenOf(aside) === this.#token && at > this.#until;
  }

  #observe({ event, settledTo, offset, loggedAt }: Extract<Step, { readonly event: AuditEvent }>): void {
    if (event.token === this.#token) {
      this.firstAt ??= event.at;
      this.lastAt = Math.max(this.lastAt, event.at);
      this.#isOver ||= event.at > this.#until;
      this.names.hear(event);
    }
    if (this.#isOver) return;
    const { engine } = this;
    // As detect does, which has to have all written before: a second copy may be the first event of a day.
    if (engine.fleet.isDayOver(event, offset, loggedAt)) engine.endFleetDay(event);
    if (!this.#marks.repeats({ ...lanePlaceIn(event.id), settledTo })) engine.observe(event, offset, loggedAt);
  }
}

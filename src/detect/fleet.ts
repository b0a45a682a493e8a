import { DayTail, type DayTailPrior } from '../baseline/day-tail.ts';
import { FleetView, type MadeDay } from '../baseline/fleet-names.ts';
import type { StoredSchemas } from '../baseline/fleet-schemas.ts';
import { DAY_MS, dayOf } from '../baseline/time.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { MadeTable } from '../domain/made-table.ts';

/** Sizes of the fused sum on honest days (as `fusion.ts` bends it), before a fleet has shown its own. */
const PRIOR: DayTailPrior = { mean: 2.6, days: 100 };
const HALF_LIFE_DAYS = 365;

/** Events after which a fleet's day may end, when a new date begins. */
export interface FleetPace {
  /** Of all that were taken. */
  readonly growth: number;
  readonly eventsMin: number;
  readonly eventsMax: number;
}

/** When an eighth more has happened than is known: a backlog has many dates a second. */
const PACE: FleetPace = { growth: 1 / 8, eventsMin: 200, eventsMax: 50_000 };
/** A clock that is a day fast ends no days and no hours; one that is a century fast would end them all. */
const AHEAD_DAYS_MAX = 1;

interface Stored {
  readonly stamp: number;
  readonly day: number;
  readonly turn: number;
  readonly eventCount: number;
  readonly sinceTurn: number;
  readonly days: Parameters<DayTail['restore']>[0];
  /** Base64. Missing in what an earlier version wrote: names are learned anew. */
  readonly tables?: string;
  readonly mix?: string;
  readonly madeDays?: readonly MadeDay[];
  readonly schemas?: StoredSchemas;
  /** Base64, as tables. */
  readonly pulse?: string;
}

/**
 * What the tokens of a partition have in common: the names they use, and how high the fused sum gets on an honest day. Two parts, each a function of the
 * events before, so that whoever reads them has the same:
 *
 * - names, and how much is done at present, follow from the events alone, and from the tables that tokens of other partitions made;
 * - the days' maxima are gathered from the tokens' records, all at once when a day of the fleet ends, and not otherwise. Whoever makes records
 *   durable has everything before that moment written first, this included.
 */
export class Fleet {
  readonly view: FleetView;
  readonly days = new DayTail(PRIOR);
  readonly #pace: FleetPace;
  /** Offset of the last event taken, or -1. */
  #stamp = -1;
  #day = 0;
  #turn = 1;
  #eventCount = 0;
  #sinceTurn = 0;
  #changed = false;
  /** Stamp of the snapshot last taken or restored. */
  #writtenStamp = -1;

  constructor(hashSeed: number, pace: FleetPace = PACE) {
    this.#pace = pace;
    this.view = new FleetView(hashSeed);
  }

  /** How many days of it have begun: names the one that tokens' days end in. */
  get turn(): number {
    return this.#turn;
  }

  /** Whether the fleet's day ends before this event. @param loggedAt when the log took it, ms since the epoch */
  isDayOver({ at }: Pick<AuditEvent, 'at'>, offset: number, loggedAt: number): boolean {
    // Nearly always, and asked of every event.
    if (at < (this.#day + 1) * DAY_MS) return false;
    if (offset <= this.#stamp || !isInTime(at, loggedAt)) return false;
    const { growth, eventsMin, eventsMax } = this.#pace;
    return this.#day === 0 || this.#sinceTurn >= Math.min(eventsMax, Math.max(eventsMin, growth * this.#eventCount));
  }

  /** Ends the day before an event. @param fresh days of tokens that ended in this one, by bin */
  endDay({ at }: Pick<AuditEvent, 'at'>, fresh: Uint32Array): void {
    const day = dayOf(at);
    const factor = this.#day === 0 ? 1 : 2 ** (-(day - this.#day) / HALF_LIFE_DAYS);
    this.view.fade(factor);
    this.days.add(fresh, factor);
    this.#day = day;
    this.#turn += 1;
    this.#sinceTurn = 0;
    this.#changed = true;
  }

  /**
   * Takes an event of the token at hand in: after it was judged, whether its record had it already or not.
   *
   * @param loggedAt when the log took it, ms since the epoch
   */
  take(event: Parameters<FleetView['add']>[0], offset: number, loggedAt: number): void {
    if (offset <= this.#stamp) return;
    this.#stamp = offset;
    this.#eventCount += 1;
    this.#sinceTurn += 1;
    this.#changed = true;
    this.view.add(event);
    this.#beat(event, loggedAt);
  }

  /** What is refused is not counted: anybody can try in the names of many. A clock that is some hours fast would have the hour end for everybody. */
  #beat({ at, success }: Pick<AuditEvent, 'at' | 'success'>, loggedAt: number): void {
    if (success !== false && isInTime(at, loggedAt)) this.view.beat(Math.min(at, loggedAt));
  }

  /** Takes in what a token of another partition made, at its place among the events of this one. */
  takeMade(made: MadeTable, offset: number): void {
    if (offset <= this.#stamp) return;
    this.#stamp = offset;
    this.#changed = true;
    this.view.addMade(made);
  }

  /** Forgets how far it is: offsets begin anew. */
  reset(): void {
    this.#stamp = -1;
    this.#writtenStamp = -1;
    this.#changed = true;
  }

  /** Whether it is to be written. */
  get isChanged(): boolean {
    return this.#changed;
  }

  /** All that is known, for the baselines log, if it has changed since it was last taken. */
  takeSnapshot(): Buffer | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    this.#writtenStamp = this.#stamp;
    return this.snapshot();
  }

  snapshot(): Buffer {
    const stored: Stored = {
      stamp: this.#stamp,
      day: this.#day,
      turn: this.#turn,
      eventCount: this.#eventCount,
      sinceTurn: this.#sinceTurn,
      days: this.days.toJSON(),
      tables: this.view.tables.toBytes().toString('base64'),
      madeDays: this.view.tables.madeDays(),
      mix: this.view.mix.toBytes().toString('base64'),
      schemas: this.view.schemas.toJSON(),
      pulse: this.view.pulse.toBytes().toString('base64'),
    };
    return Buffer.from(JSON.stringify(stored));
  }

  /**
   * Takes a snapshot back. Of two the later stamp holds: what a lost owner wrote may come after.
   *
   * @returns `false` if it was the earlier one: then the later one has to be written once more, since compaction would keep this
   */
  restore(snapshot: Uint8Array): boolean {
    const stored = storedIn(snapshot);
    if (stored.stamp < this.#stamp) {
      this.#changed = true;
      return false;
    }
    this.#stamp = stored.stamp;
    this.#writtenStamp = stored.stamp;
    this.#day = stored.day;
    this.#turn = stored.turn;
    this.#eventCount = stored.eventCount;
    this.#sinceTurn = stored.sinceTurn;
    this.days.restore(stored.days);
    this.view.tables.restore(Buffer.from(stored.tables ?? '', 'base64'), stored.madeDays);
    this.view.mix.restore(Buffer.from(stored.mix ?? '', 'base64'));
    this.view.schemas.restore(stored.schemas);
    this.view.pulse.restore(Buffer.from(stored.pulse ?? '', 'base64'));
    return true;
  }

  /** Has it written once more if a snapshot is the last one in the log, and an earlier one than ours. */
  writeOver(snapshot: Uint8Array): void {
    if (storedIn(snapshot).stamp < this.#writtenStamp) this.#changed = true;
  }
}

function isInTime(at: number, loggedAt: number): boolean {
  return dayOf(at) <= dayOf(loggedAt) + AHEAD_DAYS_MAX;
}

function storedIn(snapshot: Uint8Array): Stored {
  return JSON.parse(Buffer.from(snapshot).toString()) as Stored;
}

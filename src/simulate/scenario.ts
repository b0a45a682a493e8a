import type { Label } from '../backtest/labels.ts';
import type { Notice } from '../domain/notice.ts';
import type { Random } from '../domain/random.ts';
import { type CanonicalRecord, type Fleet, type Habit, type SimulatedToken, statementOf } from './fleet.ts';

/** Something that happens to tokens of a made-up fleet, and whether anybody should be told. */
export interface Scenario {
  readonly id: string;
  readonly kind: Label['kind'];
  /** One sentence, as a colleague would tell it. */
  readonly about: string;
  /** `token`: one token's fate. `fleet`: everybody's on the same day. */
  readonly scope: 'token' | 'fleet';
  /** How many days it needs before the story ends. */
  readonly days: number;
  /** How many days of life it needs before it begins; default: the calm ones are enough. */
  readonly daysBefore?: number;
  /** Whether it may begin on a UTC day, on which the token does so much by itself; default: on any. */
  readonly isDay?: (dayAt: number, ordinaryCount: number) => boolean;
  /** Whether it can happen to such a token. */
  readonly befalls: (token: SimulatedToken) => boolean;
  readonly play: (cast: Cast) => Play;
}

/** Whom a scenario befalls, and when. */
export interface Cast {
  readonly token: SimulatedToken;
  readonly fleet: Fleet;
  readonly random: Random;
  /** The UTC midnight on which it begins, ms since the epoch. */
  readonly dayAt: number;
  /** What the token does by itself on the UTC day that begins at an instant. */
  readonly ordinary: (dayAt: number) => readonly CanonicalRecord[];
}

/** What then happens. */
export interface Play {
  /** From when to when the label holds, ms since the epoch. */
  readonly fromAt: number;
  readonly untilAt: number;
  /** What somebody else does with the token, or the token besides; or what other tokens do that goes with it. */
  readonly added?: readonly CanonicalRecord[];
  /** What becomes of each of the token's own records, on any day; `null`: it is not made. */
  readonly change?: (record: CanonicalRecord, at: number) => CanonicalRecord | null;
  /** What becomes certain of the token. */
  readonly notices?: readonly Notice[];
  /** How much later than it happened a record is written, ms. */
  readonly delay?: (at: number) => number;
}

/** Tells tokens of these habits. */
export function isOneOf(...habits: readonly Habit[]): Scenario['befalls'] {
  return ({ habit }) => habits.includes(habit);
}

/** A day on which the token works, so that there is something to change or to copy. */
export function isWorkday(_dayAt: number, ordinaryCount: number): boolean {
  return ordinaryCount >= 10;
}

/** Monday to Friday. */
export function isWeekday(dayAt: number): boolean {
  return ![0, 6].includes(new Date(dayAt).getUTCDay());
}

/** A record with other facts and another time. */
export function recordAt(
  base: CanonicalRecord,
  at: number,
  facts: Partial<Omit<CanonicalRecord, 'time' | 'token'>> = {},
): CanonicalRecord {
  return { ...base, ...facts, time: new Date(at).toISOString() };
}

/** A statement of the token's own kind, from its usual network, as a start for others. */
export function usualRecord({ token, random }: Pick<Cast, 'token' | 'random'>, at: number): CanonicalRecord {
  const [table = 'public.unknown'] = token.tables;
  return {
    time: new Date(at).toISOString(),
    token: token.token,
    principal: token.principal,
    source_ip: `${token.networks[0]}.${10 + random.below(4)}`,
    database: token.database,
    operation: 'select',
    tables: [table],
    statement: statementOf('select', table),
    rows: 1,
    bytes: 120,
    success: true,
    app: token.application,
    session: `${token.token}-${at}`,
  };
}

/** A read of a table as it stands. */
export function wholeTable(table: string, rows: number): Partial<CanonicalRecord> {
  return { tables: [table], statement: `SELECT * FROM ${table}`, rows, bytes: rows * 130 };
}

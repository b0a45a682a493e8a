import { DAY_MS, HOUR_MS } from '../../src/baseline/time.ts';
import type { Random } from '../../src/domain/random.ts';
import { type CanonicalRecord, statementOf } from '../../src/simulate/fleet.ts';
import { theftOf } from '../../src/simulate/theft.ts';
import { type History, TODAY_AT } from './history.ts';

export const RAW_TOPIC = 'audit.raw';
export const SOURCE = 'gateway';
export const SOURCE_GROUP = 'tokenwarden.gateway';
export const SOURCE_PARTITIONS = 2;
/** Dates on which something is used, from today on. */
export const INPUT_DAYS = 5;

/** A raw record, with when it is written and where to. */
export interface RawInput {
  /** Ms from the start. */
  readonly at: number;
  readonly partition: number;
  /** `null`: nobody's, since it cannot be read. */
  readonly token: string | null;
  readonly value: Buffer;
}

/**
 * Some hours of honest use, spread over some days so that tokens and fleets have many, some thefts, some lines that are no events. A token's
 * records are in one partition and in order.
 */
export function drawInput(
  random: Random,
  history: History,
  durationMs: number,
  migration: Random,
): readonly RawInput[] {
  const count = 60 + random.below(160);
  const from = random.below(Math.max(1, history.today.length - count));
  const honest = history.today.slice(from, from + count);
  const victims = new Set(Array.from({ length: random.below(5) }, () => random.pick(history.tokens)));
  const thefts = [...victims].flatMap((victim) =>
    theftOf(victim, String(random.below(1000)), TODAY_AT + (8 + random.below(10)) * HOUR_MS).slice(0, 25),
  );
  const moved = migration.next() < 0.4 ? afterMigration(honest, migration) : honest;
  const sorted = [...moved, ...thefts]
    .sort((a, b) => (a.time < b.time ? -1 : 1))
    .map((record, i, { length }) => laterBy(Math.floor((i * INPUT_DAYS) / length), record));
  const badCount = random.below(6);
  const lines: { readonly token: string | null; readonly text: string }[] = sorted.map((record) => ({
    token: record.token,
    text: JSON.stringify(record),
  }));
  for (let i = 0; i < badCount; i++)
    lines.splice(random.below(lines.length), 0, { token: null, text: `{"unreadable": ${i}}` });
  const times = lines.map(() => random.below(durationMs)).sort((a, b) => a - b);
  return lines.map(({ token, text }, i) => ({
    at: times[i] ?? 0,
    partition: token === null ? random.below(SOURCE_PARTITIONS) : partitionOfToken(token),
    token,
    value: Buffer.from(text),
  }));
}

/** From some record on everybody uses other tables, which are made first. Few, so that what they share is soon all that they have. */
function afterMigration(records: readonly CanonicalRecord[], random: Random): readonly CanonicalRecord[] {
  const from = random.below(records.length);
  return records.map((record, i) => {
    if (i < from) return record;
    if (i < from + 2) return { ...record, operation: 'create', ...making(`shop.t${i - from}`) };
    return { ...record, tables: record.tables.map((table) => `shop.t${table.length % 2}`) };
  });
}

function making(table: string) {
  return { tables: [table], statement: statementOf('create', table) };
}

function laterBy(days: number, record: CanonicalRecord): CanonicalRecord {
  return { ...record, time: new Date(Date.parse(record.time) + days * DAY_MS).toISOString() };
}

/** Not where our own partitioner would put it: shippers have their own. */
function partitionOfToken(token: CanonicalRecord['token']): number {
  return token.length % SOURCE_PARTITIONS;
}

import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { partitionOf } from '../../src/domain/partition.ts';
import type { NewRecord } from '../../src/log/log.ts';
import { decodeStoredEvent, encodeStoredEvent } from '../../src/normalise/stored-event.ts';
import { madeTableIn, madeTableRecords } from '../../src/pipeline/made-table-record.ts';
import { readBaseline, stepsOfLog, TokenPast } from '../../src/pipeline/token-past.ts';
import { GROUPS, TOPICS } from '../../src/pipeline/topics.ts';
import { createSinks } from '../../src/runtime/sinks.ts';
import { ordinary } from '../detect/tokens-life.ts';
import { startCollecting } from '../ingest/collecting.ts';
import { detecting, ENGINE, live } from './mortal-stages.ts';

const AT = Date.UTC(2026, 8, 7, 9);
/** Of three partitions, not in the one in which `APP` is. */
const CI = tokenIn(1);
const APP = tokenIn(0);
const MADE = { table: 'public.refunds', token: CI, at: AT };

function tokenIn(partition: number): string {
  const names = Array.from({ length: 100 }, (_, i) => `token-${i}`);
  return names.find((name) => partitionOf(name, 3) === partition) as string;
}

function madeBy(facts: Partial<AuditEvent> = {}): AuditEvent {
  return {
    ...(ordinary(CI)[0] as AuditEvent),
    operation: 'create',
    success: true,
    tables: [MADE.table],
    at: AT,
    ...facts,
  };
}

describe('a table that is made', () => {
  it('is told to every other partition, and to no other than that', () => {
    const told = madeTableRecords(madeBy(), 3);
    expect(told.map(({ partition }) => partition)).toEqual([0, 2]);
    expect(told.map(({ value }) => madeTableIn(value as Buffer))).toEqual([MADE, MADE]);
    expect(madeTableRecords(madeBy(), 1)).toEqual([]);
  });

  it.each<[string, Partial<AuditEvent>]>([
    ['what is used', { operation: 'insert' }],
    ['what is made in vain', { success: false }],
    ['what nobody says was made', { success: null }],
    ['what is made of others', { tables: ['public.refunds', 'public.orders'] }],
    ['nothing', { tables: [] }],
  ])('is none: %s', (_, facts) => {
    expect(madeTableRecords(madeBy(facts), 3)).toEqual([]);
  });

  it('is known to those of other partitions after collect and detect, and to who goes through a token’s past', async () => {
    await using collecting = await startCollecting();
    const { log } = collecting;
    const lane = await collecting.intake('gateway').resume('lane', undefined);
    const lines = [
      { time: new Date(AT).toISOString(), token: CI, operation: 'create', tables: [MADE.table], success: true },
      { time: new Date(AT + 1000).toISOString(), token: APP, operation: 'select', tables: ['public.orders'] },
    ].map((record) => Buffer.from(JSON.stringify(record)));
    await lane.take(lines.map((value, i) => ({ offset: i, nextOffset: i + 1, value, receivedAt: null })));
    expect(collecting.counts).toMatchObject({ taken: 2, events: 2 });
    expect(await live(log, log, detecting, [GROUPS.detect, TOPICS.events])).toBe(true);
    expect((await log.offsets(TOPICS.deadLetters))[0]?.end).toBe(0);

    const past = new TokenPast(ENGINE, { token: APP, until: Number.POSITIVE_INFINITY, layoutOf: () => undefined });
    for await (const step of stepsOfLog(log, APP, () => undefined)) past.take(step);
    for (const { fleet } of [(await readBaseline(log, ENGINE, APP)).engine, past.engine]) {
      fleet.view.turnTo(1);
      expect(fleet.view.tables.isMadeByOthers(MADE.table, AT)).toBe(true);
    }
  });
});

describe('its record', () => {
  const [record] = madeTableRecords(madeBy(), 3) as [NewRecord];

  it('looks like no event that we store, and is a dead letter to a release that knows none', () => {
    const forged = madeBy({ id: '{"made":', token: '{"made":{}}' });
    expect(madeTableIn(Buffer.from(encodeStoredEvent(forged, null)))).toBeUndefined();
    for (const text of ['{"made":', '{"made":7}', '{"made":{"table":"t"}}'])
      expect(madeTableIn(Buffer.from(text))).toBeUndefined();
    expect(decodeStoredEvent(record.value as Buffer, 'x')).toMatchObject({ code: 'no-token' });
  });

  it('is left out of the archive under its own name', async () => {
    const [sink] = createSinks({ insertEvents: async (events: Iterable<unknown>) => void [...events] } as never);
    const given = [{ ...record, appendedAt: 5, offset: 0 } as never];
    expect(await sink?.insert(given, 'x')).toEqual({ archivedCount: 0, leftOut: new Map([['made table', 1]]) });
  });
});

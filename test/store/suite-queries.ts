import { beforeEach, expect, it } from 'vitest';
import { hourOfWeekOf } from '../../src/baseline/time.ts';
import { blankEvent } from '../../src/domain/blank-event.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createStoreQueries } from '../../src/store/queries.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import type { TestStore } from '../support/clickhouse.ts';
import { START, sampleAlert, sampleDelivery, sampleEvents } from './sample.ts';
import { RETENTION } from './suite-migrations.ts';

/** Queries return what went in. */
export function querySuite(store: () => TestStore): void {
  const queries = () => createStoreQueries(store().clickHouse);
  const writer = () => createStoreWriter(store().clickHouse);

  beforeEach(async () => {
    await migrate(store().clickHouse, RETENTION);
  });

  it('lists alerts in their latest state, newest first, by time, token and severity', async () => {
    const severities = ['informational', 'low', 'medium', 'high', 'critical'] as const;
    await writer().insertAlerts(
      severities.map((severity, n) => sampleAlert(n, { severity, updatedAt: START + n })),
      'first',
    );
    const held = { state: 'held', reason: { code: 'many-tokens-at-once', text: 'Three tokens.' } } as const;
    const second = sampleAlert(1, { severity: 'critical', updatedAt: START + 100, assessmentCount: 4 }, 77);
    await writer().insertAlerts([{ ...second, revocation: held }], 'second');
    const ids = async (filter: Partial<Parameters<ReturnType<typeof queries>['alertsList']>[0]>) =>
      (await queries().alertsList({ since: 0, limit: 100, ...filter })).map(({ id }) => id);
    expect(await ids({})).toEqual(['alr_1', 'alr_4', 'alr_3', 'alr_2', 'alr_0']);
    expect(await ids({ severity: 'high' })).toEqual(['alr_1', 'alr_4', 'alr_3']);
    expect(await ids({ since: START + 3 })).toEqual(['alr_1', 'alr_4', 'alr_3']);
    expect(await ids({ limit: 2 })).toEqual(['alr_1', 'alr_4']);
    expect(await ids({ token: 'tok_3' })).toEqual(['alr_3']);
    expect(await ids({ token: "tok_3' OR 1 = 1 --" })).toEqual([]);
    const [latest] = await queries().alertsList({ since: 0, limit: 1 });
    expect(latest).toEqual({
      id: 'alr_1',
      token: 'tok_1',
      principal: 'svc-1',
      owner: 'team-a',
      environment: 'production',
      severity: 'critical',
      score: 25,
      title: 'New network',
      openedAt: second.alert.openedAt,
      updatedAt: START + 100,
      assessmentCount: 4,
      revocation: 'held',
    });
    expect(await queries().alertShow('alr_1')).toEqual({ alert: second.alert, revocation: held });
    expect(await queries().alertShow('alr_none')).toBeUndefined();
  });

  it('shows the steps of an alert’s actions in order', async () => {
    const steps = [
      sampleDelivery(1, { revision: 5 }),
      sampleDelivery(1, {
        revision: 9,
        state: 'verified',
        detail: 'no use since',
        attemptCount: 2,
        changedAt: START + 9,
      }),
      sampleDelivery(1, { revision: 7, state: 'accepted', detail: '204', attemptCount: 2, changedAt: START + 7 }),
    ];
    await writer().insertDeliveries([...steps, sampleDelivery(2)], 'steps');
    const shown = await queries().deliveriesOf('alr_1');
    expect(shown.map(({ state }) => state)).toEqual(['approved', 'accepted', 'verified']);
    const { action } = steps[0]!;
    expect(shown[2]).toEqual({
      actionId: 'act_1',
      kind: 'revoke',
      alertId: 'alr_1',
      token: 'tok_1',
      target: 'issuer',
      reason: action.reason,
      decidedAt: action.decidedAt,
      state: 'verified',
      detail: 'no use since',
      attemptCount: 2,
      at: START + 9,
    });
  });

  it('sums up a token', async () => {
    const events = sampleEvents(20_000);
    await writer().insertEvents(events, 'events');
    const own = events.map(({ event }) => event).filter(({ token }) => token === 'tok_1');
    const shown = (await queries().tokenShow('tok_1', 0))!;
    const networks = new Set(own.map(({ network }) => network));
    expect(shown).toMatchObject({
      token: 'tok_1',
      principal: own.at(-1)!.principal,
      owner: 'team-a',
      environment: 'production',
      firstAt: own[0]!.at,
      lastAt: own.at(-1)!.at,
      eventCount: own.length,
      rowCount: own.reduce((sum, { rows }) => sum + rows!, 0),
      byteCount: own.reduce((sum, { bytes }) => sum + bytes!, 0),
      failureCount: own.filter(({ success }) => success === false).length,
      networkCount: networks.size,
      tableCount: new Set(own.flatMap(({ tables }) => tables)).size,
    });
    const hours = new Array<number>(168).fill(0);
    for (const { at } of own) hours[hourOfWeekOf(at)]! += 1;
    expect(shown.hoursOfWeek).toEqual(hours);
    expect(shown.tables[0]).toEqual({
      name: 'public.orders',
      eventCount: own.length,
      firstAt: own[0]!.at,
      lastAt: own.at(-1)!.at,
    });
    expect(shown.networks.map(({ name }) => name)).toEqual([...networks].sort());
    expect(shown.networks[0]).toMatchObject({
      country: 'DE',
      asn: own.find(({ network }) => network === shown.networks[0]!.name)!.asn,
    });
    const late = (await queries().tokenShow('tok_1', own.at(-10)!.at))!;
    expect(late.tables[0]!.eventCount).toBe(10);
    expect(await queries().tokenShow('tok_none', 0)).toBeUndefined();
  });

  it('does not let forged counts wrap a total round', async () => {
    const rows = Number.MAX_SAFE_INTEGER;
    const events = Array.from({ length: 4000 }, (_, n) => ({
      event: { ...blankEvent(`e/${n}`, 'tok', START + n), rows },
      partition: 0,
      offset: n,
      loggedAt: START,
    }));
    await writer().insertEvents(events, 'forged');
    expect((await queries().tokenShow('tok', 0))!.rowCount).toBeCloseTo(rows * 4000, -10);
  });

  it('returns a token’s events of a time, from its start up to its end', async () => {
    const events = sampleEvents(1000);
    await writer().insertEvents(events, 'events');
    const own = events.filter(({ event }) => event.token === 'tok_7');
    const [from, to] = [own[10]!.event.at, own[20]!.event.at];
    expect(await queries().eventsOf('tok_7', from, to, 100)).toEqual(own.slice(10, 20));
    expect(await queries().eventsOf('tok_7', from, to, 3)).toEqual(own.slice(10, 13));
  });

  it('keeps what is not known unknown', async () => {
    const blank = { event: blankEvent('s/0/1', 'tok', START), partition: 4, offset: 0, loggedAt: START };
    await writer().insertEvents([blank], 'blank');
    expect(await queries().eventsOf('tok', 0, START + 1, 10)).toEqual([blank]);
    expect(await queries().tokenShow('tok', 0)).toMatchObject({ networkCount: 0, networks: [], tables: [] });
  });

  it('counts what was archived of a range, and sees rows that are missing or there twice', async () => {
    await writer().insertEvents(sampleEvents(1000), 'once');
    const count = (from: number, to: number, since = 0) => queries().archivedIn(1, from, to, since);
    expect(await count(0, 1000)).toEqual({ rowCount: 500, offsetCount: 500 });
    expect(await count(100, 200)).toEqual({ rowCount: 50, offsetCount: 50 });
    expect(await count(990, 2000)).toEqual({ rowCount: 5, offsetCount: 5 });
    await writer().insertEvents(sampleEvents(1000).slice(0, 2), 'by mistake');
    expect(await count(0, 1000)).toEqual({ rowCount: 501, offsetCount: 500 });
    expect(await count(0, 1000, Date.now() + 60_000)).toEqual({ rowCount: 0, offsetCount: 0 });
  });
}

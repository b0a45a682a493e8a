import { beforeEach, expect, it } from 'vitest';
import { readHistory, type TimeSpan } from '../../src/store/history.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { LoggedEvent } from '../../src/store/rows.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import type { TestStore } from '../support/clickhouse.ts';
import { START, sampleEvent, sampleEvents } from './sample.ts';
import { RETENTION } from './suite-migrations.ts';

const ALWAYS: TimeSpan = { from: 0, to: 2 ** 32 * 1000 - 1 };

/** History comes in the order of time, each event once, a page at a time. */
export function historySuite(store: () => TestStore): void {
  const insert = (events: readonly LoggedEvent[], token: string) =>
    createStoreWriter(store().clickHouse).insertEvents(events, token);

  async function read(span = ALWAYS, pageRows = 50) {
    const { rowCount, pages } = await readHistory(store().clickHouse, span, pageRows);
    const sizes: number[] = [];
    const events: LoggedEvent[] = [];
    for await (const page of pages) {
      sizes.push(page.length);
      events.push(...page);
    }
    return { rowCount, sizes, events };
  }

  beforeEach(async () => {
    await migrate(store().clickHouse, RETENTION);
  });

  it('is what was written, whatever order it came in, and no page is larger than it may be', async () => {
    const all = sampleEvents(1000);
    await insert(all.slice(600), 'later');
    await insert(all.slice(0, 600), 'earlier');
    const { rowCount, sizes, events } = await read();
    expect(events).toEqual(all);
    expect(rowCount).toBe(1000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50);
  });

  it('has events of one millisecond in the order of the log, pages ending among them', async () => {
    const all = Array.from({ length: 300 }, (_, n) => ({ ...sampleEvent(n, { at: START }), partition: 0 }));
    await insert(all.toReversed(), 'one moment');
    expect((await read()).events.map(({ offset }) => offset)).toEqual(all.map(({ offset }) => offset));
  });

  it('has each event once, though the log or the table has it twice', async () => {
    const all = sampleEvents(200);
    await insert(all, 'first');
    await insert(all.slice(50, 150), 'the same rows, under another name');
    const again = all
      .slice(40, 120)
      .map((logged, i) => ({ ...logged, offset: 10_000 + i, loggedAt: logged.loggedAt + 86_400_000 }));
    await insert(again, 'written to the log again, a day later');
    const { rowCount, events } = await read();
    expect(events).toEqual(all);
    expect(rowCount).toBe(380);
  });

  it('keeps apart what differs in nothing but its token or its id', async () => {
    const [one, other] = [sampleEvent(1), sampleEvent(2)];
    const { at } = one.event;
    const alike = [
      one,
      { ...other, event: { ...one.event, token: 'tok_other' } },
      { ...other, offset: 3, event: { ...one.event, id: 'kafka/3/77', at } },
    ];
    await insert(alike, 'alike');
    expect((await read()).events).toHaveLength(3);
  });

  it('begins with its first moment and ends before its last, across hours in which nothing happened', async () => {
    const hours = Array.from({ length: 48 }, (_, n) => sampleEvent(n, { at: START + n * 5 * 3_600_000 }));
    await insert(hours, 'hours');
    const [from, to] = [START + 15 * 3_600_000, START + 100 * 3_600_000];
    const { events, rowCount, sizes } = await read({ from, to });
    expect(events).toEqual(hours.slice(3, 20));
    expect({ rowCount, sizes }).toEqual({ rowCount: 17, sizes: [17] });
    expect((await read({ from: from + 1, to: to + 1 })).events).toEqual(hours.slice(4, 21));
    expect(await read({ from: 0, to: START })).toEqual({ rowCount: 0, sizes: [], events: [] });
  });
}

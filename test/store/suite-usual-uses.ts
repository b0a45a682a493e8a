import { beforeEach, expect, it } from 'vitest';
import { createRandom } from '../../src/domain/random.ts';
import { type UsualPart, UsualTally, type UsualUses } from '../../src/domain/usual-use.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { LoggedEvent } from '../../src/store/rows.ts';
import { readUsualUses } from '../../src/store/usual-uses.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import type { TestStore } from '../support/clickhouse.ts';
import { START, sampleEvent, sampleEvents } from './sample.ts';
import { RETENTION } from './suite-migrations.ts';

const HOUR_MS = 3_600_000;
const EVER: UsualPart = { token: 'tok_1', from: 0, before: START + 1e12, hoursLeftOut: new Set(), alertsLeftOut: 0 };

/** What is usual comes out as when the events are gone through one by one. */
export function usualUseSuite(store: () => TestStore): void {
  const insert = (events: readonly LoggedEvent[]) =>
    createStoreWriter(store().clickHouse).insertEvents(events, `${events.length}`);
  const read = (part: Partial<UsualPart>, weekOf = START, eventsMax?: number) =>
    readUsualUses(store().clickHouse, { ...EVER, ...part }, weekOf, eventsMax);

  beforeEach(async () => {
    await migrate(store().clickHouse, RETENTION);
  });

  it('is summed up by kinds of use, without what is not known to be the owner’s', async () => {
    const random = createRandom('usual');
    const events = Array.from({ length: 3000 }, (_, n) =>
      sampleEvent(n, {
        token: random.pick(['tok_1', 'tok_2']),
        at: START - random.below(40 * 24) * HOUR_MS - n,
        operation: random.pick(['select', 'copy', null]),
        tables: random.pick([[], ['b', 'a'], ['a', 'b'], ['c']]),
        rows: random.pick([null, 0, random.below(1000)]),
        success: random.pick([true, true, null]),
        database: random.pick(['shop', null]),
        network: random.pick(['192.0.2.0/24', null]),
        asn: 64_500,
        application: random.pick(["'; drop table events; --", null]),
      }),
    );
    await insert(events);
    const now = START / HOUR_MS;
    const hoursLeftOut = new Set(Array.from({ length: 300 }, (_, hour) => now - 70 - hour));
    const from = START - 30 * 24 * HOUR_MS;
    for (const part of [{}, { from, before: START - 50 * HOUR_MS, hoursLeftOut }, { token: 'tok_2', hoursLeftOut }]) {
      const weekOf = START - random.below(1e9);
      const tally = new UsualTally({ ...EVER, ...part }, weekOf);
      for (const { event } of events) tally.take(event);
      expect(tally.usual.uses.length).toBeGreaterThan(50);
      expect(sorted(await read(part, weekOf))).toEqual(sorted(tally.usual));
    }
  });

  it('begins with its beginning, ends before its end, and is without hours in between', async () => {
    const at = (n: number) => START + n * 1000;
    await insert(sampleEvents(10_000));
    expect(await read({ before: at(1) })).toEqual({ uses: [], eventCount: 0, since: null });
    expect(await read({ before: at(11) })).toMatchObject({ eventCount: 1, since: at(1) });
    expect(await read({ from: at(11), before: at(31) })).toMatchObject({ eventCount: 2, since: at(11) });
    const hoursLeftOut = new Set([START / HOUR_MS, START / HOUR_MS + 1]);
    expect(await read({ hoursLeftOut })).toMatchObject({ eventCount: 280, since: at(7201) });
  });

  it('is of the latest events where there are more than can be looked at', async () => {
    await insert(sampleEvents(1000));
    expect(await read({}, START, 7)).toMatchObject({ eventCount: 7, since: START + 931_000 });
    expect(await read({ token: "tok_1' OR 1 = 1 --" })).toMatchObject({ eventCount: 0 });
  });
}

function sorted({ uses, ...rest }: UsualUses) {
  return { ...rest, uses: uses.map((use) => JSON.stringify(Object.entries(use).sort())).sort() };
}

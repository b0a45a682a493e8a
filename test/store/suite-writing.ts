import { monitorEventLoopDelay } from 'node:perf_hooks';
import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { migrate } from '../../src/store/migrate.ts';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { createStoreQueries } from '../../src/store/queries.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import type { TestStore } from '../support/clickhouse.ts';
import { arbitraryEvent, HOSTILE_TEXTS } from './arbitrary-event.ts';
import { START, sampleAlert, sampleDelivery, sampleEvent, sampleEvents, sampleLoggedAssessment } from './sample.ts';
import { countBoth, RETENTION } from './suite-migrations.ts';

const DAY_MS = 86_400_000;

/** What inserts promise: each row once, whatever is in it. */
export function writingSuite(store: () => TestStore): void {
  const clickHouse = () => store().clickHouse;
  const writer = () => createStoreWriter(clickHouse());

  beforeEach(async () => {
    await migrate(clickHouse(), RETENTION);
  });

  it('counts a batch inserted again under its token once, in the table and in the hourly sums', async () => {
    const events = sampleEvents(5000);
    for (let attempt = 0; attempt < 3; attempt++) await writer().insertEvents(events, 'a/events/0/0-4999');
    expect(await countBoth(clickHouse())).toEqual({ events: 5000, tokenHours: 5000 });
    const [sums] = await clickHouse().query(
      'SELECT sum(row_count) AS rowCount, sum(byte_count) AS byteCount, sum(failure_count) AS failures FROM token_hours',
    );
    const sum = (pick: (event: AuditEvent) => number) => events.reduce((total, { event }) => total + pick(event), 0);
    expect(sums).toEqual({
      rowCount: sum(({ rows }) => rows ?? 0),
      byteCount: sum(({ bytes }) => bytes ?? 0),
      failures: sum(({ success }) => (success === false ? 1 : 0)),
    });
  });

  it('counts it again under another token', async () => {
    await writer().insertEvents(sampleEvents(100), 'one');
    await writer().insertEvents(sampleEvents(100), 'two');
    expect(await countBoth(clickHouse())).toEqual({ events: 200, tokenHours: 200 });
  });

  it('remembers tokens after many other inserts', async () => {
    await writer().insertEvents(sampleEvents(10), 'first');
    for (let n = 0; n < 150; n++) await writer().insertEvents(sampleEvents(1, n), `other ${n}`);
    await writer().insertEvents(sampleEvents(10), 'first');
    expect(await countBoth(clickHouse())).toEqual({ events: 160, tokenHours: 160 });
  });

  it('adds to the hourly sums what a crash between table and view left out', async () => {
    const events = sampleEvents(500);
    await clickHouse().command('DROP TABLE token_hours_view');
    await writer().insertEvents(events, 'interrupted');
    expect(await countBoth(clickHouse())).toEqual({ events: 500, tokenHours: 0 });
    for (const statement of MIGRATIONS[0]!.statements(RETENTION)) await clickHouse().command(statement);
    await writer().insertEvents(events, 'interrupted');
    await writer().insertEvents(events, 'interrupted');
    expect(await countBoth(clickHouse())).toEqual({ events: 500, tokenHours: 500 });
  });

  it('keeps a batch exact that is cut into pieces, and one over hundreds of days', async () => {
    const heavy = Array.from({ length: 2500 }, (_, n) => sampleEvent(n, { statement: `${n}'\u0000`.repeat(1300) }));
    const spread = Array.from({ length: 300 }, (_, n) => ({ ...sampleEvent(n), loggedAt: START - (n * DAY_MS) / 4 }));
    for (let attempt = 0; attempt < 2; attempt++) {
      await writer().insertEvents(heavy, 'heavy');
      await writer().insertEvents(spread, 'spread');
    }
    expect(await countBoth(clickHouse())).toEqual({ events: 2800, tokenHours: 2800 });
  });

  it('makes one block of an insert, without which a token could cover other rows the second time', async () => {
    const oneDay = sampleEvents(12_000).map((one) => ({ ...one, loggedAt: START }));
    await writer().insertEvents(oneDay, 'one block');
    const parts =
      "SELECT sum(rows) AS n, count() AS parts FROM system.parts WHERE table = 'events' AND database = currentDatabase() AND level = 0";
    expect(await clickHouse().query(parts)).toEqual([{ n: 12_000, parts: 1 }]);
  });

  it('returns hostile texts as they went in', async () => {
    const events = HOSTILE_TEXTS.map((text, n) =>
      sampleEvent(n, { token: 'tok', statement: text, application: text, principal: text, tables: [text, 'orders'] }),
    );
    await writer().insertEvents(events, 'hostile');
    const stored = await createStoreQueries(clickHouse()).eventsOf('tok', 0, Number.MAX_SAFE_INTEGER, 1000);
    const wellFormed = JSON.parse(JSON.stringify(events), (_, value: unknown) =>
      typeof value === 'string' ? value.toWellFormed() : value,
    ) as unknown;
    expect(stored).toEqual(wellFormed);
    expect(await countBoth(clickHouse())).toEqual({ events: events.length, tokenHours: events.length });
  });

  it('finds each hostile text again when it is the name of a token', async () => {
    const events = HOSTILE_TEXTS.map((token, n) => sampleEvent(n, { token }));
    await writer().insertEvents(events, 'names');
    const queries = createStoreQueries(clickHouse());
    for (const token of HOSTILE_TEXTS.filter((text) => text.length < 1000)) {
      expect(await queries.tokenShow(token, 0)).toMatchObject({ token: token.toWellFormed(), eventCount: 1 });
    }
  });

  it('takes any event there can be: none stops the archive', async () => {
    const property = fc.asyncProperty(fc.array(arbitraryEvent, { minLength: 100, maxLength: 200 }), async (events) => {
      const before = await countBoth(clickHouse());
      const logged = events.map((event, offset) => ({ event, partition: 0, offset, loggedAt: START }));
      await writer().insertEvents(logged, `any ${before.events}`);
      // Hourly sums are kept by event time: of hours long past there may be none left.
      expect((await countBoth(clickHouse())).events).toBe(before.events + events.length);
    });
    await fc.assert(property, { numRuns: 8, endOnFailure: true });
  });

  it('keeps findings, alerts and deliveries once each', async () => {
    const numbers = [0, 1, 2, 3, 4];
    for (let attempt = 0; attempt < 2; attempt++) {
      await writer().insertFindings(numbers.map(sampleLoggedAssessment), 'findings 0-4');
      await writer().insertAlerts(
        numbers.map((n) => sampleAlert(n)),
        'ledger 0-4',
      );
      await writer().insertDeliveries(
        numbers.map((n) => sampleDelivery(n)),
        'ledger 0-4',
      );
    }
    // The same assessment at another place of the log, as after a crash of detect: merged when read.
    await writer().insertFindings([{ ...sampleLoggedAssessment(4), offset: 9 }], 'findings 9-9');
    const counts =
      'SELECT (SELECT count() FROM findings FINAL) AS f, (SELECT count() FROM alerts) AS a, (SELECT count() FROM deliveries) AS d';
    expect(await clickHouse().query(counts)).toEqual([{ f: 10, a: 5, d: 5 }]);
    const [finding] = await clickHouse().query<{ evidence: string }>(
      "SELECT detector, attack, score, contribution, evidence, explanation FROM findings FINAL WHERE id = 'fnd_3_a'",
    );
    const { assessment } = sampleLoggedAssessment(3);
    const { detector, attack, contribution, evidence, explanation } = assessment.findings[0]!;
    expect({ ...finding, evidence: JSON.parse(finding!.evidence) as unknown }).toEqual({
      detector,
      attack,
      score: assessment.score,
      contribution,
      evidence,
      explanation,
    });
  });

  it('names a fault of ours as such', async () => {
    await clickHouse().command('ALTER TABLE deliveries DROP COLUMN detail');
    const error = await writer()
      .insertDeliveries([sampleDelivery(1)], 'd')
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({ name: 'StoreError', code: 'rejected', retryable: false });
    await expect(clickHouse().query('SELECT nothing FROM events')).rejects.toMatchObject({ code: 'rejected' });
  });

  it('does not hold up the event loop with 50,000 rows', async () => {
    const events = sampleEvents(50_000);
    await writer().insertEvents(events.slice(0, 5000), 'warm-up');
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const startedAt = performance.now();
    await writer().insertEvents(events, 'fifty thousand');
    const tookMs = performance.now() - startedAt;
    delay.disable();
    console.log(
      `50,000 events: ${Math.round(50_000_000 / tookMs)} rows/s, longest stall ${(delay.max / 1e6).toFixed(0)} ms, ` +
        `p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, resident ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`,
    );
    expect(await countBoth(clickHouse())).toEqual({ events: 55_000, tokenHours: 55_000 });
    expect(delay.max / 1e6).toBeLessThan(400);
    expect(delay.percentile(99) / 1e6).toBeLessThan(50);
  });
}

import { expect, it } from 'vitest';
import { LIFETIME_DAYS_MAX } from '../../src/domain/lifetime.ts';
import type { ClickHouse } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { MIGRATIONS, type RetentionDays } from '../../src/store/migrations.ts';
import { createStoreWriter } from '../../src/store/writer.ts';
import type { TestStore } from '../support/clickhouse.ts';
import { sampleEvents } from './sample.ts';

export const RETENTION: RetentionDays = { events: 90, tokenHours: 400, findings: 400, alerts: 800 };

/** Tables as ClickHouse describes them. */
async function describeTables(clickHouse: ClickHouse) {
  return clickHouse.query<{ name: string; engine: string; engine_full: string; columns: unknown[] }>(
    `SELECT name, engine, engine_full, groupArray((c.name, c.type)) AS columns
    FROM system.tables AS t LEFT JOIN system.columns AS c ON c.database = t.database AND c.table = t.name
    WHERE t.database = currentDatabase() GROUP BY t.name, t.engine, t.engine_full ORDER BY name`,
  );
}

/** Migrations, from every state a database can be found in. */
export function migrationSuite(store: () => TestStore): void {
  it('makes everything in an empty database, and nothing the second time', async () => {
    const { clickHouse } = store();
    expect((await migrate(clickHouse, RETENTION)).map(({ id }) => id)).toEqual(MIGRATIONS.map(({ id }) => id));
    const before = await describeTables(clickHouse);
    expect(before.map(({ name }) => name)).toEqual(
      ['alerts', 'deliveries', 'events', 'findings', 'schema_migrations', 'token_hours', 'token_hours_view'].sort(),
    );
    expect(await migrate(clickHouse, RETENTION)).toEqual([]);
    expect(await describeTables(clickHouse)).toEqual(before);
  });

  it.each(MIGRATIONS.map(({ id }) => id))('goes on from version %i and keeps its rows', async (version) => {
    const { clickHouse } = store();
    await migrate(clickHouse, RETENTION, MIGRATIONS.slice(0, version));
    // As that release did, which knew nothing of what came later.
    await clickHouse.command(
      `INSERT INTO events (id, token, at, ingest_time, log_partition, log_offset)
      SELECT toString(number), toString(number), now() - number, now(), 0, number FROM numbers(100)`,
    );
    const applied = await migrate(clickHouse, RETENTION);
    expect(applied).toEqual(MIGRATIONS.slice(version));
    expect(await countBoth(clickHouse)).toEqual({ events: 100, tokenHours: 100 });
    expect(await migrate(clickHouse, RETENTION)).toEqual([]);
  });

  it('takes up a run that was interrupted between any two statements', async () => {
    const { clickHouse } = store();
    const [first] = MIGRATIONS;
    for (const statement of first!.statements(RETENTION).slice(0, 2)) await clickHouse.command(statement);
    await migrate(clickHouse, RETENTION);
    await createStoreWriter(clickHouse).insertEvents(sampleEvents(10), 'after');
    expect(await countBoth(clickHouse)).toEqual({ events: 10, tokenHours: 10 });
  });

  it('may run twice at once', async () => {
    const { clickHouse } = store();
    await Promise.all([migrate(clickHouse, RETENTION), migrate(clickHouse, RETENTION)]);
    expect(await clickHouse.query('SELECT id FROM schema_migrations FINAL ORDER BY id')).toEqual(
      MIGRATIONS.map(({ id }) => ({ id })),
    );
  });

  it('refuses a database that a newer release has changed, and leaves it alone', async () => {
    const { clickHouse } = store();
    await migrate(clickHouse, RETENTION, MIGRATIONS.slice(0, 1));
    await clickHouse.command("INSERT INTO schema_migrations (id, title) VALUES (99, 'things to come')");
    const before = await describeTables(clickHouse);
    await expect(migrate(clickHouse, RETENTION)).rejects.toMatchObject({
      code: 'newer-database',
      message: expect.stringMatching(/schema 99 \("things to come"\).*up to 6/),
    });
    expect(await describeTables(clickHouse)).toEqual(before);
  });

  it('gives tables the time to live that the options say, and changes it with them', async () => {
    const { clickHouse } = store();
    await migrate(clickHouse, RETENTION);
    expect(await lifetimes(clickHouse)).toEqual({
      alerts: 800,
      deliveries: 800,
      events: 90,
      findings: 400,
      token_hours: 400,
    });
    await migrate(clickHouse, { ...RETENTION, events: 30, alerts: 1000 });
    expect(await lifetimes(clickHouse)).toEqual({
      alerts: 1000,
      deliveries: 1000,
      events: 30,
      findings: 400,
      token_hours: 400,
    });
  });

  it('refuses retention that is no number of days', async () => {
    const { clickHouse } = store();
    for (const events of [0, -1, 1.5, Number.NaN, LIFETIME_DAYS_MAX + 1]) {
      await expect(migrate(clickHouse, { ...RETENTION, events })).rejects.toMatchObject({ code: 'rejected' });
    }
  });

  it('refuses a table that would take repeated inserts twice, and says how to mend it', async () => {
    const { clickHouse } = store();
    await migrate(clickHouse, RETENTION);
    await clickHouse.command('ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 0');
    const error = await migrate(clickHouse, RETENTION).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'rejected' });
    const [mend] = /ALTER TABLE events MODIFY SETTING \w+ = \d+/.exec((error as Error).message) ?? [];
    await clickHouse.command(mend!);
    expect(await migrate(clickHouse, RETENTION)).toEqual([]);
  });
}

/** Rows of the events table, and what the hourly sums make of them. */
export async function countBoth(clickHouse: ClickHouse): Promise<{ events: number; tokenHours: number }> {
  const [events] = await clickHouse.query<{ n: number }>('SELECT count() AS n FROM events');
  const [tokenHours] = await clickHouse.query<{ n: number }>('SELECT sum(event_count) AS n FROM token_hours');
  return { events: events!.n, tokenHours: tokenHours!.n };
}

async function lifetimes(clickHouse: ClickHouse): Promise<Record<string, number>> {
  const tables = await describeTables(clickHouse);
  const days = tables.map(
    ({ name, engine_full }) => [name, /TTL .*toIntervalDay\((\d+)\)/.exec(engine_full)?.[1]] as const,
  );
  return Object.fromEntries(
    days.filter(([, count]) => count !== undefined).map(([name, count]) => [name, Number(count)]),
  );
}
